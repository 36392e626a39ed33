package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// web is the load's HTTP client: it keeps as many connections as there are clients.
func web(clients int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true}}
}

// request makes one call and gives the body, read to its end.
func request(ctx context.Context, c *http.Client, base, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	return b, err
}

// call is request for single calls, with the answer decoded.
func call(ctx context.Context, base, method, path, body string, out any) error {
	b, err := request(ctx, http.DefaultClient, base, method, path, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}
