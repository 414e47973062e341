package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/klauspost/compress/gzip"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/index"
	"onepicture/layers/store"
	"onepicture/layers/tile"
)

// Tiles are kept by the browser of one account, and asked for again.
var (
	privately  = []string{"private, no-cache"}
	byEncoding = []string{"Accept-Encoding"}
)

const tileType = "application/vnd.mapbox-vector-tile"

// tileSet reads which tiles are meant: a built-in set or codes of thematic layers.
func tileSet(c *layers.Catalogue, text string, scope layers.Scope) (set string, list []*layers.Layer, err error) {
	if err := seesAnything(scope); err != nil {
		return "", nil, err
	}
	if text == tile.Base || text == tile.Places {
		return text, nil, nil
	}
	for code := range strings.SplitSeq(text, ",") {
		l := c.Layer(code)
		switch {
		case l == nil || l.Kind == layers.KindPlace || scope.Detail(l.Kind) == layers.DetailNone:
			return "", nil, layers.NotFound("layer: a code is not known")
		case slices.Contains(list, l):
			return "", nil, layers.Invalid("layers", "names a layer twice")
		case len(list) == tile.MaxLayers:
			return "", nil, layers.Invalid("layers", "are more than %d", tile.MaxLayers)
		}
		list = append(list, l)
	}
	return "", list, nil
}

func (s *Server) tileJSON(c *gin.Context, scope layers.Scope) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	codes, ok := strings.CutSuffix(c.Param("layers"), ".json")
	if !ok {
		return layers.NotFound("tile set: its address ends in .json")
	}
	set, list, err := tileSet(s.Store.World().Catalogue, codes, scope)
	if err != nil {
		return err
	}
	var bounds []float64
	if b := wholeBounds(snap.Tree()).value; b != nil {
		bounds = b[:]
	}
	c.Writer.Header()["Cache-Control"] = privately
	c.JSON(http.StatusOK, tile.Describe("http://"+c.Request.Host, set, list, bounds))
	return nil
}

func (s *Server) tile(c *gin.Context, scope layers.Scope) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	r, err := tileRequest(c, s.Store.World(), scope, s.Store.Today())
	if err != nil {
		return err
	}
	key := r.Key(r.Version(snap))
	etag := tile.ETag(key)
	h := c.Writer.Header()
	h["Cache-Control"], h["Vary"] = privately, byEncoding
	h["Etag"], h["X-Position"] = []string{etag}, []string{snap.Position().String()}
	if matches(c.GetHeader("If-None-Match"), etag) {
		s.metrics.matched.Inc()
		c.Status(http.StatusNotModified)
		c.Writer.WriteHeaderNow()
		return nil
	}
	packed, err := s.Cache.Get(c.Request.Context(), key, s.builder(snap, r))
	if err != nil {
		return err
	}
	if len(packed) == 0 {
		c.Status(http.StatusNoContent)
		c.Writer.WriteHeaderNow()
		return nil
	}
	if acceptsGzip(c.Request) {
		h.Set("Content-Encoding", "gzip")
		c.Data(http.StatusOK, tileType, packed)
		return nil
	}
	plain, err := unpack(packed)
	if err != nil {
		return err
	}
	c.Data(http.StatusOK, tileType, plain)
	return nil
}

func (s *Server) builder(snap *index.Snapshot, r tile.Request) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		b, err := s.Tiles.Build(ctx, snap, r)
		set := r.Set
		if set == "" {
			set = "thematic"
		}
		s.metrics.builds.WithLabelValues(set).Observe(time.Since(began).Seconds())
		return b, err
	}
}

// unfiltered: any condition of one's own would make small numbers of persons out of large ones.
var unfiltered = layers.Invalid("filter", "on people needs the right to see their records; use a thematic layer")

func tileRequest(c *gin.Context, w *store.World, scope layers.Scope, today time.Time) (tile.Request, error) {
	r := tile.Request{Scope: scope, Today: today}
	y, ok := strings.CutSuffix(c.Param("y"), ".mvt")
	if !ok {
		return r, layers.NotFound("tile: its address ends in .mvt")
	}
	var err error
	if r.Tile, err = geo.ParseTile(c.Param("z"), c.Param("x"), y); err != nil {
		return r, layers.Invalid("tile", "%s", err.Error())
	}
	if r.Set, r.Layers, err = tileSet(w.Catalogue, c.Param("layers"), scope); err != nil {
		return r, err
	}
	if c.Request.URL.RawQuery == "" {
		return r, nil
	}
	query := c.Request.URL.Query()
	for field, at := range map[string]*time.Time{"from": &r.From, "to": &r.To} {
		if text := query.Get(field); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil || at.Year() < 1970 || at.Year() > 2999 {
				return r, layers.Invalid(field, "is not a time such as 2026-01-31T08:00:00Z")
			}
		}
	}
	text := query.Get("filter")
	switch {
	case text != "" && r.Set != "":
		return r, layers.Invalid("filter", "is for thematic layers only")
	case text != "":
		for _, l := range r.Layers {
			if l.Kind != r.Layers[0].Kind {
				return r, layers.Invalid("filter", "needs layers of one kind")
			}
		}
		if scope.Rounds(r.Layers[0].Kind) {
			return r, unfiltered
		}
		r.Filter, err = filter.Parse(r.Layers[0].Kind, text, w.Catalogue, w.Deployment.Zone)
	}
	return r, err
}

// matches compares weakly (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	weak := strings.TrimPrefix(etag, "W/")
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == weak {
			return true
		}
	}
	return false
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
