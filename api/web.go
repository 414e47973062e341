package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"onepicture/layers"
)

// asset is a file of the page, ready to send.
type asset struct {
	kind, etag    string
	plain, packed []byte // packed: gzip, nil where it gains nothing
	forever       bool   // its name holds a digest of its content
}

// web is the built page in memory: only what was in the folder at the start can be asked for.
type web struct {
	assets map[string]*asset // by path from the root
	index  *asset            // nil: not built
}

func newWeb(files fs.FS) (*web, error) {
	w := &web{assets: map[string]*asset{}}
	if files == nil {
		return w, nil
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		a, err := newAsset(name, b)
		w.assets["/"+name] = a
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	w.index = w.assets["/index.html"]
	delete(w.assets, "/index.html")
	return w, nil
}

// types are those that the system's table may lack or get wrong.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
	".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".wasm": "application/wasm",
}

func newAsset(name string, b []byte) (*asset, error) {
	extension := path.Ext(name)
	a := &asset{plain: b, kind: types[extension], forever: strings.HasPrefix(name, "assets/")}
	if a.kind == "" {
		a.kind = mime.TypeByExtension(extension)
	}
	if a.kind == "" {
		a.kind = "application/octet-stream"
	}
	sum := sha256.Sum256(b)
	a.etag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if packed.Len() < len(b)*9/10 {
		a.packed = packed.Bytes()
	}
	return a, nil
}

// page answers every address that no route has: a file of the page, or the page itself for those that its own router
// knows. What looks like a file or an API and is not there is not found.
func (s *Server) page(c *gin.Context, _ layers.Scope) error {
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		return layers.NotFound("address")
	}
	p := c.Request.URL.Path
	if a := s.web.assets[p]; a != nil {
		a.serve(c)
		return nil
	}
	for _, prefix := range []string{"/api", "/tiles", "/health", "/metrics", "/openapi", "/assets"} {
		if p == prefix || strings.HasPrefix(p, prefix+"/") {
			return layers.NotFound("address")
		}
	}
	if p != path.Clean(p) || path.Ext(p) != "" && p != "/index.html" || !strings.Contains(c.GetHeader("Accept"), "text/html") && p != "/" && p != "/index.html" {
		return layers.NotFound("address")
	}
	if s.web.index == nil {
		return layers.Unavailable(0, "the page has not been built into this program: run make build; the API answers under /api", nil)
	}
	s.web.index.serve(c)
	return nil
}

func (a *asset) serve(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("ETag", a.etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if matches(c.GetHeader("If-None-Match"), a.etag) {
		c.Status(http.StatusNotModified)
		c.Writer.WriteHeaderNow()
		return
	}
	if a.packed != nil && acceptsGzip(c.Request) {
		h.Set("Content-Encoding", "gzip")
		c.Data(http.StatusOK, a.kind, a.packed)
		return
	}
	c.Data(http.StatusOK, a.kind, a.plain)
}
