// Package page fetches a document from the web politely and turns it into text, links and passages.
//
// What holds for everything it does:
//
//   - No connection is ever opened to a private, loopback, link-local, metadata or otherwise reserved address, nor to a
//     port other than 80 and 443, unless the address lies in a network of Config.AllowNets. The check sits at connect
//     time, after the name was resolved, so redirects, decimal addresses and DNS rebinding do not get around it. Proxy
//     variables of the environment are ignored.
//   - Every URL that is requested, redirect targets included, was allowed by the policy of the call and by the robots.txt
//     of its host, and waited for its turn at the Gate. robots.txt files themselves do not pass the Gate.
//   - Nothing is read without bound: not the headers, not the body (compressed or not), not the redirects, not the time.
//   - A load that fails is a result, not an error: its Visit carries the Outcome and a sentence. Only a cancelled context
//     and a Gate that cannot answer are errors.
//   - All text that leaves the package went through Clean: valid UTF-8 without NUL and control characters.
//   - Text reads like the page: no Markdown escapes, no emphasis marks, no link targets, so that a span of it can be
//     shown as a quote. Structure that matters to passages is kept: headings, lists, tables, code fences, and the terms of
//     definition lists as bold lines with their definitions indented below them.
package page
