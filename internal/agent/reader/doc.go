// Package reader is the built-in reader: it researches a task with the tools of a session, without a language model. It is
// deterministic.
//
// It splits the question into terms (package ranking) and opens the pages with the best score first (type frontier). The
// score of a page is computed from the links to it. The score of a link is the share of the question's terms, weighted
// by kind and by rarity among all links, that occur in the link's text, in the block or definition around it, in its
// address, in the heading above it or in the title of the page that has it. The score rises if the link's text has few
// other words, if several links to the page together cover more terms, if the page with the link is relevant, and if the
// linked page is a part of a relevant page. An index or site map is opened early. The score falls a little with each
// link followed in a row. Reading ends when no related page is left, when a budget is used up, or when the evidence is
// strong: one passage covers strongShare of the question and has the form of an answer to it.
//
// The answer quotes and cites up to five passages. It is marked partial in two cases: nothing relevant was found, or a budget
// ended the reading before a relevant link (a score of at least relevantLink) was opened and before the evidence was strong. In
// the second case metadata.budget is maxPages, timeBudget or maxDepth. Func confidence computes the confidence.
//
// A follow-up opens the pages of its parent's evidence again. If the follow-up's question contains no name, it is
// completed by the latest earlier question that contains one.
package reader
