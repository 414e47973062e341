package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/cache"
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

// Of what secure adds to other answers a tile carries what means something for bytes that no browser shows as a page or
// runs; an answer without bytes carries none of it. (Cookies of other sites' requests do not come, so there is nothing for
// Cross-Origin-Resource-Policy to keep.)
const tileType = "application/vnd.mapbox-vector-tile"

var tileTypes = []string{tileType}

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
	c.Writer.Header()["Cache-Control"], c.Writer.Header()["X-Content-Type-Options"] = privately, noSniff
	c.JSON(http.StatusOK, tile.Describe("http://"+c.Request.Host, set, list, bounds))
	return nil
}

func (s *Server) tile(c *gin.Context, scope layers.Scope) error {
	snap, err := s.snapshot()
	if err != nil {
		return err
	}
	encoding, ok := accepted(c.Request.Header["Accept-Encoding"])
	if !ok {
		return &statusError{http.StatusNotAcceptable, layers.CodeInvalid, "tiles come as zstd, br, gzip or identity"}
	}
	a, err := s.ask(c, snap, scope, encoding)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h["Cache-Control"], h["Vary"] = privately, byEncoding
	h["Etag"], h["X-Position"] = a.etag, s.positionHeader(snap)
	if given := c.Request.Header["If-None-Match"]; len(given) > 0 && matches(given[0], a.etag[0]) {
		s.metrics.matched.Inc()
		c.Status(http.StatusNotModified)
		c.Writer.WriteHeaderNow()
		return nil
	}
	packed, kept := s.Cache.Peek(a.key)
	if !kept {
		if packed, err = s.makeTile(c.Request.Context(), making{snap, a.of(scope), a.version, encoding}, a.key); err != nil {
			return err
		}
	}
	if len(packed) == 0 {
		c.Status(http.StatusNoContent)
		c.Writer.WriteHeaderNow()
		return nil
	}
	if encoding != tile.Plain {
		h["Content-Encoding"] = codings[encoding]
	}
	h["Content-Type"], h["X-Content-Type-Options"], h["Content-Length"] = tileTypes, noSniff, []string{strconv.Itoa(len(packed))}
	_, err = c.Writer.Write(packed)
	if err != nil { // the client went away: there is nobody to be told
		c.Abort()
	}
	return nil
}

// codings are the headers of the encodings.
var codings = [...][]string{tile.Gzip: {"gzip"}, tile.Brotli: {"br"}, tile.Zstd: {"zstd"}}

// making is a tile that has to be made: what is asked, of which snapshot, at its version there.
type making struct {
	snap     *index.Snapshot
	request  tile.Request
	version  layers.Position
	encoding tile.Encoding
}

// group is of tiles that take about as long to make.
func (m making) group() cache.Group {
	g := cache.Group(m.encoding)<<6 | cache.Group(m.request.Tile.Z&31)
	if m.request.Set != "" {
		g |= 32
	}
	return g
}

// makeTile gives a tile that is not in memory. It is built once, packed as tiles are kept; other encodings are made of that
// once. Plain bytes are not kept: they are large, and opening them costs little.
func (s *Server) makeTile(ctx context.Context, m making, key string) ([]byte, error) {
	switch m.encoding {
	case tile.Zstd:
		return s.Cache.Get(ctx, key, m.group(), s.builder(m))
	case tile.Plain:
		return s.encoded(ctx, m)
	}
	return s.Cache.Get(ctx, key, m.group(), func(ctx context.Context) ([]byte, error) { return s.encoded(ctx, m) })
}

// encoded makes another encoding of the tile as it is kept.
func (s *Server) encoded(ctx context.Context, m making) ([]byte, error) {
	kept := m
	kept.encoding = tile.Zstd
	built, err := s.Cache.Get(ctx, m.request.Key(m.version, tile.Zstd), kept.group(), s.builder(kept))
	if err != nil {
		return nil, err
	}
	return s.Tiles.Encode(ctx, m.snap, m.request, built, m.encoding)
}

func (s *Server) builder(m making) cache.Build {
	return func(ctx context.Context) ([]byte, error) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		b, err := s.Tiles.Build(ctx, m.snap, m.request)
		set := m.request.Set
		if set == "" {
			set = "thematic"
		}
		s.metrics.builds.WithLabelValues(set).Observe(time.Since(began).Seconds())
		return b, err
	}
}

// unfiltered: any condition of one's own would make small numbers of persons out of large ones.
var unfiltered = layers.Invalid("filter", "on people needs the right to see their records; use a thematic layer")

func tileRequest(c *gin.Context, w *store.World, scope layers.Scope, today, now time.Time) (tile.Request, error) {
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
	for field, at := range map[string]*time.Time{"from": &r.From, "to": &r.To, "at": &r.At} {
		if text := query.Get(field); text != "" {
			if *at, err = time.Parse(time.RFC3339, text); err != nil || at.Year() < 1971 || at.Year() > 2999 {
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
		if r.Filter, err = filter.Parse(r.Layers[0].Kind, text, w.Catalogue, w.Deployment.Zone); err != nil {
			return r, err
		}
	}
	if !r.At.IsZero() {
		err = past(&r, w, now)
	}
	return r, err
}

// past reads what the layers ask for at a moment.
func past(r *tile.Request, w *store.World, now time.Time) error {
	if _, err := minuteOf(r.At, now); err != nil {
		return err
	}
	if !r.Filter.All() {
		return layers.Invalid("filter", "is not for a moment of the past")
	}
	for _, l := range r.Layers {
		f, err := filter.Parse(l.Kind, l.Filter, w.Catalogue, w.Deployment.Zone)
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Code, err)
		}
		r.Past = append(r.Past, f.Parts(r.Today).Past())
	}
	return nil
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
