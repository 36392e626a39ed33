// Package ranking reads questions, and scores passages of pages by them. It does no I/O; what it gives depends on its
// arguments alone.
//
// A question consists of terms. Names such as max_connections, json.loads, now() or NOTIFY weigh most, light words next to
// nothing, and a few words that answers of a shape are likely to use ("how long": timeout, interval) are added as hints.
// Stems are Snowball's, as in PostgreSQL's full-text search, which finds the passages that are ranked here.
//
// A passage is scored (func Rank) by the share of the question, weighted by kind and rarity, in its own words, the headings
// and defined terms above it, the entry around it and the page's title; by how close together words of the question stand
// and what a single sentence has; by the entry being about just this; by the page's other passages; and by the shape of the
// answer: a number with a unit where the question asks how long or how large, "default" where it asks what holds otherwise,
// a reason where it asks why. A row of a table is read under the heads of its columns. Lists without sentences, fragments, and
// pages that are mostly links are lowered.
package ranking
