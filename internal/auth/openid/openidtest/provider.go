// Package openidtest runs a real OpenID provider (the example of zitadel/oidc) on loopback. It is for tests only.
package openidtest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The client that is registered at the provider.
const (
	ClientID     = "legwork"
	ClientSecret = "the provider's secret" // of a provider in a test
)

// Person is somebody who can log in at the provider.
type Person struct {
	Email    string
	Verified bool
	Name     string
	Groups   []string // nil means that tokens have no groups claim
}

// Provider is an OpenID provider that tests can switch off and on with Down.
type Provider struct {
	Issuer string

	mu     sync.Mutex
	people map[string]Person
	down   bool
}

// New starts a provider. After a login it sends browsers back to redirectURL.
func New(t testing.TB, redirectURL string) *Provider {
	t.Helper()
	p := &Provider{people: map[string]Person{}}
	server := httptest.NewUnstartedServer(nil)
	p.Issuer = "http://" + server.Listener.Addr().String()
	client := storage.WebClient(ClientID, ClientSecret, redirectURL)
	store := &people{Storage: storage.NewStorageWithClients(p, map[string]*storage.Client{ClientID: client}), provider: p}
	routes := exampleop.SetupServer(p.Issuer, store, nil, false, op.WithLogger(slog.New(slog.DiscardHandler)))
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		routes.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// Add adds a person, or replaces the person with this name. The name is the person's login name at the provider, and
// the subject of the tokens about the person.
func (p *Provider) Add(name string, who Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[name] = who
}

// Down switches the provider off, so that it answers every request with 502, or on again.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

const personPassword = "a password at the provider"

// GetUserByID implements storage.UserStore.
func (p *Provider) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	who, found := p.people[id]
	if !found {
		return nil
	}
	return &storage.User{ID: id, Username: id, Password: personPassword, FirstName: who.Name, Email: who.Email, EmailVerified: who.Verified}
}

// GetUserByUsername implements storage.UserStore.
func (p *Provider) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID implements storage.UserStore.
func (p *Provider) ExampleClientID() string { return "service" }

// people is the provider's storage. It adds groups and names to the userinfo.
type people struct {
	*storage.Storage
	provider *Provider
}

// SetUserinfoFromToken implements op.Storage.
func (s *people) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := s.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	who := s.provider.people[subject]
	info.Name = who.Name
	if who.Groups != nil {
		info.AppendClaims("groups", who.Groups)
	}
	return nil
}

// LogIn acts as a person's browser at the provider: it opens the address with which a login begins, logs in, and
// returns the address to which the provider sends the browser back.
func (p *Provider) LogIn(t testing.TB, address, name string) *url.URL {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	page := get(t, browser, address)
	id := page.Request.URL.Query().Get("authRequestID")
	if id == "" {
		t.Fatalf("the provider shows no login: %s", page.Request.URL)
	}
	resp, err := browser.PostForm(p.Issuer+"/login/username", url.Values{"username": {name}, "password": {personPassword}, "id": {id}})
	if err != nil {
		t.Fatal(err)
	}
	drain(resp)
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("the provider does not send the browser back: %d", resp.StatusCode)
	}
	return back
}

func get(t testing.TB, c *http.Client, address string) *http.Response {
	t.Helper()
	resp, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	drain(resp)
	return resp
}

func drain(resp *http.Response) {
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
