package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"onepicture/api"
)

// doorFlags say where the server listens and who protects what travels.
type doorFlags struct {
	Listen      string         `help:"Address to listen on. Other machines reach it only with a certificate, or behind a proxy that is named." default:"127.0.0.1:8080" env:"ONEPICTURE_LISTEN"`
	TLSCert     string         `name:"tls-cert" help:"File of the server's certificate and those that lead to its root (PEM); it is read again when it changes." env:"ONEPICTURE_TLS_CERT" type:"path" placeholder:"FILE"`
	TLSKey      string         `name:"tls-key" help:"File of the certificate's key (PEM)." env:"ONEPICTURE_TLS_KEY" type:"path" placeholder:"FILE"`
	BehindProxy []netip.Prefix `help:"Networks of the proxies that do TLS before this server, such as 10.0.0.0/8: nobody else is answered, and only their word about clients is believed." env:"ONEPICTURE_BEHIND_PROXY" placeholder:"CIDR"`
}

// door reads the flags.
func (f doorFlags) door() (d api.Door, err error) {
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return d, errors.New("--tls-cert and --tls-key belong together")
	}
	if f.TLSCert != "" && len(f.BehindProxy) > 0 {
		return d, errors.New("--tls-cert and --behind-proxy exclude each other: TLS ends here or at the proxy")
	}
	d.Proxies, d.Secure = f.BehindProxy, f.TLSCert != "" || len(f.BehindProxy) > 0
	if f.TLSCert != "" {
		c := &certificate{cert: f.TLSCert, key: f.TLSKey}
		if err := c.read(); err != nil {
			return d, err
		}
		d.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.current}
	}
	return d, nil
}

// listen refuses to be reached from other machines in plain text.
func (f doorFlags) listen(d api.Door) (net.Listener, error) {
	host, _, err := net.SplitHostPort(f.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %q is not host:port", f.Listen)
	}
	if ip := net.ParseIP(host); !d.Secure && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--listen: %q can be reached from other machines, in plain text: give --tls-cert and --tls-key, or --behind-proxy; else it must be loopback, such as 127.0.0.1:8080", f.Listen)
	}
	l, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return l, nil
}

// certificate is read again when its file has changed, so that a renewal needs no restart.
type certificate struct {
	cert, key string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time // of the file that was read
	looked  time.Time
}

// lookPause is how often the file is looked at.
const lookPause = 10 * time.Second

func (c *certificate) read() error {
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err != nil {
		return fmt.Errorf("--tls-cert: %w", err)
	}
	if c.pair != nil && info.ModTime().Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	c.pair, c.changed = &pair, info.ModTime()
	return nil
}

// current keeps the former one when the new files cannot be read.
func (c *certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > lookPause {
		if err := c.read(); err != nil {
			slog.Error("the certificate's new files cannot be used; the former goes on", "error", err)
		}
	}
	return c.pair, nil
}
