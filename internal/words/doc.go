// Package words splits documents and questions into the words by which they are found, and ranks by them. Documents and
// questions are split by the same code, so a word of a question is found wherever a document has it. The package does no
// I/O.
//
// Split divides a text into tokens by the word boundaries of Unicode (UAX 29). Names stay whole and have parts:
// max_connections, json.loads, git-gc, --prune, 3.11, ThreadPoolExecutor, C++. A run of a script without spaces between words
// (Chinese, Japanese, Thai, Lao, Khmer, Burmese) becomes its overlapping pairs of letters: 入浴料 becomes 入浴 and 浴料.
//
// Keys turns tokens into what the index has: in normalisation form KC, with case folded, the stems of words by Snowball, and
// names both whole and as the stems of their parts. Words without meaning of their own (stop words) are left out. The
// language of a text decides on its stems and stop words; an empty language means English. Vector writes the keys of a
// passage as a tsvector: A is the title, B are the headings, D is the text.
//
// Detect finds the language of a text, also of a short question. Weigh and Score are BM25 as Lucene computes it.
package words
