package api

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"onepicture/layers/tile"
)

// acceptsGzip tells whether the client takes gzip at all; JSON and files know no other encoding.
func acceptsGzip(r *http.Request) bool {
	w := weigh(r.Header["Accept-Encoding"])
	return w.of(tile.Gzip) > 0
}

// leastPacked is from which size on an answer is packed, in bytes: what fits into one packet is not sooner there for it.
const leastPacked = 1024

// compressed packs JSON for those who accept it. Tiles, files and metrics come packed already.
func compressed(c *gin.Context) {
	w := &packer{ResponseWriter: c.Writer, accepted: acceptsGzip(c.Request) && c.Request.Method != http.MethodHead}
	c.Writer = w
	c.Next()
	w.finish()
}

var packers = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

type packer struct {
	gin.ResponseWriter
	accepted bool
	decided  bool
	zip      *gzip.Writer
}

// decide looks at the headers when the first bytes come: n of them, which of a short answer are all.
func (w *packer) decide(n int) {
	if w.decided {
		return
	}
	w.decided = true
	h := w.Header()
	kind := h.Get("Content-Type")
	if h.Get("Content-Encoding") != "" || !strings.Contains(kind, "json") {
		return
	}
	h.Add("Vary", "Accept-Encoding")
	if !w.accepted || n < leastPacked || w.Status() == http.StatusNoContent || w.Status() == http.StatusNotModified {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Del("Content-Length")
	z, ok := packers.Get().(*gzip.Writer)
	if !ok {
		return
	}
	z.Reset(w.ResponseWriter)
	w.zip = z
}

func (w *packer) Write(b []byte) (int, error) {
	w.decide(len(b))
	if w.zip != nil {
		return w.zip.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

func (w *packer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *packer) Flush() {
	if w.zip != nil {
		_ = w.zip.Flush() // a client that is gone shows at the next write
	}
	w.ResponseWriter.Flush()
}

// Unwrap leads http.ResponseController to the connection.
func (w *packer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *packer) finish() {
	if w.zip == nil {
		return
	}
	_ = w.zip.Close() // the client is gone
	packers.Put(w.zip)
	w.zip = nil
}
