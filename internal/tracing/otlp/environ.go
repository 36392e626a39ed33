package otlp

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// config is what the variables OTEL_* say.
type config struct {
	on       bool
	endpoint *url.URL
	headers  http.Header
	gzip     bool
	timeout  time.Duration
	delay    time.Duration // longest time that a span waits for its batch
	ca       string        // file with certificates that are trusted instead of the system's
	cert     string        // file with the client's certificate
	key      string        // file with its key
	service  string
	instance string
	resource []pair
}

type pair struct{ key, value string }

// Names of variables.
const (
	prefix         = "OTEL_EXPORTER_OTLP_"
	endpointName   = prefix + "ENDPOINT"
	tracesEndpoint = prefix + "TRACES_ENDPOINT"
	exporterName   = "OTEL_TRACES_EXPORTER"
	delayName      = "OTEL_BSP_SCHEDULE_DELAY"
)

// read reads the variables of environ.
func read(environ []string) (config, error) {
	all := map[string]string{}
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok && strings.HasPrefix(name, "OTEL_") {
			all[name] = strings.TrimSpace(value)
		}
	}
	// A variable of one signal goes before the one of all signals.
	get := func(name string) string { return cmp.Or(all[prefix+"TRACES_"+name], all[prefix+name]) }
	c := config{headers: http.Header{}, timeout: 10 * time.Second, delay: sdktrace.DefaultScheduleDelay * time.Millisecond,
		service: cmp.Or(all["OTEL_SERVICE_NAME"], "legwork"), instance: instance(),
		ca: get("CERTIFICATE"), cert: get("CLIENT_CERTIFICATE"), key: get("CLIENT_KEY")}
	exporter := all[exporterName]
	if strings.EqualFold(all["OTEL_SDK_DISABLED"], "true") || exporter == "none" || exporter == "" && all[endpointName] == "" && all[tracesEndpoint] == "" {
		return c, nil
	}
	if exporter != "" && exporter != "otlp" {
		return c, fmt.Errorf("%s=%q: legwork sends spans by otlp only; set otlp or none", exporterName, exporter)
	}
	if p := get("PROTOCOL"); p != "" && p != "http/protobuf" {
		return c, fmt.Errorf("%sPROTOCOL=%q: legwork speaks http/protobuf only; send to the collector's port for OTLP over HTTP, 4318", prefix, p)
	}
	var err error
	if c.endpoint, err = endpoint(all); err != nil {
		return c, err
	}
	switch z := get("COMPRESSION"); z {
	case "gzip":
		c.gzip = true
	case "", "none":
	default:
		return c, fmt.Errorf("%sCOMPRESSION=%q: set gzip or none", prefix, z)
	}
	for _, v := range []struct {
		name, value string
		to          *time.Duration
	}{{prefix + "TIMEOUT", get("TIMEOUT"), &c.timeout}, {delayName, all[delayName], &c.delay}} {
		if v.value == "" {
			continue
		}
		ms, err := strconv.Atoi(v.value)
		if err != nil || ms <= 0 {
			return c, fmt.Errorf("%s=%q: set a number of milliseconds", v.name, v.value)
		}
		*v.to = time.Duration(ms) * time.Millisecond
	}
	headers, err := pairs(prefix+"HEADERS", get("HEADERS"))
	if err != nil {
		return c, err
	}
	for _, h := range headers {
		c.headers.Add(h.key, h.value)
	}
	c.resource, err = pairs("OTEL_RESOURCE_ATTRIBUTES", all["OTEL_RESOURCE_ATTRIBUTES"])
	for _, a := range c.resource {
		if a.key == "service.name" && all["OTEL_SERVICE_NAME"] == "" {
			c.service = a.value
		}
	}
	c.on = err == nil
	return c, err
}

// endpoint returns the URL to which spans are sent. Only the variable of one signal is used as it is; the other is a base.
func endpoint(all map[string]string) (*url.URL, error) {
	name, raw := tracesEndpoint, all[tracesEndpoint]
	if raw == "" {
		name, raw = endpointName, cmp.Or(all[endpointName], "http://localhost:4318")
		raw = strings.TrimRight(raw, "/") + "/v1/traces"
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s must be an http or https URL, such as http://localhost:4318", name)
	}
	return u, nil
}

// pairs reads key=value,key=value with percent-encoded values (W3C Baggage). The error does not repeat values, which may be secrets.
func pairs(name, list string) ([]pair, error) {
	var out []pair
	for item := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || err != nil || key == "" {
			return nil, fmt.Errorf("%s must be a list like key=value,key=value, with percent-encoded values", name)
		}
		out = append(out, pair{key, value})
	}
	return out, nil
}

// instance names this process among all that send spans.
func instance() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
}
