package ranking

import "testing"

func TestConfidence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		less, more Relevance
	}{
		{"coverage", Relevance{Whole: 0.6}, Relevance{Whole: 0.9}},
		{"lead", Relevance{Whole: 0.8, Lead: 0.1}, Relevance{Whole: 0.8, Lead: 0.7}},
		{"a language that cannot be compared", Relevance{Whole: 0.2}, Relevance{Whole: 0.2, Foreign: true}},
	} {
		less, more := tt.less.Confidence(), tt.more.Confidence()
		if less >= more || less <= 0 || more >= 1 {
			t.Errorf("%s: %v, %v", tt.name, less, more)
		}
	}
}

func TestFloorOfRelevance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		r    Relevance
		want bool
	}{
		{Relevance{Lost: 1}, true},
		{Relevance{Whole: leastWhole - 0.01, Lost: leastLost}, true},
		{Relevance{Whole: leastWhole, Lost: leastLost}, false},
		{Relevance{Whole: leastWhole - 0.01}, false},
		{Relevance{Whole: leastWhole - 0.1, Lead: 1, Lost: leastLost}, false},
		{Relevance{Whole: leastWhole - 0.2, Lead: 1, Lost: leastLost}, true},
		{Relevance{Whole: 0.1, Lost: 0.5, Foreign: true}, false},
	} {
		if got := tt.r.Unanswered(); got != tt.want {
			t.Errorf("%+v: %v", tt.r, got)
		}
	}
}
