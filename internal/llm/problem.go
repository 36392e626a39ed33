package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"legwork/internal/retry"
)

// Kind classifies the failure of a call.
type Kind string

// The kinds of failures. Those of the second group are transient.
const (
	BadKey     Kind = "bad_key"     // the provider refuses the key
	BadModel   Kind = "bad_model"   // the provider does not know the model
	TooLong    Kind = "too_long"    // the conversation does not fit into the model's context
	NoTools    Kind = "no_tools"    // the model does not support tools
	NoQuota    Kind = "no_quota"    // the account has no money or quota left
	BadRequest Kind = "bad_request" // any other refusal

	Busy        Kind = "busy"       // status 429 or 529
	ServerError Kind = "server"     // another 5xx status
	Timeout     Kind = "timeout"    // the attempt took too long
	Connection  Kind = "connection" // the connection was refused or reset, or the host name did not resolve
	CutOff      Kind = "cut_off"    // the reply broke off
	Unreadable  Kind = "unreadable" // the reply does not follow the protocol
)

// Error says why a call failed.
type Error struct {
	Kind       Kind
	Status     int           // HTTP status; 0 if there was no response
	Message    string        // a sentence for the user that names what to change
	RetryAfter time.Duration // how long the provider asks to wait; 0 if it does not say
	said       string        // the body of the refusal
	adapted    bool          // the request was changed because of the refusal, so it may be repeated at once
	Cause      error         // message of the provider or the network, without the key; for the log
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Kind, e.Message, e.Cause) }

// Unwrap returns the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Transient reports whether the same call may succeed a little later.
func (e *Error) Transient() bool {
	switch e.Kind {
	case Busy, ServerError, Timeout, Connection, CutOff, Unreadable:
		return true
	}
	return false
}

// Texts in the bodies of error responses of OpenAI, Azure, Anthropic, Google, Ollama, vLLM, llama.cpp and OpenRouter.
var (
	saysTooLong = regexp.MustCompile(`(?i)context[_ ]?(length|window|size)|prompt is too long|too many (input )?tokens|maximum context|input token count|maximum model length|reduce the length of the (messages|prompt)|exceeds? the (available|maximum|model'?s?)[^.]*(context|token)`)
	saysNoTools = regexp.MustCompile(`(?i)does not support (tools?|function)|tools? (is|are) not supported|tool use is not supported|no endpoints found that support tool|requires? --(jinja|enable-auto-tool-choice)|function calling is not (enabled|supported)`)
	saysQuota   = regexp.MustCompile(`(?i)insufficient_quota|exceeded your current quota|credit balance is too low|billing|payment required|insufficient credits`)
	saysKey     = regexp.MustCompile(`(?i)api[_ -]?key not valid|invalid[_ ]api[_ ]?key|API_KEY_INVALID|incorrect api key|authentication_error`)
	saysModel   = regexp.MustCompile(`(?i)model[^.]{0,80}(not found|does not exist|not exist|not available|is not supported|no such)|(unknown|invalid|no such) model|model_not_found`)
)

// problem returns the error of a failed attempt, made from the response that was received.
func (c *Client) problem(try context.Context, x *exchange, err error) *Error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := &Error{Status: x.status, Cause: err}
	if e.Cause == nil {
		e.Cause = x.stream
	}
	var inside *streamError
	switch {
	case errors.Is(context.Cause(try), errIdle):
		e.Kind, e.Cause = Timeout, errIdle
	case errors.Is(context.Cause(try), errTryTimeout):
		e.Kind, e.Cause = Timeout, errTryTimeout
	case x.status >= 300:
		e.said = string(x.body)
		e.Kind = kindOf(x.status, e.said)
		e.RetryAfter, _ = retry.After(x.header, time.Now())
		e.adapted = c.cfg.Provider != Anthropic && c.adapt.learn(x.status, x.body, x.asked)
		e.Cause = fmt.Errorf("HTTP %d: %s", x.status, brief(x.body))
	case errors.As(x.stream, &inside):
		e.Kind, e.Cause, e.said = kindOfStream(inside.data), inside, inside.data
	case x.stream != nil:
		e.Kind, e.Cause = CutOff, x.stream
	case errors.Is(err, errNoStop):
		e.Kind = CutOff
	case x.status == http.StatusOK && isCut(err):
		e.Kind = CutOff
	case x.status == http.StatusOK:
		e.Kind = Unreadable
	default:
		e.Kind = Connection
	}
	e.Cause = c.withoutKey(e.Cause)
	e.Message = c.sentence(e)
	return e
}

// isCut reports whether an error means that a response body ended too early.
func isCut(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "connection reset"))
}

// kindOf returns the kind of error for the status and body of a response.
func kindOf(status int, body string) Kind {
	switch {
	case status == http.StatusPaymentRequired, status == http.StatusTooManyRequests && strings.Contains(body, "insufficient_quota"):
		return NoQuota
	case status == http.StatusTooManyRequests, status == 529:
		return Busy
	case saysNoTools.MatchString(body):
		return NoTools
	case status == http.StatusUnauthorized, status == http.StatusForbidden, saysKey.MatchString(body) && status < 500:
		return BadKey
	case status == http.StatusRequestEntityTooLarge, saysTooLong.MatchString(body):
		return TooLong // before the case of 5xx, because llama.cpp sends this error with status 500
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusConflict, status >= 500:
		return ServerError
	case saysQuota.MatchString(body):
		return NoQuota
	case status == http.StatusNotFound, saysModel.MatchString(body):
		return BadModel
	}
	return BadRequest
}

// kindOfStream returns the kind of an error that was sent inside a stream, after the response had begun with status 200.
func kindOfStream(data string) Kind {
	switch {
	case strings.Contains(data, "overloaded_error"), strings.Contains(data, "rate_limit"):
		return Busy
	case saysTooLong.MatchString(data):
		return TooLong
	}
	return ServerError
}

// brief returns the provider's own message, at most 400 bytes of it. It looks in the usual places of an error response.
func brief(body []byte) string {
	var v struct {
		Error json.RawMessage `json:"error"`
	}
	text := string(body)
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		body = list[0] // Google's errors are arrays
	}
	if json.Unmarshal(body, &v) == nil && len(v.Error) > 0 {
		var inner struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(v.Error, &inner) == nil && inner.Message != "" {
			text = inner.Message
		} else {
			text = string(v.Error)
		}
	}
	if text = strings.Join(strings.Fields(text), " "); len(text) > 400 {
		text = strings.ToValidUTF8(text[:400], "") + "…"
	}
	return text
}

func (c *Client) withoutKey(err error) error {
	if c.cfg.Key == "" || err == nil || !strings.Contains(err.Error(), c.cfg.Key) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), c.cfg.Key, "***"))
}

// sentence returns the message for users: what happened and what to change.
func (c *Client) sentence(e *Error) string {
	who, model := c.cfg.Provider, c.cfg.Model
	switch e.Kind {
	case BadKey:
		return fmt.Sprintf("The model provider %s refused the key; set LLM_API_KEY to a key that may use the model %s.", who, model)
	case BadModel:
		return fmt.Sprintf("The model provider %s does not offer the model %s; set LLM_MODEL to one that it lists, and check LLM_BASE_URL.", who, model)
	case TooLong:
		return fmt.Sprintf("The research does not fit into the context of the model %s; set LLM_MODEL to one with a larger context, or ask for fewer pages.", model)
	case NoTools:
		return fmt.Sprintf("The model %s cannot be given tools; set LLM_MODEL to one that can.", model)
	case NoQuota:
		return fmt.Sprintf("The account with the model provider %s has no quota or credit left; raise its limit, or set LLM_API_KEY to another account's key.", who)
	case BadRequest:
		return fmt.Sprintf("The model provider %s refused the request (HTTP %d); check LLM_PROVIDER, LLM_BASE_URL and LLM_MODEL. The server's log has its reason.", who, e.Status)
	case Busy:
		return fmt.Sprintf("The model provider %s is busy or limits the rate of requests; try again later, or lower LLM_MAX_CONCURRENT.", who)
	case ServerError:
		return fmt.Sprintf("The model provider %s had an error of its own (HTTP %d); try again later.", who, e.Status)
	case Timeout:
		if errors.Is(e.Cause, errIdle) {
			return fmt.Sprintf("The model %s sent nothing for LLM_IDLE_TIMEOUT (%s); raise it, or set LLM_MODEL to a faster model.", model, c.cfg.Idle)
		}
		return fmt.Sprintf("The model %s took longer than LLM_TIMEOUT (%s); raise it, or set LLM_MODEL to a faster model.", model, c.cfg.Timeout)
	case Connection:
		return fmt.Sprintf("The model provider %s could not be reached; check LLM_BASE_URL, and that the server runs.", who)
	case CutOff:
		return fmt.Sprintf("The reply of the model %s broke off; try again later.", model)
	default:
		return fmt.Sprintf("The reply of the model %s could not be read; check that LLM_BASE_URL is an API of the provider %s.", model, who)
	}
}
