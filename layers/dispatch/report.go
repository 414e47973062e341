// Package dispatch is the sole writer of single events: it takes reports in and, through the ledger, makes them known
// to every server, stream and tile.
package dispatch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/geo"
	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/scoped"
	"onepicture/sql"
)

var (
	numberSQL    = sql.Text("dispatch/number.sql")
	reportSQL    = sql.Text("dispatch/report.sql")
	deliveredSQL = sql.Text("dispatch/delivered.sql")
	directSQL    = sql.Text("dispatch/direct.sql")
)

// direct is the source of reports that come from no feed.
const direct = "direct"

// Limits of what a report may hold, in characters.
const (
	MaxTitle       = 120
	MaxDescription = 4000
	MaxAddress     = 200
	MaxClientKey   = 100
)

// Ahead is how far a reporter's clock may be ahead of the server's.
const Ahead = 5 * time.Minute

// Report is what somebody saw, as it comes in.
type Report struct {
	Source      string // code of a known feed; empty: reported directly
	Title       string
	Description string
	Category    string // class code of the event; may be left out when Item is given
	Item        string // item code; optional
	Level       uint8  // 0: the item's, else 3
	Channel     string // code of layers.Channels; empty: unknown
	Lon, Lat    float64
	Datum       string // required: an undeclared datum is asked for, never guessed
	ReportedAt  time.Time
	Address     string
	ClientKey   string // a replay with the same key is harmless; empty: always a new event
	// Also queues what is written with the new event in the same transaction; nil: nothing is.
	Also func(tx *ledger.Tx, event int64) error
}

// Picture is what dispatch asks of the city.
type Picture interface {
	Catalogue() *layers.Catalogue
	// PlaceAt is the deepest place at a WGS 84 location, 0 for none.
	PlaceAt(lon, lat float64) layers.PlaceID
	// LayersOf are the bits of the thematic layers that the record belongs to.
	LayersOf(k layers.Kind, r *layers.Record) uint64
	// Tree is the tree of the places valid now.
	Tree() *layers.Tree
}

// Desk takes reports and steps.
type Desk struct {
	pool    *pgxpool.Pool // of reads
	ledger  *ledger.Ledger
	picture Picture
	now     func() time.Time
	held    atomic.Pointer[held]

	delivered sync.Map // code of a source → time.Time at which it was noted last that it delivers
}

// New is a desk that reads from the pool and writes through the ledger.
func New(pool *pgxpool.Pool, l *ledger.Ledger, p Picture, now func() time.Time) *Desk {
	return &Desk{pool: pool, ledger: l, picture: p, now: now}
}

// reads are under the scope.
func (d *Desk) reads(scope layers.Scope) scoped.Reader { return scoped.On(d.pool, scope) }

// event is a checked report.
type event struct {
	Report
	class  uint16
	item   uint16
	flags  uint32
	due    *time.Time
	late   time.Time // by when it must be dispatched; zero: no rule says
	point  geo.WGS84
	place  layers.PlaceID
	source int32 // 0: not known
	record layers.Record
}

// Filed is where a report stands in the ledger, and the event as it began: of a replay the receipt alone.
type Filed struct {
	ledger.Receipt
	Record     layers.Record
	Title      string
	Point      orb.Point
	ReportedAt time.Time
	DueAt      *time.Time
}

// Report files a new event. Errors name the field that is wrong; nothing is written then. A known ClientKey gives the
// first receipt again.
func (d *Desk) Report(ctx context.Context, scope layers.Scope, r Report) (Filed, error) {
	e, err := d.check(r)
	if err != nil {
		return Filed{}, err
	}
	if err := d.promise(ctx, &e); err != nil {
		return Filed{}, ledger.Problem("event", err)
	}
	switch at := e.record; {
	case scope.Records(layers.KindEvent, at.Place, at.Department):
	case scope.Attends(at.Place):
		return Filed{}, layers.Forbidden("you report what your department answers for: choose one of its items")
	default:
		return Filed{}, layers.Forbidden("you may not report events there")
	}
	key, clientKey := rand.Text(), ""
	if r.ClientKey != "" {
		sum := sha256.Sum256([]byte(scope.Actor + "\x00" + r.ClientKey)) // one actor's keys are not another's
		key = hex.EncodeToString(sum[:16])
		clientKey = "report:" + key
	}
	act := ledger.Act{Actor: scope.Actor, Reason: "report", ClientKey: clientKey, Scope: &scope, Ask: e.ask}
	receipt, err := d.ledger.Write(ctx, act, func(tx *ledger.Tx) error {
		if err := e.askAgain(ctx, tx); err != nil {
			return err
		}
		d.insert(tx, scope.Actor, key, &e)
		if r.Also == nil {
			return nil
		}
		return r.Also(tx, e.record.ID)
	})
	if err != nil {
		d.delivered.Delete(e.Source) // what was noted is undone
	}
	if err != nil || receipt.Replayed {
		return Filed{Receipt: receipt}, ledger.Problem("event", err)
	}
	return Filed{receipt, e.record, e.Title, orb.Point{e.point.Lon, e.point.Lat}, e.ReportedAt, e.due}, nil
}

// ask asks for the event's number and that of its source, before anything is written: what then is written and committed
// travels at once. A transaction that has written keeps all readers of the ledger behind it until it ends, and must not wait
// for this server meanwhile.
func (e *event) ask(b *pgx.Batch) {
	b.Queue(numberSQL, e.Source).Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&e.source, &e.record.ID}, func() error { return nil })
		return err
	})
}

// askAgain makes the direct source before a city's first direct report.
func (e *event) askAgain(ctx context.Context, tx *ledger.Tx) error {
	if e.source == 0 && e.Source == direct {
		if _, err := tx.Exec(ctx, directSQL); err != nil {
			return fmt.Errorf("make the direct source: %w", err)
		}
		var b pgx.Batch
		e.ask(&b)
		if err := tx.SendBatch(ctx, &b).Close(); err != nil {
			return fmt.Errorf("find the direct source: %w", err)
		}
	}
	if e.source == 0 {
		return layers.Invalid("source", "is not a known source")
	}
	return nil
}

func (d *Desk) insert(tx *ledger.Tx, actor, key string, e *event) {
	hash := sha256.Sum256([]byte(key))
	var origDatum string
	var origX, origY *float64
	if datum, _ := geo.ParseDatum(e.Datum); datum != geo.DatumWGS84 {
		origDatum, origX, origY = string(datum), &e.Lon, &e.Lat
	}
	point := orb.Point{e.point.Lon, e.point.Lat}
	// That its source has delivered is noted unless this server did so within the second.
	now := d.now()
	noted, _ := d.delivered.Load(e.Source)
	if last, ok := noted.(time.Time); !ok || now.Sub(last) >= time.Second {
		d.delivered.Store(e.Source, now)
		tx.Queue(deliveredSQL, e.Source)
	}
	tx.Queue(reportSQL,
		e.record.ID, e.source, key, int16(e.item), int16(e.class), int16(e.Level), int16(e.flags),
		e.Title, e.Description, e.Address, e.ReportedAt, e.due, point, int32(e.place), origDatum, origX, origY,
		hash[:16], e.record.Department)
	tx.Queue(stepSQL, e.record.ID, "report", actor, now.UTC(), e.ReportedAt, int16(layers.StatusUnknown),
		int16(report), 1, int16(layers.LevelVillage), "", "", nil, detail{}, point)
	if !e.late.IsZero() {
		tx.Queue(setJobSQL, e.record.ID, "late", 1, e.late)
	}
	tx.Record(layers.Change{
		Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: e.record.ID, Record: &e.record,
		New: &layers.Location{Geom: point, Place: e.place, Department: e.record.Department, Layers: d.picture.LayersOf(layers.KindEvent, &e.record)},
	})
}

func (d *Desk) check(r Report) (event, error) {
	e := event{Report: r}
	if e.Source == "" {
		e.Source = direct
	}
	e.Title, e.Description, e.Address = strings.TrimSpace(r.Title), strings.TrimSpace(r.Description), strings.TrimSpace(r.Address)
	if err := e.checkWords(); err != nil {
		return e, err
	}
	if err := e.checkKind(d.picture.Catalogue()); err != nil {
		return e, err
	}
	if err := e.checkRequired(d.picture.Catalogue().Item(e.item)); err != nil {
		return e, err
	}
	if err := e.checkTime(d.now()); err != nil {
		return e, err
	}
	if err := e.checkLocation(); err != nil {
		return e, err
	}
	e.place = d.picture.PlaceAt(e.point.Lon, e.point.Lat)
	e.record = layers.Record{
		Key: geo.KeyOf(e.point.Lon, e.point.Lat), Place: e.place, Class: e.class, Item: e.item,
		Department: ownerOf(d.picture.Catalogue(), e.item),
		Status:     report, Level: e.Level, Flags: e.flags, Time: layers.Minutes(e.ReportedAt),
	}
	return e, nil
}

// promise works out by when it would be done if it were dispatched at once, and by when it must be dispatched.
func (d *Desk) promise(ctx context.Context, e *event) error {
	m, item, err := d.meterOf(ctx, d.pool, e.item)
	if err != nil {
		return err
	}
	if item != nil {
		due := m.add(e.ReportedAt, item.Deadline(e.Level))
		e.due, e.record.Due = &due, layers.Minutes(due)
	}
	if rule, ok := m.calendar.rules[e.Level]; ok {
		e.late = m.add(d.now(), rule.dispatch)
	}
	return nil
}

func (e *event) checkWords() error {
	for _, w := range []struct {
		field, text string
		most        int
	}{
		{"title", e.Title, MaxTitle}, {"description", e.Description, MaxDescription},
		{"address", e.Address, MaxAddress}, {"Idempotency-Key", e.ClientKey, MaxClientKey},
	} {
		if err := layers.CheckText(w.field, w.text, w.most); err != nil {
			return err
		}
	}
	if e.Title == "" {
		return layers.Invalid("title", "is empty: say in a few words what was seen")
	}
	return nil
}

// checkRequired looks for what the item asks of a patrol's report; others cannot know it.
func (e *event) checkRequired(item *layers.Item) error {
	switch {
	case e.Channel != "patrol":
	case e.Description == "" && item.Needs("report", "description"):
		return layers.Invalid("description", "is missing: this item asks for it")
	case e.Address == "" && item.Needs("report", "address"):
		return layers.Invalid("address", "is missing: this item asks for it")
	}
	return nil
}

func (e *event) checkKind(c *layers.Catalogue) error {
	if e.Report.Item != "" {
		item := c.ItemByCode(e.Report.Item)
		if item == nil {
			return layers.Invalid("item", "is not in the event catalogue")
		}
		e.item, e.class = item.ID, item.Class
		if e.Level == 0 {
			e.Level = item.Level
		}
	}
	switch {
	case e.Category == "" && e.item == 0:
		return layers.Invalid("category", "is missing: give a category or an item")
	case e.Category != "":
		class := c.ClassByCode(layers.KindEvent, e.Category)
		if class == nil {
			return layers.Invalid("category", "is not an event category")
		}
		if e.item != 0 && class.ID != e.class {
			return layers.Invalid("category", "is not the category of the item")
		}
		e.class = class.ID
	}
	if e.Level == 0 {
		e.Level = 3
	}
	if e.Level > 4 {
		return layers.Invalid("level", "must be 1 (gravest) to 4")
	}
	for i, code := range layers.Channels {
		if code == e.Channel || e.Channel == "" && i == 0 {
			e.flags = uint32(i)
			return nil
		}
	}
	return layers.Invalid("channel", "must be patrol, resident or system")
}

func (e *event) checkTime(now time.Time) error {
	if e.ReportedAt.IsZero() {
		e.ReportedAt = now
	}
	e.ReportedAt = e.ReportedAt.Truncate(time.Microsecond) // as PostgreSQL keeps it
	if e.ReportedAt.After(now.Add(Ahead)) {
		return layers.Invalid("reportedAt", "lies in the future")
	}
	if e.ReportedAt.Year() < 1970 {
		return layers.Invalid("reportedAt", "lies before 1970")
	}
	return nil
}

func (e *event) checkLocation() (err error) {
	e.point, err = Locate(&e.Lon, &e.Lat, e.Datum)
	return err
}
