// Package reader is the built-in reader: a deterministic planner over the tools of a session, without a language model.
//
// It takes the question apart into terms (package ranking) and opens pages best first (type frontier). A link is scored by
// the share of the question, weighted by kind of term and by rarity among all links seen, that stands in its text, in the
// block or definition around it, in its address, in the heading above and in the title of its page; by how much its text is
// about nothing else; by what all links to the same page say together; by the evidence on the page that has it; by being a
// part of a page on the subject. The site's index or site map is opened early. Each link followed in a row costs a little.
// Reading ends when nothing related is left, when a budget is used up, or when the evidence is strong: one passage covers
// strongShare of the question and looks like an answer to it.
//
// The answer quotes up to five passages, each cited. It is partial when nothing relevant was found, and when a budget left
// unopened a link that looked relevant (a score of at least relevantLink) while the evidence was not strong; then
// metadata.budget is maxPages, timeBudget or maxDepth. Its confidence is computed by func confidence.
//
// A follow-up opens its parent's pages again. A question that names nothing is read together with the latest earlier one
// that does.
package reader
