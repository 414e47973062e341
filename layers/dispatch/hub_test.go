package dispatch

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

// valley is a city (1) of two towns (2, 6), the first with a village (3) of two grids (4, 5), the second with one (7, 8).
type valley struct{ catalogue *layers.Catalogue }

func (v valley) Catalogue() *layers.Catalogue { return v.catalogue }

func (valley) PlaceAt(lon, _ float64) layers.PlaceID {
	switch {
	case lon < 113.1:
		return 4
	case lon < 113.2:
		return 5
	case lon < 113.3:
		return 8
	}
	return 0
}

func (valley) LayersOf(_ layers.Kind, r *layers.Record) uint64 { return 1 << r.Status }

func (valley) Tree() *layers.Tree {
	return layers.NewTree([]layers.Place{
		{ID: 1, Code: "990100000000", Level: 1}, {ID: 2, Code: "990101000000", Level: 2, Parent: 1},
		{ID: 3, Code: "990101001000", Level: 3, Parent: 2}, {ID: 4, Code: "990101001000001", Level: 4, Parent: 3},
		{ID: 5, Code: "990101001000002", Level: 4, Parent: 3}, {ID: 6, Code: "990102000000", Level: 2, Parent: 1},
		{ID: 7, Code: "990102001000", Level: 3, Parent: 6}, {ID: 8, Code: "990102001000001", Level: 4, Parent: 7},
	})
}

// hub is a desk over a real database with units and workers, at a time that the test moves.
type hub struct {
	*Desk
	t      *testing.T
	pool   *pgxpool.Pool // the owner's; the desk has one of requests
	serves *pgxpool.Pool
	at     time.Time
	lead   int64 // what others are merged into; 0: not filed yet
}

// Units of the valley: village 1, town 2, fire brigade 3. Workers: 1 and 2 of the village in the field, 3 of the fire
// brigade; 4 at the village's desk, 5 at the town's; 6 of
// the town in the field.
const valleySQL = `
	insert into source (id, code, name, kind) values (100, 'feed', 'feed', 'event');
	insert into department (id, code, name) values (1, 'fire', '消防');
	insert into class (kind, id, code, name) values ('event', 1, 'fire', 'f'), ('event', 2, 'flood', 'w');
	insert into item (id, code, class, name, deadline_hours, level) values (7, 'F-1', 1, 'lane', 12, 2), (8, 'W-1', 2, 'water', 12, 3);
	insert into place (id, code, level, name, source_id, parent_id) values
		(1, '990100000000', 1, 'c', 100, null), (2, '990101000000', 2, 't', 100, 1), (3, '990101001000', 3, 'v', 100, 2),
		(4, '990101001000001', 4, 'g1', 100, 3), (5, '990101001000002', 4, 'g2', 100, 3), (6, '990102000000', 2, 'u', 100, 1),
		(7, '990102001000', 3, 'w', 100, 6), (8, '990102001000001', 4, 'g3', 100, 7);
	insert into unit (id, code, name, level, place_id, department_id) values
		(1, 'village', '社区', 3, 3, null), (2, 'town', '镇', 2, 2, null), (3, 'brigade', '消防队', 1, null, 1);
	insert into worker (id, actor, unit_id, label, desk, skills, on_duty) values
		(1, 'ann', 1, '网格员一', false, '{fire}', true), (2, 'bob', 1, '网格员二', false, '{}', true),
		(3, 'cho', 3, '消防员', false, '{}', true), (4, 'dan', 1, '社区值班', true, '{}', false),
		(5, 'eve', 2, '镇值班', true, '{}', false), (6, 'flo', 2, '镇巡查员', false, '{}', false);
	insert into presence (worker_id, place_id, geom, seen_at)
	select id, 4, st_setsrid(st_makepoint(113.04 + id * 0.01, 23.05), 4326), '2026-05-06 01:00Z' from worker where on_duty`

func newHub(t *testing.T) *hub {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), valleySQL); err != nil {
		t.Fatal(err)
	}
	c := layers.NewCatalogue(layers.Catalogue{
		Classes: []layers.Class{{Kind: layers.KindEvent, ID: 1, Code: "fire"}, {Kind: layers.KindEvent, ID: 2, Code: "flood"}},
		Items: []layers.Item{
			{ID: 7, Code: "F-1", Class: 1, Level: 2, DeadlineHours: 12, Photos: 1, RoundClock: true, DepartmentID: 1}, {ID: 8, Code: "W-1", Class: 2, Level: 3, DeadlineHours: 12},
		},
	})
	h := &hub{t: t, pool: pool, serves: sqltest.Requests(t, pool), at: time.Date(2026, 5, 6, 1, 0, 0, 0, time.UTC)}
	h.restart(valley{c}, h.serves)
	return h
}

// restart makes a new server's desk.
func (h *hub) restart(p Picture, pool *pgxpool.Pool) {
	h.Desk = New(pool, ledger.New(pool), p, func() time.Time { return h.at })
}

// roundClockItem adds an item whose deadline counts all hours.
func (h *hub) roundClockItem() {
	h.t.Helper()
	if _, err := h.pool.Exec(h.t.Context(), `insert into item (id, code, class, name, deadline_hours, level, round_clock) values (9, 'R-1', 2, 'flood', 30, 1, true)`); err != nil {
		h.t.Fatal(err)
	}
	c := *h.picture.Catalogue()
	c.Items = append(slices.Clone(c.Items), layers.Item{ID: 9, Code: "R-1", Class: 2, Level: 1, DeadlineHours: 30, RoundClock: true})
	h.restart(valley{layers.NewCatalogue(c)}, h.serves)
}

// as is the scope of an actor over places and all below them, with the rights to report and to handle.
func as(actor string, places ...layers.PlaceID) layers.Scope {
	var set layers.PlaceSet
	tree := valley{}.Tree()
	for _, p := range places {
		lo, hi := tree.Range(p)
		for o := lo; o < hi; o++ {
			set.Add(tree.At(o).ID)
		}
	}
	reach := layers.Reach{Places: set}
	return layers.Scope{Actor: actor, Event: layers.Sight{Counts: reach, Records: reach}, Rights: layers.RightReport | layers.RightHandle}
}

// The people of the valley.
var (
	ann     = as("ann", 3)
	bob     = as("bob", 3)
	cho     = as("cho", 2)
	dan     = as("dan", 3) // the village's desk
	eve     = as("eve", 2) // the town's desk
	mayor   = as("max", 1) // a desk of the city, no worker
	other   = as("oto", 6) // a desk of the other town
	citizen = func() layers.Scope { s := as("civ", 3); s.Rights = layers.RightReport; return s }()
)

// file reports an event in the first grid.
func (h *hub) file(by layers.Scope, item string) int64 {
	h.t.Helper()
	r, err := h.Report(h.t.Context(), by, Report{Title: "看见了", Item: item, Channel: "patrol", Lon: 113.05, Lat: 23.05, Datum: "WGS84"})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.FeatureID
}

// photo stands for an uploaded one.
const photo = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// full is a step with every input that any step could need.
func (h *hub) full(step string, version int) Step {
	lon, lat := 113.05, 23.05
	return Step{
		Step: step, Version: version, Note: "说明", Reason: "理由", Evidence: []string{photo}, Lon: &lon, Lat: &lat, Datum: "WGS84",
		Assignees: []Assignee{{Worker: 1}}, Into: h.lead,
	}
}

// into is an event that others can be merged into.
func (h *hub) into() int64 {
	h.t.Helper()
	if h.lead == 0 {
		h.lead = h.file(citizen, "F-1")
	}
	return h.lead
}

func (h *hub) version(id int64) (v int) {
	h.t.Helper()
	if err := h.pool.QueryRow(context.WithoutCancel(h.t.Context()), `select version from event where id = $1`, id).Scan(&v); err != nil {
		h.t.Fatal(err)
	}
	return v
}

func (h *hub) status(id int64) string {
	h.t.Helper()
	var s uint8
	var n int16
	if err := h.pool.QueryRow(h.t.Context(), `select case when merged_into is null then status else 10 end from event where id = $1`, id).Scan(&n); err != nil {
		h.t.Fatal(err)
	}
	s = uint8(n)
	return layers.Statuses[s]
}

// must takes a step with every input, at the present version.
func (h *hub) must(by layers.Scope, id int64, step string, change ...func(*Step)) {
	h.t.Helper()
	in := h.full(step, h.version(id))
	for _, f := range change {
		f(&in)
	}
	if _, err := h.Take(h.t.Context(), by, id, in); err != nil {
		h.t.Fatalf("%s by %s: %v", step, by.Actor, err)
	}
}

func to(list ...Assignee) func(*Step) { return func(s *Step) { s.Assignees = list } }
