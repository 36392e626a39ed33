package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// checkTimeout is the time limit of each request of a check.
const checkTimeout = 10 * time.Second

// Check reports whether the model can be used. It reads the provider's list of models, which costs no tokens. A server
// that answers but has no such list passes the check. The error is that of ctx, or an *Error.
func (c *Client) Check(ctx context.Context) error {
	if c.cfg.Provider == OpenAI {
		names, err := c.models(ctx)
		if err != nil {
			return err
		}
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return n == c.cfg.Model || n == c.cfg.Model+":latest" }) {
			e := &Error{Kind: BadModel, Status: http.StatusOK, Cause: errors.New("the list of models lacks it")}
			e.Message = c.sentence(e)
			return e
		}
		return nil
	}
	_, err := c.get(ctx, "/models/"+url.PathEscape(strings.TrimPrefix(c.cfg.Model, "models/"))) // in Google's list, names have this prefix
	return err
}

// models returns the names of the models of a server with OpenAI's protocol. It returns nil if the server has no list of
// models.
func (c *Client) models(ctx context.Context) ([]string, error) {
	body, err := c.get(ctx, "/models")
	var e *Error
	if errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		e := &Error{Kind: Unreadable, Status: http.StatusOK, Cause: err}
		e.Message = c.sentence(e)
		return nil, e
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	return names, nil
}

// firstModel returns the first model on a server's list that is not a model for embeddings.
func (c *Client) firstModel(ctx context.Context) (string, error) {
	names, err := c.models(ctx)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if !strings.Contains(strings.ToLower(n), "embed") {
			return n, nil
		}
	}
	return "", &Error{Kind: BadModel, Status: http.StatusOK, Cause: errors.New("the list of models is empty"),
		Message: "The model server lists no model; install one there, or set LLM_MODEL."}
}

// get sends a request that costs no tokens.
func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	var x exchange
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, errTryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(withExchange(ctx, &x), http.MethodGet, c.cfg.BaseURL+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTryTimeout) {
		return nil, context.Cause(ctx)
	}
	if err != nil || x.status != http.StatusOK {
		return nil, c.problem(ctx, &x, err)
	}
	return body, nil
}
