package store

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/index"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	eventSQL      = sql.Text("store/event.sql")
	eventsByIDSQL = sql.Text("store/events_by_id.sql")
)

// Event is one event as a list shows it.
type Event struct {
	ID         int64
	Title      string
	Class      uint16
	Item       uint16
	Level      uint8
	Status     uint8
	Channel    uint8
	ReportedAt time.Time
	DueAt      *time.Time
	ClosedAt   *time.Time
	Point      orb.Point
	Place      layers.PlaceID
	Department int16 // that answers for it now; 0: none
	Version    int   // of the state
}

// Open tells that somebody must still handle it.
func (e Event) Open() bool {
	return e.Status != layers.StatusClose && e.Status != layers.StatusVoid && e.Status != layers.StatusMerged
}

// Overdue tells that it is open beyond its deadline.
func (e Event) Overdue(now time.Time) bool { return e.Open() && e.DueAt != nil && e.DueAt.Before(now) }

// In tells whether the scope sees the event.
func (e Event) In(scope layers.Scope) bool {
	return scope.Records(layers.KindEvent, e.Place, e.Department)
}

// EventDetail is one event whole.
type EventDetail struct {
	Event
	Description string
	Address     string
	Attributes  map[string]json.RawMessage
	Source      string
	SourceEn    string
	Position    layers.Position
}

// Event reads one event; not found also when it is outside the scope.
func (s *Store) Event(ctx context.Context, scope layers.Scope, id int64) (EventDetail, error) {
	var e EventDetail
	var position int64
	var class, item, level, status, channel int16
	err := scoped.On(s.reads, scope).QueryRow(ctx, eventSQL, id).Scan(&e.ID, &e.Title, &e.Description, &e.Address, &e.Attributes,
		&class, &item, &level, &status, &channel, &e.ReportedAt, &e.DueAt, &e.ClosedAt, &e.Version, &e.Point,
		&e.Place, &e.Department, &e.Source, &e.SourceEn, &position)
	if err != nil {
		return e, ledger.Problem("event", err)
	}
	if !e.In(scope) {
		return EventDetail{}, layers.NotFound("event")
	}
	e.Class, e.Item, e.Level, e.Status, e.Channel = uint16(class), uint16(item), uint8(level), uint8(status), uint8(channel)
	e.Position = layers.Position(position)
	return e, nil
}

// EventQuery chooses events of a list.
type EventQuery struct {
	Place    layers.PlaceID // 0: everywhere
	OpenAt   int32          // as index.Query's
	Match    func(*layers.Record) bool
	Limit    int
	BeforeAt int32 // minutes; with BeforeID the place in the list to go on from; 0: from the newest
	BeforeID int64
}

// Events lists the newest events first, of those whose records the scope sees: the index chooses, PostgreSQL gives the words, so that the list agrees with
// the tiles and counts of the same position.
func (s *Store) Events(ctx context.Context, scope layers.Scope, q EventQuery) ([]Event, *index.Snapshot, error) {
	snap := s.index.Snapshot()
	if snap == nil {
		return nil, nil, s.Loading()
	}
	records := snap.Latest(index.Query{
		Kind: layers.KindEvent, Scope: scope, Part: index.Records, Place: q.Place, OpenAt: q.OpenAt, Match: q.Match,
	}, q.Limit, q.BeforeAt, q.BeforeID)
	ids := make([]int64, len(records))
	for i := range records {
		ids[i] = records[i].ID
	}
	list, err := collect(ctx, scoped.On(s.reads, scope), eventsByIDSQL, scanEvent, ids)
	if err != nil {
		return nil, snap, ledger.Problem("events", err)
	}
	list = slices.DeleteFunc(list, func(e Event) bool { return !e.In(scope) }) // it has moved, or is another's now
	sort.Slice(list, func(i, j int) bool {
		a, b := layers.Minutes(list[i].ReportedAt), layers.Minutes(list[j].ReportedAt)
		return a > b || a == b && list[i].ID > list[j].ID
	})
	return list, snap, nil
}

// EventsByID reads those of the events that the scope may see, by id.
func (s *Store) EventsByID(ctx context.Context, scope layers.Scope, ids []int64) (map[int64]Event, error) {
	list, err := collect(ctx, scoped.On(s.reads, scope), eventsByIDSQL, scanEvent, ids)
	if err != nil {
		return nil, ledger.Problem("events", err)
	}
	out := make(map[int64]Event, len(list))
	for _, e := range list {
		if e.In(scope) {
			out[e.ID] = e
		}
	}
	return out, nil
}

func scanEvent(r pgx.CollectableRow) (Event, error) {
	var e Event
	var class, item, level, status, channel int16
	err := r.Scan(&e.ID, &e.Title, &class, &item, &level, &status, &channel, &e.ReportedAt, &e.DueAt, &e.ClosedAt,
		&e.Point, &e.Place, &e.Department, &e.Version)
	e.Class, e.Item, e.Level, e.Status, e.Channel = uint16(class), uint16(item), uint8(level), uint8(status), uint8(channel)
	return e, err
}

// Record is what the index keeps of the event.
func (e Event) Record() layers.Record {
	r := layers.Record{
		ID: e.ID, Key: geo.KeyOf(e.Point[0], e.Point[1]), Place: e.Place, Class: e.Class, Item: e.Item,
		Status: e.Status, Level: e.Level, Flags: uint32(e.Channel), Department: e.Department,
		Time: layers.Minutes(e.ReportedAt),
	}
	if e.DueAt != nil {
		r.Due = layers.Minutes(*e.DueAt)
	}
	if e.ClosedAt != nil {
		r.Closed = layers.Minutes(*e.ClosedAt)
	}
	return r
}
