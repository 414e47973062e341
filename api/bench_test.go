package api

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
)

// sink takes an answer as net/http does, without a network.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(status int) {
	s.status = status
}
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

// What this server adds to bare Gin's own work, without the network that both need: docs/numbers.md.
func BenchmarkHotTile(b *testing.B) {
	w := newTown(b, nil)
	path := tileURL("sites", 14, "")
	r := call(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	first := w.do(r)
	unchanged := r.Clone(b.Context())
	unchanged.Header.Set("If-None-Match", first.Header().Get("Etag"))
	body := first.Body.Bytes()
	gin.SetMode(gin.ReleaseMode)
	bare := gin.New()
	bare.GET("/*any", func(c *gin.Context) {
		if c.Request.Header.Get("If-None-Match") != "" {
			c.Status(http.StatusNotModified)
			c.Writer.WriteHeaderNow()
			return
		}
		c.Header("Content-Encoding", "gzip")
		c.Data(http.StatusOK, tileType, body)
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
		request *http.Request
		status  int
	}{
		{"tile", w.Handler(), r, http.StatusOK}, {"tile/bare", bare, r, http.StatusOK},
		{"304", w.Handler(), unchanged, http.StatusNotModified}, {"304/bare", bare, unchanged, http.StatusNotModified},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := sink{header: http.Header{}}
				c.handler.ServeHTTP(&s, c.request)
				if s.status != c.status {
					b.Fatal(s.status)
				}
			}
		})
	}
}
