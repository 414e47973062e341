package api

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"onepicture/layers"
)

// Door is how requests come in. The zero value is plain HTTP from this machine.
type Door struct {
	Secure  bool           // all requests come over TLS, to here or to a proxy
	TLS     *tls.Config    // of this server; nil: none
	Proxies []netip.Prefix // the only ones that may connect, when there are any; what they say of the client is believed
}

// contentPolicy lets the page load from its own origin only. MapLibre makes its workers and images from blobs. Styles
// that scripts set on elements need no leave; none are written into the markup.
const contentPolicy = "default-src 'none'; script-src 'self'; worker-src 'self' blob:; child-src 'self' blob:; " +
	"connect-src 'self'; img-src 'self' data: blob:; style-src 'self'; font-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Headers are set by sharing these lists; nothing appends to them.
var (
	noSniff     = []string{"nosniff"}
	sameOrigin  = []string{"same-origin"}
	noReferrer  = []string{"no-referrer"}
	noStore     = []string{"no-store"}
	content     = []string{contentPolicy}
	permissions = []string{"geolocation=(self), camera=(), microphone=()"}
	tlsOnly     = []string{"max-age=31536000; includeSubDomains"}
)

// secure adds the headers that every page and every answer of the API carries.
func (d Door) secure(c *gin.Context) {
	h := c.Writer.Header()
	h["Content-Security-Policy"] = content
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Opener-Policy"] = sameOrigin
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["Permissions-Policy"] = permissions
	h["Cache-Control"] = noStore // unless the handler knows better
	if d.Secure {
		h["Strict-Transport-Security"] = tlsOnly
	}
	c.Next()
}

var crossOrigin = http.NewCrossOriginProtection()

// guard refuses requests that come through no door: plain HTTP must come from loopback and ask for it by a name of
// loopback, or a page on the network could reach the server through a browser here (DNS rebinding); behind a proxy
// nobody else may connect, and the proxy must have been asked over TLS. A page of another origin may not change
// anything, signing in included.
func (s *Server) guard(c *gin.Context) {
	refused := s.Door.refuses(c.Request)
	if refused == "" && crossOrigin.Check(c.Request) != nil {
		refused = "a page of another origin may not change anything here"
	}
	if refused == "" {
		c.Next()
		return
	}
	writeProblem(c, &layers.Error{Code: layers.CodeForbidden, Message: refused})
	c.Abort()
}

func (d Door) refuses(r *http.Request) string {
	switch {
	case len(d.Proxies) > 0:
		if !d.proxied(peer(r)) {
			return "this server answers only through its proxy"
		}
		if !overTLS(r) && !strings.HasPrefix(r.URL.Path, "/health") {
			return "this server answers only what came to its proxy over TLS (X-Forwarded-Proto: https)"
		}
	case d.Secure:
	case !loopbackAddress(r.RemoteAddr):
		return "this server answers only on the machine where it runs"
	case !loopbackHost(r.Host):
		return "ask this server as localhost, 127.0.0.1 or [::1]"
	}
	return ""
}

// local tells that a program on this machine asks, and not a proxy.
func (d Door) local(r *http.Request) bool { return len(d.Proxies) == 0 && peer(r).IsLoopback() }

// overTLS tells that the proxy names https and nothing else.
func overTLS(r *http.Request) bool {
	said := r.Header["X-Forwarded-Proto"]
	return len(said) == 1 && said[0] == "https"
}

// peer is the address of the other end of the connection; the zero value when it is not known.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

func (d Door) proxied(a netip.Addr) bool {
	return slices.ContainsFunc(d.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// client is the address from which a request comes: of X-Forwarded-For only what the named proxies have written is
// believed, read from its end.
func (d Door) client(r *http.Request) netip.Addr {
	at := peer(r)
	if len(d.Proxies) == 0 {
		return at
	}
	said := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(said) - 1; i >= 0 && d.proxied(at); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(said[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

func loopbackAddress(remote string) bool {
	if strings.HasPrefix(remote, "127.0.0.1:") { // of net/http, which writes addresses in one way
		return true
	}
	a, err := netip.ParseAddrPort(remote)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func loopbackHost(host string) bool {
	name := host
	if at, ok := strings.CutPrefix(host, "127.0.0.1:"); ok && strings.Trim(at, "0123456789") == "" {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		name = host[1 : n-1]
	}
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}
