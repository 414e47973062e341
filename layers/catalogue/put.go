package catalogue

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/filter"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	deploymentSQL = sql.Text("catalogue/deployment.sql")
	departmentSQL = sql.Text("catalogue/department.sql")
	sourceSQL     = sql.Text("catalogue/source.sql")
	classSQL      = sql.Text("catalogue/class.sql")
	careNeedSQL   = sql.Text("catalogue/care_need.sql")
	calendarSQL   = sql.Text("catalogue/calendar_day.sql")
	layerSQL      = sql.Text("catalogue/layer.sql")
	knownSQL      = sql.Text("catalogue/known.sql")
	classesSQL    = sql.Text("store/classes.sql")
	careNeedsSQL  = sql.Text("store/care_needs.sql")
	itemCodesSQL  = sql.Text("catalogue/item_codes.sql")
	todaySQL      = sql.Text("catalogue/today.sql")
)

// Put writes the catalogue in the ledger's transaction and records one change. References to departments, sources and
// categories must be in the catalogue or in the database, and every layer's filter must be right: else nothing is
// written, and the error tells of every fault with file, line and column.
func Put(ctx context.Context, tx *ledger.Tx, c *Catalogue) error {
	b := &pgx.Batch{}
	for _, r := range c.Deployment {
		b.Queue(deploymentSQL, r.Get("name"), r.Get("name_en"), r.Get("zone"))
	}
	for _, r := range c.Departments {
		b.Queue(departmentSQL, r.Get("code"), r.Get("name"), r.Get("name_en"))
	}
	for _, r := range c.Sources {
		b.Queue(sourceSQL, r.Get("code"), r.Get("name"), r.Get("name_en"), r.Get("department"), r.Get("kind"), r.Get("cadence"), r.Get("datum"))
	}
	class := func(kind layers.Kind, first int, rows []Row) {
		for _, r := range rows {
			b.Queue(classSQL, string(kind), r.Get("code"), r.Get("name"), r.Get("name_en"), r.Get("group"), r.Get("color"), r.Get("shape"), first)
		}
	}
	class(layers.KindPerson, 0, c.PersonClasses)
	class(layers.KindSite, 1, c.SiteClasses)
	class(layers.KindEvent, 1, c.Categories)
	for _, r := range c.CareNeeds {
		b.Queue(careNeedSQL, r.Int("bit"), r.Get("code"), r.Get("name"), r.Get("name_en"))
	}
	for _, r := range c.Calendar {
		b.Queue(calendarSQL, r.Get("day"), r.Int("working") > 0, r.Get("name"), r.Get("name_en"))
	}
	for i, r := range c.Layers {
		b.Queue(layerSQL, r.Get("code"), r.Get("kind"), r.Get("group"), r.Get("group_en"), r.Get("name"), r.Get("name_en"), r.Get("filter"),
			or(r.Get("color"), "#4cc9f0"), or(r.Get("shape"), "circle"), r.Int("min_zoom"), r.Int("visible") > 0, i, r.Get("department"), r.Get("source"))
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return ledger.Problem("catalogue", err)
	}
	if err := c.checkAgainst(ctx, tx); err != nil {
		return err
	}
	var today time.Time
	if err := tx.QueryRow(ctx, todaySQL).Scan(&today); err != nil {
		return ledger.Problem("catalogue", err)
	}
	if _, err := putItems(ctx, tx, c.Items, today); err != nil {
		return err
	}
	tx.Record(layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut})
	return nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// checkAgainst looks whether everything that is referred to is there, now that all has been written.
func (c *Catalogue) checkAgainst(ctx context.Context, tx *ledger.Tx) error {
	known, err := readKnown(ctx, tx)
	if err != nil {
		return err
	}
	var faults Faults
	refer := func(r Row, column, what string) {
		if f := known.refer(r, column, what); f != nil {
			faults = append(faults, f)
		}
	}
	for _, r := range c.Sources {
		refer(r, "department", "department:")
	}
	for _, r := range c.Items {
		faults = append(faults, known.referItem(r)...)
	}
	names, err := readNames(ctx, tx)
	if err != nil {
		return err
	}
	for _, r := range c.Layers {
		refer(r, "department", "department:")
		refer(r, "source", "source:")
		if !known["layer:"+r.Get("code")+":"+r.Get("kind")] {
			faults = append(faults, r.fault("kind", ClassChoice, "is not the kind that the layer has had"))
		}
		if _, err := filter.Parse(layers.Kind(r.Get("kind")), r.Get("filter"), names, time.UTC); err != nil {
			faults = append(faults, r.fault("filter", ClassChoice, "%s", err))
		}
	}
	return faults.err()
}

// known are the codes that are there, after what they are of.
type known map[string]bool

func readKnown(ctx context.Context, tx *ledger.Tx) (known, error) {
	rows, err := tx.Query(ctx, knownSQL)
	if err != nil {
		return nil, ledger.Problem("catalogue", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, ledger.Problem("catalogue", err)
	}
	k := known{}
	for _, code := range list {
		k[code] = true
	}
	return k, nil
}

func (k known) refer(r Row, column, what string) *Fault {
	if v := r.Get(column); v != "" && !k[what+v] {
		return r.fault(column, ClassReference, "%q is unknown", v)
	}
	return nil
}

func (k known) referItem(r Row) (faults Faults) {
	for column, what := range map[string]string{"category": "class:event:", "department": "department:"} {
		if f := k.refer(r, column, what); f != nil {
			faults = append(faults, f)
		}
	}
	return faults
}

// readNames is what a filter's codes are looked up in.
func readNames(ctx context.Context, tx *ledger.Tx) (*layers.Catalogue, error) {
	var c layers.Catalogue
	var k layers.Class
	if err := scanAll(ctx, tx, classesSQL, []any{&k.Kind, &k.ID, &k.Code, &k.Name, &k.NameEn, &k.Group, &k.Color, &k.Shape}, func() {
		c.Classes = append(c.Classes, k)
	}); err != nil {
		return nil, err
	}
	var n layers.CareNeed
	if err := scanAll(ctx, tx, careNeedsSQL, []any{&n.Bit, &n.Code, &n.Name, &n.NameEn}, func() { c.CareNeeds = append(c.CareNeeds, n) }); err != nil {
		return nil, err
	}
	var i layers.Item
	if err := scanAll(ctx, tx, itemCodesSQL, []any{&i.ID, &i.Code}, func() { c.Items = append(c.Items, i) }); err != nil {
		return nil, err
	}
	return layers.NewCatalogue(c), nil
}

func scanAll(ctx context.Context, tx *ledger.Tx, text string, into []any, each func()) error {
	rows, err := tx.Query(ctx, text)
	if err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	_, err = pgx.ForEachRow(rows, into, func() error { each(); return nil })
	if err != nil {
		return fmt.Errorf("read the catalogue: %w", err)
	}
	return nil
}
