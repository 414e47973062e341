package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"onepicture/geo"
	"onepicture/layers"
)

// How often the other server is asked for the tile, and the pause before the next report. The tile is small: when it shows
// the report is measured, not what a tile of a thousand events costs.
const (
	lookPause  = 10 * time.Millisecond
	watchPause = 30 * time.Millisecond
	watchZoom  = 16
)

// watchTiles reports through one server and asks another for the tile there until it has reached the report's
// position; by then the tile must be another one than before.
func (s *step) watchTiles(ctx, stop context.Context, through, at int) {
	writer, reader := newConn(s.servers[through].address, s.Cookie), newConn(s.servers[at].address, s.Cookie)
	defer writer.close()
	defer reader.close()
	r := rand.New(rand.NewPCG(s.Seed, uint64(1000+through)))
	for pause(stop, watchPause) {
		l := s.outbox.next(s.atlas, r)
		path, err := s.tileOf(l)
		if err != nil {
			s.tally.bad(Tiles, err.Error(), time.Now())
			return
		}
		before, err := reader.do(ctx, request{method: http.MethodGet, path: path})
		if err != nil {
			s.tally.bad(Tiles, word(err), time.Now())
			continue
		}
		sent := time.Now()
		a, ok := s.send(ctx, writer, through, l, sent)
		acked := time.Now()
		var got receipt
		if !ok || json.Unmarshal(a.body, &got) != nil {
			continue
		}
		p, err := layers.ParsePosition(got.Position)
		if err != nil {
			s.tally.bad(Writes, "no position", time.Now())
			continue
		}
		s.untilShown(ctx, reader, request{method: http.MethodGet, path: path, etag: before.etag}, p, sent, acked)
	}
}

// tileOf is the tile that a report lies in, of a layer that shows open events.
func (s *step) tileOf(l letter) (string, error) {
	var b struct{ Lon, Lat float64 }
	if err := json.Unmarshal(l.body, &b); err != nil {
		return "", fmt.Errorf("read the report: %w", err)
	}
	return "/tiles/" + s.atlas.events[0] + "/" + geo.TileOf(geo.KeyOf(b.Lon, b.Lat), watchZoom).String() + ".mvt", nil
}

func (s *step) untilShown(ctx context.Context, c *conn, q request, p layers.Position, sent, acked time.Time) {
	for {
		a, err := c.do(ctx, q)
		now := time.Now()
		if err != nil {
			s.tally.bad(Tiles, word(err), now)
			return
		}
		reached, err := layers.ParsePosition(a.position)
		switch {
		case err != nil:
			s.tally.bad(Tiles, fmt.Sprintf("%d without a position", a.status), now)
			return
		case reached >= p:
			s.mu.Lock()
			if a.status == http.StatusNotModified {
				s.stale++
			}
			s.mu.Unlock()
			s.tile.Add(now.Sub(acked))
			s.tileSent.Add(now.Sub(sent))
			return
		case now.Sub(acked) > settle:
			s.tally.bad(Tiles, "not shown in "+settle.String(), now)
			return
		}
		if !pause(ctx, lookPause) {
			return
		}
	}
}
