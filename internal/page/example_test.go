package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"legwork/internal/page"
)

// A Reader reads documents of any kind as text with links. This feed is served as plain text, but its bytes show that it is a feed.
func ExampleInProcess_Read() {
	reader := page.NewInProcess("")
	defer reader.Close()
	at := &url.URL{Scheme: "https", Host: "example.com", Path: "/news.txt"}
	header := http.Header{"Content-Type": {"text/plain"}}
	body := []byte(`<rss version="2.0"><channel><title>Orchard</title><item><title>Frost warning</title><link>/frost</link></item></channel></rss>`)
	reading, err := reader.Read(context.Background(), at, header, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reading.Page.Text)
	fmt.Println(reading.Links[0].URL)
	// Output:
	// # Orchard
	//
	// ## Frost warning
	// https://example.com/frost
}

// A Policy compares host names in the form that browsers use, however they were typed.
func ExamplePolicy_Refuse() {
	policy := page.Policy{DenyDomains: []string{"example.com"}}
	u, err := page.ParseURL(`HTTPS:\\\\www.EXAMPLE.com/100%`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u)
	fmt.Println(policy.Refuse(u.Host))
	// Output:
	// https://www.example.com/100%25
	// www.example.com is on the list of domains that are never opened (example.com).
}
