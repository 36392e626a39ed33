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
	Cached        float64 // of input tokens from the provider's cache
}

// String returns the price in the form that MODEL_PRICES accepts.
func (p Price) String() string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	s := p.Model + "=" + number(p.Input) + "/" + number(p.Output)
	if p.Cached != p.Input {
		s += "/" + number(p.Cached)
	}
	return s
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
		numbers := strings.Split(item[at+1:], "/")
		var prices [3]float64
		bad := len(numbers) < 2 || len(numbers) > 3 || !printable(p.Model, false) || p.Model == ""
		for i, number := range numbers[:min(len(numbers), 3)] {
			var err error
			prices[i], err = parsePrice(number)
			bad = bad || err != nil
		}
		if bad {
			return nil, fmt.Errorf("price %q: not model=input/output or model=input/output/cached", item)
		}
		p.Input, p.Output, p.Cached = prices[0], prices[1], prices[2]
		if len(numbers) == 2 {
			p.Cached = p.Input
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
