package main

import (
	"net"
	"os"
	"slices"
	"strings"

	"legwork/internal/config"
)

// hostNames returns the host names by which clients may address the API.
func hostNames(cfg config.Config) []string {
	names := slices.Concat([]string{cfg.APIHost}, cfg.AllowedHosts, cfg.TLSACMEDomains)
	machine, err := os.Hostname()
	if err != nil { // this machine has no name that clients could use
		return names
	}
	short, _, _ := strings.Cut(machine, ".")
	return append(names, machine, short)
}

// apiURL returns the URL of the API for programs on this machine.
func (a *app) apiURL() string {
	scheme := "http://"
	if a.cfg.TLS() {
		scheme = "https://"
	}
	return scheme + loopback(a.addr)
}

// loopback returns the host and port at which programs on this machine reach a listener.
func loopback(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
