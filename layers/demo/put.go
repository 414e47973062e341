package demo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/catalogue"
	"onepicture/layers/demo/city"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql"
)

var (
	syntheticSQL = sql.Text("demo/synthetic.sql")
	idsSQL       = sql.Text("demo/ids.sql")
)

func (ld *loader) putCatalogue(ctx context.Context, tx *ledger.Tx) error {
	if err := catalogue.Put(ctx, tx, ld.cat); err != nil {
		return fmt.Errorf("put catalogue: %w", err)
	}
	if _, err := tx.Exec(ctx, syntheticSQL, ld.o.Now, ld.o.Silent, ld.o.lastHeard()); err != nil {
		return fmt.Errorf("mark the data as synthetic: %w", err)
	}
	return nil
}

// readIDs reads the row numbers of what the catalogue's codes name, such as "item:F-1".
func (ld *loader) readIDs(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, idsSQL)
	if err != nil {
		return fmt.Errorf("read the catalogue's numbers: %w", err)
	}
	ld.ids = map[string]int{}
	var name string
	var id int
	_, err = pgx.ForEachRow(rows, []any{&name, &id}, func() error {
		ld.ids[name] = id
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the catalogue's numbers: %w", err)
	}
	return nil
}

// placeID is the row id of a place by its index: counted from 1.
func placeID(index int) int { return index + 1 }

func (ld *loader) putPlaces(ctx context.Context, tx *ledger.Tx) error {
	source := ld.ids["source:places"]
	i := -1
	_, err := copyRows(ctx, tx, "place",
		[]string{"id", "code", "level", "parent_id", "name", "name_en", "geom", "label", "area_m2", "source_id"},
		func() ([]any, error) {
			if i++; i == len(ld.city.Places) {
				return nil, nil
			}
			p := &ld.city.Places[i]
			var parent *int
			if p.Parent >= 0 {
				id := placeID(p.Parent)
				parent = &id
			}
			return []any{placeID(i), p.Code, int16(p.Level), parent, p.Name, p.NameEn, p.Shape, p.Label, p.AreaM2, source}, nil
		})
	if err != nil {
		return err
	}
	b := -1
	if _, err = copyRows(ctx, tx, "base_feature", []string{"class", "name", "name_en", "min_zoom", "geom"}, func() ([]any, error) {
		if b++; b == len(ld.city.Base) {
			return nil, nil
		}
		f := &ld.city.Base[b]
		return []any{f.Class, f.Name, f.NameEn, int16(f.MinZoom), f.Shape}, nil
	}); err != nil {
		return err
	}
	if err := ld.putUnits(ctx, tx); err != nil {
		return err
	}
	tx.Record(layers.Change{Kind: layers.KindPlace, Op: layers.OpBatch, IDs: []layers.IDRange{{First: 1, Last: int64(len(ld.city.Places))}}})
	return nil
}

func (ld *loader) putPeople(ctx context.Context, tx *ledger.Tx, people *city.Population, from, to int) error {
	source, sealer := ld.ids["source:residents"], ld.o.Keys.Sealer()
	next, stop := iter.Pull(func(yield func(city.Address) bool) {
		for g := from; g < to; g++ {
			for _, a := range people.Addresses(g) {
				if !yield(a) {
					return
				}
			}
		}
	})
	defer stop()
	_, err := copyRows(ctx, tx, "address", []string{"id", "source_id", "key", "text", "geom", "place_id", "seal"}, func() ([]any, error) {
		a, ok := next()
		if !ok {
			return nil, nil
		}
		text, err := sealer.Text(personal.Address, a.ID, a.Text)
		return []any{a.ID, source, fmt.Sprintf("A%d", a.ID), text, a.Point, placeID(ld.city.PlaceIndex(a.Grid)), sealer.Key()}, err
	})
	if err != nil {
		return err
	}
	migrants := ld.ids["source:migrants"]
	nextPerson, stopPeople := iter.Pull(func(yield func(city.Person) bool) {
		for g := from; g < to; g++ {
			for p := range people.In(g) {
				if !yield(p) {
					return
				}
			}
		}
	})
	defer stopPeople()
	n, err := copyRows(ctx, tx, "person",
		personColumns,
		func() ([]any, error) {
			p, ok := nextPerson()
			if !ok {
				return nil, nil
			}
			s := source
			if p.Class == 1 {
				s = migrants
			}
			name, err := sealer.Text(personal.Name, p.ID, p.Name)
			number, err2 := sealer.Text(personal.IDNumber, p.ID, p.IDNumber)
			phone, err3 := sealer.Text(personal.Phone, p.ID, p.Phone)
			return []any{p.ID, s, fmt.Sprintf("P%d", p.ID), name, number, phone, ld.o.Keys.Index(personal.IDNumber, p.IDNumber),
				ld.o.Keys.Index(personal.Phone, p.Phone), p.Address, int16(p.Class), p.Gender, p.Birth, p.Care, p.Point,
				placeID(ld.city.PlaceIndex(p.Grid)), digest(p.ID), sealer.Key()}, errors.Join(err, err2, err3)
		})
	if err != nil {
		return err
	}
	first := people.FirstPerson(from)
	tx.Record(layers.Change{Kind: layers.KindPerson, Op: layers.OpBatch, IDs: []layers.IDRange{{First: first, Last: first + n - 1}}})
	return nil
}

var personColumns = []string{
	"id", "source_id", "key", "name", "id_number", "phone", "id_number_index", "phone_index", "address_id", "class", "gender",
	"birth", "care", "geom", "place_id", "hash", "seal",
}

// sourceOfSite is the feed that a group of sites comes from.
var sourceOfSite = map[string]string{
	"education": "schools", "health": "medical", "hazard": "hazard", "fire": "fire_sites", "housing": "rental",
	"water": "water_sites", "business": "businesses", "public": "community_sites",
}

func (ld *loader) putSites(ctx context.Context, tx *ledger.Tx, sites []city.Site) error {
	i := -1
	_, err := copyRows(ctx, tx, "site",
		[]string{"id", "source_id", "key", "name", "class", "status", "address", "geom", "anchor", "place_id", "updated_at", "hash"},
		func() ([]any, error) {
			if i++; i == len(sites) {
				return nil, nil
			}
			s := &sites[i]
			class := ld.cat.SiteClasses[s.Class]
			return []any{s.ID, ld.ids["source:"+sourceOfSite[class.Get("group")]], fmt.Sprintf("S%d", s.ID), s.Name, int16(ld.ids["class:site:"+class.Get("code")]), s.Status, s.Address,
				s.Shape, s.Anchor, placeID(ld.city.PlaceIndex(s.Grid)), ld.o.Now, digest(s.ID)}, nil
		})
	if err != nil {
		return err
	}
	if len(sites) > 0 {
		tx.Record(layers.Change{Kind: layers.KindSite, Op: layers.OpBatch, IDs: []layers.IDRange{{First: sites[0].ID, Last: sites[len(sites)-1].ID}}})
	}
	return nil
}

// owner is the number of the department that owns an item; nil: none does.
func (ld *loader) owner(item catalogue.Row) any {
	if code := item.Get("department"); code != "" {
		return int16(ld.ids["department:"+code])
	}
	return nil
}

// sourceOfChannel is the feed that a channel's events come from.
var sourceOfChannel = map[int16]string{1: "grid_reports", 2: "hotline", 3: "sensors"}

// putEvents puts the events of some grids, numbered on from first.
func (ld *loader) putEvents(ctx context.Context, tx *ledger.Tx, rates *city.Rates, from, to int, first int64) error {
	var list []city.Event
	for g := from; g < to; g++ {
		list = append(list, slices.DeleteFunc(rates.In(g), ld.o.unheard)...)
	}
	if len(list) == 0 {
		return nil
	}
	i := -1
	_, err := copyRows(ctx, tx, "event",
		[]string{"id", "source_id", "key", "item_id", "class", "level", "status", "channel", "title", "address", "reported_at", "due_at", "closed_at", "geom", "place_id", "department_id", "hash",
			"version", "clock_at", "fed_back_at", "suspended_at"},
		func() ([]any, error) {
			if i++; i == len(list) {
				return nil, nil
			}
			e := &list[i]
			p := pastOf(e, first+int64(i), ld.o.Now)
			item := ld.cat.Items[e.Item]
			id := first + int64(i)
			return []any{id, ld.ids["source:"+sourceOfChannel[e.Channel]], fmt.Sprintf("E%d", id), int16(ld.ids["item:"+item.Get("code")]),
				int16(ld.ids["class:event:"+item.Get("category")]),
				int16(item.Int("level")), p.status, e.Channel, item.Get("name"), e.Address, e.ReportedAt, e.DueAt, timeOrNull(e.ClosedAt), e.Point,
				placeID(ld.city.PlaceIndex(e.Grid)), ld.owner(item), digest(id),
				p.version(), timeOrNull(p.sent), timeOrNull(p.fedBack), timeOrNull(p.suspended)}, nil
		})
	if err != nil {
		return err
	}
	if err := ld.putLives(ctx, tx, list, first); err != nil {
		return err
	}
	tx.Record(layers.Change{Kind: layers.KindEvent, Op: layers.OpBatch, IDs: []layers.IDRange{{First: first, Last: first + int64(len(list)) - 1}}})
	return nil
}
