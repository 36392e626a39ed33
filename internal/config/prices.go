package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Price is what a model costs, in US dollars per million tokens.
type Price struct {
	Model         string // name of the model, or a pattern with *
	Input, Output float64
}

// String returns the price in the form that MODEL_PRICES accepts.
func (p Price) String() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return p.Model + "=" + number(p.Input) + "/" + number(p.Output)
}

// maxPrice is far above any real price. A higher number was probably given in cents, or in another unit.
const maxPrice = 10_000

func parsePrices(s string) ([]Price, error) {
	var out []Price
	for _, item := range list(s) {
		at := strings.LastIndexByte(item, '=') // the last =, because names may contain the character
		if at < 1 {
			return nil, fmt.Errorf("price %q: no model", item)
		}
		p := Price{Model: strings.TrimSpace(item[:at])}
		input, output, ok := strings.Cut(item[at+1:], "/")
		var bad [2]error
		p.Input, bad[0] = parsePrice(input)
		p.Output, bad[1] = parsePrice(output)
		if !ok || bad[0] != nil || bad[1] != nil || !printable(p.Model, false) || p.Model == "" {
			return nil, fmt.Errorf("price %q: not model=input/output", item)
		}
		out = append(out, p)
	}
	return out, nil
}

func parsePrice(s string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(f) || f < 0 || f > maxPrice {
		return 0, fmt.Errorf("price %q: not 0..%d", s, maxPrice)
	}
	return f, nil
}
