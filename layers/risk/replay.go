package risk

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/risk/model"
	"onepicture/sql"
)

var (
	eventsAtSQL     = sql.Text("risk/events_at.sql")
	changesAfterSQL = sql.Text("risk/changes_after.sql")
	batchesSQL      = sql.Text("risk/batches.sql")
)

// At makes the picture of a past position again, from the ledger: the score that was shown then. The tree of places must
// be that of the model. What an import has overwritten since counts as it is now (docs/risk.md). It reads every event.
func (l *Live) At(ctx context.Context, position layers.Position) (*Picture, error) {
	now := l.Picture()
	if now == nil {
		return nil, layers.Unavailable(2*time.Second, errNoPicture.Error(), nil)
	}
	if position >= now.Position {
		return nil, layers.Invalid("position", "is not in the past")
	}
	in, err := readInput(ctx, l.pool, position)
	if err != nil {
		return nil, err
	}
	m, err := l.readModel(ctx, in.ModelID)
	if err != nil {
		return nil, err
	}
	if string(m.Places) != string(digest(now.Division)) {
		return nil, &layers.Error{Code: layers.CodeConflict, Message: "the places have changed since; only the stored score is left"}
	}
	p := &Picture{
		Position: position, At: in.At, Model: m, Input: in, Division: now.Division, Tree: now.Tree, World: now.World,
		kernels: kernelsOf(now.Division, m), node: now.node, level: now.level, peers: now.peers,
	}
	if p.panels, err = l.panelsAt(ctx, p, position); err != nil {
		return nil, err
	}
	p.compute(nil, nil)
	return p, nil
}

// was is an event as it was.
type was struct {
	there   bool
	place   layers.PlaceID
	class   uint16
	channel uint8
	status  uint8
	minute  int32
}

func (l *Live) panelsAt(ctx context.Context, p *Picture, position layers.Position) (map[uint16]*[channels]model.Panel, error) {
	later, err := l.changed(ctx, position)
	if err != nil {
		return nil, err
	}
	batches, err := l.batches(ctx)
	if err != nil {
		return nil, err
	}
	out := map[uint16]*[channels]model.Panel{}
	w := &worker{d: p.Division, panels: out}
	days := newDayTable(p.World.Zone, l.now())
	add := func(e was) {
		leaf, ok := p.Division.LeafOf(e.place)
		if !e.there || !ok || e.status == layers.StatusVoid {
			return
		}
		list := w.panel(e.class, p.Model.Start)[channelGroup(e.channel)].Days
		list[leaf] = append(list[leaf], days.of(e.minute))
	}
	rows, err := l.pool.Query(ctx, eventsAtSQL)
	if err != nil {
		return nil, ledger.Problem("events", err)
	}
	var id, last int64
	var place layers.PlaceID
	var class, channel, status int16
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &last, &place, &class, &channel, &status, &at}, func() error {
		e := was{true, place, uint16(class), uint8(channel), uint8(status), layers.Minutes(at)}
		if h := later[id]; h != nil {
			e = h.at(position, func() bool { return batches.before(id, position) })
			delete(later, id)
		} else if layers.Position(last) > position {
			e.there = batches.before(id, position) // an import has put it again since, or for the first time
		}
		add(e)
		return nil
	})
	if err != nil {
		return nil, ledger.Problem("events", err)
	}
	for id, h := range later { // deleted since
		add(h.at(position, func() bool { return batches.before(id, position) }))
	}
	for i := range p.Model.Categories {
		panel := w.panel(p.Model.Categories[i].Class, p.Model.Start)
		for g := range panel {
			for _, list := range panel[g].Days {
				slices.Sort(list)
			}
		}
	}
	return out, nil
}

// past states of one event, by its single changes in their order.
type changes []change

type change struct {
	position layers.Position
	before   was // as far as the change tells
	after    was
}

// at is the state after the last change up to a position. Before the first one it is what that change replaced: its
// place is known, and that it was not void.
func (h changes) at(p layers.Position, inBatch func() bool) was {
	var out *was
	for i := range h {
		if h[i].position <= p {
			out = &h[i].after
		}
	}
	if out != nil {
		return *out
	}
	first := h[0].before
	first.there = first.there && inBatch()
	return first
}

func (l *Live) changed(ctx context.Context, after layers.Position) (map[int64]changes, error) {
	rows, err := l.pool.Query(ctx, changesAfterSQL, after.String())
	if err != nil {
		return nil, ledger.Problem("changes", err)
	}
	out := map[int64]changes{}
	var id, position int64
	var gone, existed bool
	var record []byte
	var old, next layers.PlaceID
	_, err = pgx.ForEachRow(rows, []any{&id, &position, &gone, &record, &old, &existed, &next}, func() error {
		c := change{position: layers.Position(position)}
		if len(record) > 0 {
			var r layers.Record
			if err := json.Unmarshal(record, &r); err != nil {
				return err
			}
			c.after = was{!gone, r.Place, r.Class, uint8(r.Flags & layers.ChannelMask), r.Status, r.Time}
			c.before = c.after
			c.before.status = layers.StatusReport
		}
		c.before.there, c.before.place = existed, old
		out[id] = append(out[id], c)
		return nil
	})
	return out, ledger.Problem("changes", err)
}

// batches of events, by the first position that put an id.
type batches []batch

type batch struct {
	position layers.Position
	ids      pgtype.Multirange[pgtype.Range[pgtype.Int8]]
}

func (l *Live) batches(ctx context.Context) (batches, error) {
	rows, err := l.pool.Query(ctx, batchesSQL)
	if err != nil {
		return nil, ledger.Problem("changes", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (b batch, err error) {
		var position int64
		err = r.Scan(&position, &b.ids)
		b.position = layers.Position(position)
		return b, err
	})
	return list, ledger.Problem("changes", err)
}

// before tells whether a batch up to the position has put the event.
func (b batches) before(id int64, p layers.Position) bool {
	for i := range b {
		if b[i].position > p {
			continue
		}
		for _, r := range b[i].ids {
			if id >= r.Lower.Int64 && id < r.Upper.Int64 {
				return true
			}
		}
	}
	return false
}

// Stored are the terms of a place as they were first shown under an input.
func (l *Live) Stored(ctx context.Context, p *Picture, input int, c *Category, horizon int, place layers.PlaceID) ([]Term, error) {
	var b []byte
	if err := l.pool.QueryRow(ctx, pictureSQL, input, int16(c.Class), int16(horizon)).Scan(&b); err != nil {
		return nil, ledger.Problem("risk picture", err)
	}
	f, err := unpack(b, len(p.Division.Nodes))
	if err != nil {
		return nil, err
	}
	node := p.node[place]
	var out []Term
	for t := range f.terms {
		if v := f.terms[t][node]; v != 0 {
			rank, of := p.rank(f.terms[t], node)
			out = append(out, Term{Terms[t], v, rank, of, p.median(f.terms[t], p.level[node])})
		}
	}
	return out, nil
}
