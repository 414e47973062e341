package api

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/mvt"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
)

// client reads and writes by any of the servers and remembers the latest position that it was told.
type client struct {
	*pair
	r    *rand.Rand
	told layers.Position
	tags map[string]tagged
}

type tagged struct {
	etag string
	ids  []int64
}

func (c *client) step(ctx context.Context) {
	c.tick()
	c.mu.Lock()
	n := c.r.IntN(len(c.servers))
	w := c.servers[n]
	c.mu.Unlock()
	switch k := c.r.IntN(100); {
	case k < 20:
		c.report(w)
	case k < 35:
		c.change(ctx, w)
	default:
		c.read(n, w)
	}
}

func (c *client) spot() (lon, lat float64) {
	return 113.04 + 0.03*c.r.Float64(), 23.03 + 0.03*c.r.Float64()
}

func (c *client) report(w *town) {
	lon, lat := c.spot()
	body := fmt.Sprintf(`{"title":"x","category":"fire","lon":%v,"lat":%v,"datum":"WGS84"}`, lon, lat)
	r := call(http.MethodPost, "/api/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	rec := w.do(r)
	var answer Reported
	if rec.Code != http.StatusCreated || json.Unmarshal(rec.Body.Bytes(), &answer) != nil {
		c.t.Errorf("report: %d %s", rec.Code, rec.Body)
		return
	}
	c.hear(answer.Position)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = append(c.ids, answer.Event.ID)
}

func (c *client) hear(position string) {
	p, err := layers.ParsePosition(position)
	if err != nil {
		c.t.Errorf("position %q", position)
	}
	c.told = max(c.told, p)
}

// change moves or deletes an event by another door.
func (c *client) change(ctx context.Context, w *town) {
	c.mu.Lock()
	if len(c.ids) == 0 {
		c.mu.Unlock()
		return
	}
	id := c.ids[c.r.IntN(len(c.ids))]
	c.mu.Unlock()
	lon, lat := c.spot()
	gone := c.r.IntN(3) == 0
	receipt, err := w.ledger.Write(ctx, ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
		var old orb.Point
		r := layers.Record{ID: id, Key: geo.KeyOf(lon, lat)}
		var status, level, class int16
		var at time.Time
		err := tx.QueryRow(ctx, `select geom, status, level, class, place_id, reported_at from event where id = $1 for update`, id).
			Scan(&old, &status, &level, &class, &r.Place, &at)
		if err != nil {
			return err
		}
		r.Status, r.Level, r.Class, r.Time = uint8(status), uint8(level), uint16(class), layers.Minutes(at)
		change := layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: id, Record: &r, Old: &layers.Location{Geom: old, Place: r.Place}}
		if gone {
			_, err = tx.Exec(ctx, `with steps as (delete from event_step where event_id = $1), clocks as (delete from clock_job where event_id = $1)
				delete from event where id = $1`, id)
			change.Op, change.Record = layers.OpDelete, nil
		} else {
			_, err = tx.Exec(ctx, `update event set geom = $2, position = pg_current_xact_id() where id = $1`, id, orb.Point{lon, lat})
			change.New = &layers.Location{Geom: orb.Point{lon, lat}, Place: r.Place}
		}
		tx.Record(change)
		return err
	})
	if err == nil {
		c.told = max(c.told, receipt.Position)
	} else if !strings.Contains(err.Error(), "no rows") { // somebody deleted it
		c.t.Errorf("change: %v", err)
	}
}

func (c *client) read(n int, w *town) {
	lon, lat := c.spot()
	tile := geo.TileOf(geo.KeyOf(lon, lat), []uint8{11, 13, 15}[c.r.IntN(3)])
	target := "/tiles/events/" + tile.String() + ".mvt"
	r := call(http.MethodGet, target, nil)
	r.Header.Set("X-Min-Position", c.told.String())
	known, again := c.tags[target]
	if again = again && c.r.IntN(2) == 0; again {
		r.Header.Set("If-None-Match", known.etag)
	}
	rec := w.do(r)
	var ids []int64
	switch {
	case rec.Code == http.StatusServiceUnavailable:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.refused++ // it has not got there in time, and says so
		return
	case rec.Code == http.StatusNotModified && again:
		ids = known.ids
	case rec.Code == http.StatusOK:
		ids = eventsIn(c.t, rec.Body.Bytes())
	case rec.Code != http.StatusNoContent:
		c.t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		return
	}
	at, err := layers.ParsePosition(rec.Header().Get("X-Position"))
	if err != nil || at < c.told {
		c.t.Errorf("who has seen %d was given %d (%v)", c.told, at, err)
	}
	c.told = at
	c.tags[target] = tagged{rec.Header().Get("ETag"), ids}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, sight{tile, n, at, ids})
}

// eventsIn are the ids in a tile of events, in order.
func eventsIn(t *testing.T, raw []byte) (ids []int64) {
	list, err := mvt.Unmarshal(raw)
	if err != nil || len(list) != 1 {
		t.Errorf("a tile of %d layers: %v", len(list), err)
		return nil
	}
	for _, f := range list[0].Features {
		id, _ := f.ID.(float64)
		ids = append(ids, int64(id))
	}
	slices.Sort(ids)
	return ids
}

func (p *pair) clients(n, steps int) {
	ctx, stop := context.WithTimeout(p.t.Context(), time.Minute)
	defer stop()
	var all sync.WaitGroup
	for i := range n {
		c := &client{pair: p, r: rand.New(rand.NewPCG(uint64(i), 3)), tags: map[string]tagged{}}
		all.Go(func() {
			for range steps {
				c.step(ctx)
			}
		})
	}
	all.Wait()
}

// Through whichever server something is written and read, with Redis on, off and emptied: a tile is what the ledger
// says of the position that comes with it, and that is never before what the caller has seen.
func TestNoServerGivesAnOlderTile(t *testing.T) {
	p := newPair(t)
	heard := make([]map[int64]int, len(p.servers))
	var streams sync.WaitGroup
	ends := make([]func(), len(p.servers))
	for i, w := range p.servers {
		heard[i] = map[int64]int{}
		l := listen(t, serveTown(t, w), "")
		l.until(t, "position")
		ends[i] = l.close
		streams.Go(func() { p.listenAll(l, heard[i]) })
	}
	p.clients(4, 250)
	p.compare(p.seen)
	if len(p.seen) < 500 || len(p.ids) < 100 || p.refused > 10 {
		t.Errorf("%d tiles, %d events, %d refused: the scene shows too little", len(p.seen), len(p.ids), p.refused)
	}
	p.untilHeard(heard)
	for _, end := range ends {
		end()
	}
	streams.Wait()
}

// A server that loads while a transaction is open shows what committed after that one began, under the position before
// it. When the transaction ends, the tile is another one, here and, through Redis, everywhere.
func TestAServerThatLoadsBesideAnOpenTransaction(t *testing.T) {
	p := newPair(t)
	c := &client{pair: p, r: rand.New(rand.NewPCG(1, 3)), tags: map[string]tagged{}}
	c.report(p.servers[0])
	wrote, commit, ended := make(chan struct{}), make(chan struct{}), make(chan ledger.Receipt)
	go func() {
		receipt, err := p.servers[0].ledger.Write(t.Context(), ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
			_, err := tx.Exec(t.Context(), `update event set geom = st_point(114, 23.05, 4326) where id = $1`, p.ids[0])
			tx.Record(layers.Change{
				Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: p.ids[0],
				Record: &layers.Record{ID: p.ids[0], Key: geo.KeyOf(114, 23.05), Class: 1, Status: 1, Level: 3},
				New:    &layers.Location{Geom: orb.Point{114, 23.05}},
			})
			close(wrote)
			<-commit
			return err
		})
		if err != nil {
			t.Error(err)
		}
		ended <- receipt
	}()
	<-wrote
	c.report(p.servers[1]) // commits while that one is open
	late := openTown(t, p.servers[0].pool, p.cached)
	look := func(w *town, seen layers.Position) (string, []int64) {
		r := call(http.MethodGet, "/tiles/events/11/1667/889.mvt", nil)
		r.Header.Set("X-Min-Position", seen.String())
		rec := w.do(r)
		if rec.Code != http.StatusOK {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		return rec.Header().Get("ETag"), eventsIn(t, rec.Body.Bytes())
	}
	before, ids := look(late, 0)
	if !slices.Equal(ids, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("it loaded %v", ids)
	}
	close(commit)
	receipt := <-ended
	for i, w := range append(p.servers, late) {
		after, ids := look(w, max(receipt.Position, c.told))
		if after == before || !slices.Equal(ids, []int64{1, 2, 3, 5}) {
			t.Errorf("server %d: %v, tag %s, was %s", i, ids, after, before)
		}
	}
}

// listenAll counts what a stream tells of made events.
func (p *pair) listenAll(l *listening, heard map[int64]int) {
	for {
		e, ok := l.next()
		if !ok {
			return
		}
		var c Change
		if e.name != "change" || json.Unmarshal([]byte(e.data), &c) != nil || c.Kind != layers.KindEvent || c.ID == nil {
			continue
		}
		p.mu.Lock()
		heard[*c.ID]++
		p.mu.Unlock()
	}
}

// untilHeard waits until each stream has told of every event, as often as the ledger has.
func (p *pair) untilHeard(heard []map[int64]int) {
	want := map[int64]int{}
	for _, c := range p.ledgerOf() {
		want[c.FeatureID]++
	}
	complete := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, ids := range heard {
			for id, n := range want {
				if ids[id] != n {
					return false
				}
			}
		}
		return true
	}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !complete() {
		select {
		case <-deadline:
			p.t.Fatalf("of %d events the streams told %d and %d", len(want), len(heard[0]), len(heard[1]))
		case <-tick.C:
		}
	}
}

func (p *pair) ledgerOf() (out []layers.Change) {
	b, more, err := p.servers[0].ledger.Since(p.t.Context(), 0, 1_000_000)
	if err != nil || more {
		p.t.Fatal(more, err)
	}
	for _, c := range b.Changes {
		if c.Kind == layers.KindEvent {
			out = append(out, c)
		}
	}
	return out
}

// compare holds every sight against the ledger at its position.
func (p *pair) compare(list []sight) {
	p.t.Helper()
	changes := p.ledgerOf()
	slices.SortFunc(changes, func(a, b layers.Change) int { return int(a.Seq - b.Seq) })
	wrong := 0
	for _, s := range list {
		at := map[int64]orb.Geometry{}
		for id, lon := range map[int64]float64{1: 113.05, 2: 113.05, 3: 113.05} { // the fixture's own
			at[id] = orb.Point{lon, 23.05}
		}
		for _, c := range changes {
			if c.Position > s.at {
				continue
			}
			delete(at, c.FeatureID)
			if c.New != nil {
				at[c.FeatureID] = c.New.Geom
			}
		}
		var want []int64
		for id, g := range at {
			if point := g.(orb.Point); geo.TileOf(geo.KeyOf(point[0], point[1]), s.tile.Z) == s.tile {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		if !slices.Equal(want, s.ids) {
			if wrong++; wrong < 5 {
				p.t.Errorf("server %d, tile %v at %d: %v, the ledger says %v", s.server, s.tile, s.at, s.ids, want)
			}
		}
	}
	if wrong > 0 {
		p.t.Errorf("%d of %d tiles are not of their position", wrong, len(list))
	}
}
