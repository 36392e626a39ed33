package password

import (
	"math"
	"slices"
	"strings"
	"unicode"
)

// log10Guesses estimates how many guesses an attacker who knows common patterns needs to find a password. It returns
// a power of ten. It follows zxcvbn (Wheeler, "zxcvbn: Low-Budget Password Strength Estimation", USENIX Security
// 2016): the password is cut into pieces that are words, repetitions, sequences, rows of keys, dates or single
// characters, in the way that needs the fewest guesses. The guesses of n pieces are multiplied, and then multiplied
// by n!, because the attacker does not know the order of the pieces.
func log10Guesses(password string, ranks map[string]int, context []string) float64 {
	p := pieces{ranks: ranks, context: context, text: []rune(password), lower: []rune(strings.ToLower(password))}
	if len(p.text) != len(p.lower) { // a letter whose lower case has another length
		p.lower = p.text
	}
	return p.best()
}

// pieces is a password while it is cut into pieces. A cost is a number of guesses, as a power of ten.
type pieces struct {
	ranks       map[string]int
	context     []string // words that an attacker knows about this user
	text, lower []rune
	cost        [][]float64 // cost[i][j] is the cost of the characters from i up to j as one piece
}

// best returns the least cost of the whole password.
func (p pieces) best() float64 {
	n := len(p.text)
	p.cost = make([][]float64, n)
	for i := range p.cost {
		p.cost[i] = make([]float64, n+1)
	}
	for length := 1; length <= n; length++ { // short pieces first, because the cost of a repetition depends on the cost of the repeated piece
		for i := 0; i+length <= n; i++ {
			p.cost[i][i+length] = p.piece(i, i+length)
		}
	}
	// least[k][j] is the least cost of the first j characters cut into k pieces.
	least := make([][]float64, n+1)
	for k := range least {
		least[k] = slices.Repeat([]float64{math.Inf(1)}, n+1)
	}
	least[0][0] = 0
	whole, orders := math.Inf(1), 0.0
	for k := 1; k <= n; k++ {
		orders += math.Log10(float64(k))
		for j := k; j <= n; j++ {
			for i := k - 1; i < j; i++ {
				least[k][j] = min(least[k][j], least[k-1][i]+p.cost[i][j])
			}
		}
		whole = min(whole, least[k][n]+orders)
	}
	return whole
}

// piece returns the cost of the characters from i up to j as one piece.
func (p pieces) piece(i, j int) float64 {
	cost := float64(j - i) // a single character costs ten guesses, whatever alphabet it is from
	for _, other := range []float64{p.word(i, j), p.repetition(i, j), sequence(p.text[i:j]), row(p.lower[i:j]), date(p.text[i:j])} {
		cost = min(cost, other)
	}
	return cost
}

// leet undoes the usual replacements of letters.
var leet = strings.NewReplacer("4", "a", "@", "a", "8", "b", "(", "c", "3", "e", "6", "g", "9", "g",
	"1", "i", "!", "i", "|", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")

// word returns how many guesses find a word, as a power of ten. The word is in the dictionary or is one that an
// attacker knows of this user, and may be written backwards or with replaced letters (leet).
func (p pieces) word(i, j int) float64 {
	const shortest = 3
	if j-i < shortest {
		return math.Inf(1)
	}
	cost, plain := math.Inf(1), string(p.lower[i:j])
	backwards := slices.Clone(p.lower[i:j])
	slices.Reverse(backwards)
	variants := 0.0
	if slices.ContainsFunc(p.text[i:j], unicode.IsUpper) {
		variants = math.Log10(2)
	}
	for _, form := range []struct {
		text   string
		factor float64
	}{{plain, 1}, {leet.Replace(plain), 2}, {string(backwards), 2}, {leet.Replace(string(backwards)), 4}} {
		rank, known := p.ranks[form.text]
		if slices.Contains(p.context, form.text) {
			rank, known = 1, true
		}
		if known {
			cost = min(cost, math.Log10(float64(rank)*form.factor)+variants)
		}
	}
	return cost
}

// repetition returns the cost of a piece that consists of the same shorter piece several times.
func (p pieces) repetition(i, j int) float64 {
	length, cost := j-i, math.Inf(1)
	for unit := 1; unit <= length/2; unit++ {
		if length%unit == 0 && slices.Equal(p.lower[i:j-unit], p.lower[i+unit:j]) {
			cost = min(cost, p.cost[i][i+unit]+math.Log10(float64(length/unit)))
		}
	}
	return cost
}

// sequence returns the cost of characters at equal distances, as in abcd or 9753.
func sequence(text []rune) float64 {
	const shortest, most = 3, 2
	if len(text) < shortest {
		return math.Inf(1)
	}
	step := text[1] - text[0]
	if step == 0 || step < -most || step > most {
		return math.Inf(1)
	}
	for k := 2; k < len(text); k++ {
		if text[k]-text[k-1] != step {
			return math.Inf(1)
		}
	}
	start := 26.0
	if strings.ContainsRune("aAzZ019", text[0]) {
		start = 4
	}
	return math.Log10(start * float64(len(text)) * 2)
}

// rows has the keys of a usual keyboard. Each row is shifted to the right by half a key from the row above.
var rows = []string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"}

// place returns the position of a character's key on the keyboard: column x in row y. ok is false if the keyboard has
// no key for it.
func place(r rune) (x, y int, ok bool) {
	for y, keys := range rows {
		if x := strings.IndexRune(keys, r); x >= 0 {
			return x, y, true
		}
	}
	return 0, 0, false
}

// row returns the cost of a path of neighbouring keys, as in qwerty or 1qaz. Each change of direction makes it more
// expensive.
func row(text []rune) float64 {
	const shortest, starts, directions = 3, 47, 5
	if len(text) < shortest {
		return math.Inf(1)
	}
	turns, dx, dy := 0, 0, 0
	x, y, ok := place(text[0])
	for _, r := range text[1:] {
		nextX, nextY, found := place(r)
		mx, my := nextX-x, nextY-y
		if !ok || !found || mx < -1 || mx > 1 || my < -1 || my > 1 || mx == 0 && my == 0 {
			return math.Inf(1)
		}
		if mx != dx || my != dy {
			turns++
		}
		x, y, dx, dy = nextX, nextY, mx, my
	}
	return math.Log10(starts*float64(len(text))) + float64(turns)*math.Log10(directions)
}

// date returns how many guesses find a year, or a date written in digits, as a power of ten. It is infinite for other
// text.
func date(text []rune) float64 {
	const years, days = 150, 366
	for _, r := range text {
		if r < '0' || r > '9' {
			return math.Inf(1)
		}
	}
	switch s := string(text); {
	case len(s) == 4 && (strings.HasPrefix(s, "19") || strings.HasPrefix(s, "20")):
		return math.Log10(years)
	case len(s) == 6 || len(s) == 8: // day, month and year in some order
		return math.Log10(years * days)
	}
	return math.Inf(1)
}
