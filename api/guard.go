package api

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"

	"onepicture/layers"
)

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
)

// secure adds the headers that every page and every answer of the API carries.
func secure(c *gin.Context) {
	h := c.Writer.Header()
	h["Content-Security-Policy"] = content
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Opener-Policy"] = sameOrigin
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	h["Permissions-Policy"] = permissions
	h["Cache-Control"] = noStore // unless the handler knows better
	c.Next()
}

// secureTile adds the one that means something for bytes that no browser shows as a page or runs. (Cookies of other
// sites' requests do not come, so there is nothing for Cross-Origin-Resource-Policy to keep.)
func secureTile(c *gin.Context) {
	c.Writer.Header()["X-Content-Type-Options"] = noSniff
	c.Next()
}

var crossOrigin = http.NewCrossOriginProtection()

// guard lets in only this machine while there are no accounts: the connection must come from loopback and ask for it
// by a name of loopback, or a page on the network could reach the server through a browser here (DNS rebinding). A
// page of another origin may not change anything.
func (s *Server) guard(c *gin.Context) {
	var refused string
	switch {
	case !loopbackAddress(c.Request.RemoteAddr):
		refused = "this server answers only on the machine where it runs"
	case !loopbackHost(c.Request.Host):
		refused = "ask this server as localhost, 127.0.0.1 or [::1]"
	case crossOrigin.Check(c.Request) != nil:
		refused = "a page of another origin may not change anything here"
	default:
		c.Next()
		return
	}
	writeProblem(c, &layers.Error{Code: layers.CodeForbidden, Message: refused})
	c.Abort()
}

func loopbackAddress(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	} else if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		name = host[1 : n-1]
	}
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}
