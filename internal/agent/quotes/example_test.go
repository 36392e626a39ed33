package quotes_test

import (
	"fmt"

	"legwork/internal/agent/quotes"
)

// A model quotes a page in its own spelling. The stored quote has the spelling of the page.
func ExampleText_Find() {
	page := quotes.NewText("Descale it “regularly”: the oﬃce kettle holds 1.7 litres.")
	found, ok := page.Find(`"The Office kettle holds 1.7 litres..."`)
	fmt.Println(ok, page.Slice(found.Start, found.End))
	_, ok = page.Find("the office kettle holds 2.7 litres")
	passage, _ := page.Closest("the office kettle holds 2.7 litres")
	fmt.Println(ok, passage)
	// Output:
	// true the oﬃce kettle holds 1.7 litres
	// false it “regularly”: the oﬃce kettle holds 1.7 litres
}
