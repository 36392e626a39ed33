package page

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"legwork/internal/research"
	"legwork/internal/retry"
)

// Classify turns the error of a request to u into an outcome and a sentence for the model and the user.
func Classify(err error, u *url.URL) (research.Outcome, string) {
	host := u.Host
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, ssrf.ErrProhibitedPort):
		return research.OutcomeNetwork, fmt.Sprintf("Port %s of %s is not opened: only ports 80 and 443 are. To allow it, add its network to FETCH_ALLOW_NETS.", u.Port(), u.Hostname())
	case Refused(err):
		return research.OutcomeNetwork, fmt.Sprintf("%s is on a private or reserved network, which is not opened. To allow it, add the network to FETCH_ALLOW_NETS.", host)
	case errors.As(err, &dns) && !errors.Is(err, context.DeadlineExceeded):
		return research.OutcomeDNS, fmt.Sprintf("The host name %s could not be resolved.", u.Hostname())
	case isTLS(err):
		return research.OutcomeTLS, fmt.Sprintf("No secure connection to %s could be made: its certificate or its TLS handshake is not valid.", host)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return research.OutcomeTimeout, fmt.Sprintf("%s did not send the page in time.", host)
	}
	return research.OutcomeConnection, fmt.Sprintf("The connection to %s was refused, reset or cut.", host)
}

func isTLS(err error) bool {
	var cert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &cert) || errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &authority) ||
		errors.As(err, &name) || errors.As(err, &invalid) || errors.Is(err, http.ErrSchemeMismatch) ||
		strings.Contains(err.Error(), "tls: ") // handshake failures without a type of their own
}

// classifyStatus returns the outcome and sentence for a status outside 2xx and 3xx.
func classifyStatus(status int, host string) (research.Outcome, string) {
	text := strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return research.OutcomeNotFound, fmt.Sprintf("%s has no such page (%s).", host, text)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return research.OutcomeForbidden, fmt.Sprintf("%s does not let us read this page (%s).", host, text)
	case status == http.StatusTooManyRequests:
		return research.OutcomeRateLimited, fmt.Sprintf("%s asks for fewer requests (%s).", host, text)
	case status >= 500:
		return research.OutcomeServerError, fmt.Sprintf("%s failed to serve this page (%s).", host, text)
	}
	return research.OutcomeHTTPError, fmt.Sprintf("%s answered with status %s.", host, text)
}

// Limits of Retry-After.
const (
	defaultRetry = 5 * time.Second // used when the server names no time
	maxRetry     = time.Hour       // longer waits are shortened to this, so that a server cannot stop our requests for hours
)

// retryAfter returns how long the server asks us to wait: defaultRetry if the server does not say, and at most maxRetry.
func retryAfter(h http.Header, now time.Time) time.Duration {
	d, ok := retry.After(h, now)
	if !ok {
		return defaultRetry
	}
	return min(d, maxRetry)
}
