package api

import (
	"time"

	"github.com/gin-gonic/gin"
	"github.com/maypok86/otter/v2"

	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/store"
	"onepicture/layers/tile"
)

// mostWanted bounds what is remembered of addresses: some 500 B each.
const mostWanted = 1 << 15

// address is what a tile without a query is asked by, as far as it changes the answer's bytes.
type address struct {
	path, class string // class of the scope
	encoding    tile.Encoding
}

// wanted is what an address means, and the names of its answer at a version. Reading an address and naming its bytes takes
// longer than finding them, and stays the same until something inside the tile changes.
type wanted struct {
	world   *store.World // whose layers are meant
	today   time.Time
	request tile.Request // its scope is the asker's own, set at each use
	version layers.Position
	key     string
	etag    []string // as a header
}

func newWanted() (*otter.Cache[address, *wanted], error) {
	return otter.New(&otter.Options[address, *wanted]{MaximumSize: mostWanted})
}

// ask reads what a request wants of a snapshot. Version, key and snapshot belong together: what was begun before a change
// is never stored as if after it.
func (s *Server) ask(c *gin.Context, snap *index.Snapshot, scope layers.Scope, e tile.Encoding) (*wanted, error) {
	world, today := s.Store.World(), s.Store.Today()
	at := address{c.Request.URL.Path, scope.Class(), e}
	plain := c.Request.URL.RawQuery == ""
	if plain {
		if a, ok := s.wanted.GetIfPresent(at); ok && a.world == world && a.today.Equal(today) && a.of(scope).Version(snap) == a.version {
			return a, nil
		}
	}
	r, err := tileRequest(c, world, scope, today, s.Now())
	if err != nil {
		return nil, err
	}
	a := &wanted{world: world, today: today, version: r.Version(snap)}
	a.key = r.Key(a.version, e)
	a.etag = []string{tile.ETag(a.key)}
	a.request = r
	a.request.Scope = layers.Scope{}
	if plain {
		s.wanted.Set(at, a)
	}
	return a, nil
}

// of is the request as a scope makes it.
func (a *wanted) of(scope layers.Scope) tile.Request {
	r := a.request
	r.Scope = scope
	return r
}

// stated is a position as a header.
type stated struct {
	position layers.Position
	header   []string
}

// positionHeader is the snapshot's position, written once for all answers of it.
func (s *Server) positionHeader(snap *index.Snapshot) []string {
	p := snap.Position()
	if t := s.stated.Load(); t != nil && t.position == p {
		return t.header
	}
	t := &stated{p, []string{p.String()}}
	s.stated.Store(t)
	return t.header
}
