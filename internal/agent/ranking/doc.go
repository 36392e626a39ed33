// Package ranking splits questions into terms, and scores passages of pages by them. It does no I/O. Its results depend
// only on the arguments.
//
// A question consists of terms. Names such as max_connections, json.loads, now() or NOTIFY have the highest weight, and
// common words like "first" or "after" have almost none. Hints are added: words that often occur in answers to this kind
// of question ("how long": timeout, interval). Words and stems are those of package words, by which the passages
// are found.
//
// The score of a passage (func Rank) is the share of the question's terms, weighted by kind and rarity, that occur in
// the passage, in the headings and defined terms above it, in the entry around it or in the page's title. The score
// rises if words that are neighbours in the question are close together in the passage, if one sentence has many of the
// terms, if the nearest heading has few other words, and if the page has further good passages. It also rises if the
// passage has the form of an answer: a number with a unit for "how long" and "how large", the word "default" for a
// default, a reason for "why". A table row is read together with the heads of its columns. The score falls for lists
// without sentences, for very short passages, and for passages that consist only of links.
//
// A question may consist of several (Clauses); each is ranked for itself. Relevance says how well the best passages fit: below a
// floor the question counts as not answered, and above it the confidence follows from the relevance.
package ranking
