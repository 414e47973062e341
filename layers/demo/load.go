// Package demo fills a database with an invented city and the sample catalogue, and lets new events trickle in while
// the server runs. Everything bears the mark "synthetic".
package demo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"onepicture/layers"
	"onepicture/layers/catalogue"
	"onepicture/layers/demo/city"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql"
)

var (
	usedSQL      = sql.Text("demo/used.sql")
	sequencesSQL = sql.Text("demo/sequences.sql")
)

// Options chooses the city.
type Options struct {
	People   int // sites are a tenth, events of three years a half of it
	Seed     uint64
	Now      time.Time             // in the city's zone: the history ends here, ages are as of its day
	Progress func(done, total int) // rows; may be nil
	Keys     *personal.Keys        // by which what is personal is sealed
	Silent   string                // a drill: this source of events has delivered nothing for a week; "": none
}

// ErrOtherData says that the database holds something else; a demo is never mixed into it.
var ErrOtherData = errors.New("the database already holds other data: give the demo a data folder of its own")

// rowsPerChunk bounds one transaction: a long one would hold back every follower.
const rowsPerChunk = 40_000

// loader puts one city into one database.
type loader struct {
	ledger *ledger.Ledger
	city   *city.City
	cat    *catalogue.Catalogue
	ids    map[string]int // row numbers by what they name
	o      Options
	key    string
	chunks []chunk
}

// chunk is one transaction of the load, known by its key, so that a load that was killed goes on where it was.
type chunk struct {
	key  string
	rows int
	put  func(ctx context.Context, tx *ledger.Tx) error
}

// Load fills an empty database, or completes a load that was killed. It is a no-op when the same city is there.
func Load(ctx context.Context, pool *pgxpool.Pool, l *ledger.Ledger, o Options) error {
	cat, err := catalogue.Sample()
	if err != nil {
		return err
	}
	ld := &loader{ledger: l, cat: cat, o: o, key: fmt.Sprintf("demo:%d:%d:%s", o.Seed, o.People, o.Silent)}
	switch done, begun, err := ld.state(ctx, pool); {
	case err != nil:
		return err
	case done:
		return nil
	case !begun:
		var used bool
		if err := pool.QueryRow(ctx, usedSQL).Scan(&used); err != nil {
			return fmt.Errorf("look for other data: %w", err)
		}
		if used {
			return ErrOtherData
		}
	}
	if o.Keys == nil {
		return errors.New("no keys are given to seal what is personal")
	}
	ld.city = city.Generate(o.Seed)
	ld.plan()
	if err := dropSpatial(ctx, pool); err != nil {
		return err
	}
	if err := ld.run(ctx, pool); err != nil {
		return err
	}
	if err := buildSpatial(ctx, pool); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, sequencesSQL); err != nil {
		return fmt.Errorf("set sequences: %w", err)
	}
	_, err = ld.write(ctx, "done", func(tx *ledger.Tx) error { tx.Record(catalogueChange()); return nil })
	return err
}

func (ld *loader) state(ctx context.Context, pool *pgxpool.Pool) (done, begun bool, err error) {
	err = pool.QueryRow(ctx, `select
		exists (select 1 from change where client_key = $1), exists (select 1 from change where client_key = $2)`,
		ld.key+"done", ld.key+"catalogue").Scan(&done, &begun)
	if err != nil {
		return false, false, fmt.Errorf("look for an earlier load: %w", err)
	}
	return done, begun, nil
}

func (ld *loader) write(ctx context.Context, key string, fn func(*ledger.Tx) error) (ledger.Receipt, error) {
	r, err := ld.ledger.Write(ctx, ledger.Act{Actor: "demo", Reason: "synthetic city", ClientKey: ld.key + key}, fn)
	if err != nil {
		return r, fmt.Errorf("load %s: %w", key, err)
	}
	return r, nil
}

// run writes the catalogue and the places first, then the chunks on two connections.
func (ld *loader) run(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := ld.write(ctx, "catalogue", func(tx *ledger.Tx) error { return ld.putCatalogue(ctx, tx) }); err != nil {
		return err
	}
	if err := ld.readIDs(ctx, pool); err != nil {
		return err
	}
	if _, err := ld.write(ctx, "places", func(tx *ledger.Tx) error { return ld.putPlaces(ctx, tx) }); err != nil {
		return err
	}
	total, done := 0, 0
	for _, c := range ld.chunks {
		total += c.rows
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	finished := make(chan int, len(ld.chunks))
	for _, c := range ld.chunks {
		g.Go(func() error {
			if _, err := ld.write(gctx, c.key, func(tx *ledger.Tx) error { return c.put(gctx, tx) }); err != nil {
				return err
			}
			finished <- c.rows
			return nil
		})
		for ld.o.Progress != nil && len(finished) > 0 {
			done += <-finished
			ld.o.Progress(done, total)
		}
	}
	err := g.Wait()
	close(finished)
	for n := range finished {
		done += n
	}
	if ld.o.Progress != nil && err == nil {
		ld.o.Progress(done, total)
	}
	return err
}

// plan cuts people, sites and events into chunks of whole grids.
func (ld *loader) plan() {
	people := ld.city.Population(ld.o.People, ld.o.Now)
	for from := 0; from < ld.city.Grids(); {
		to := from + 1
		for to < ld.city.Grids() && people.PeopleIn(from, to+1) <= rowsPerChunk {
			to++
		}
		low := from // the closure must not see the loop's variable move on
		if n := int(people.PeopleIn(low, to)); n > 0 {
			ld.chunks = append(ld.chunks, chunk{fmt.Sprintf("people:%d", low), n, func(ctx context.Context, tx *ledger.Tx) error {
				return ld.putPeople(ctx, tx, people, low, to)
			}})
		}
		from = to
	}
	sites := ld.city.Sites(ld.o.People/10, siteClasses(ld.cat))
	for i := 0; i < len(sites); i += rowsPerChunk {
		part := sites[i:min(i+rowsPerChunk, len(sites))]
		ld.chunks = append(ld.chunks, chunk{fmt.Sprintf("sites:%d", i), len(part), func(ctx context.Context, tx *ledger.Tx) error {
			return ld.putSites(ctx, tx, part)
		}})
	}
	events := ld.o.People / 2
	rates := ld.city.Rates(events, ld.o.Now, items(ld.cat))
	first, from, n := int64(1), 0, 0
	for g := range ld.city.Grids() {
		n += len(rates.In(g)) // drawn twice rather than held: three years of a large city are gigabytes
		if n < rowsPerChunk && g < ld.city.Grids()-1 {
			continue
		}
		start, low, high := first, from, g+1
		ld.chunks = append(ld.chunks, chunk{fmt.Sprintf("events:%d", low), n, func(ctx context.Context, tx *ledger.Tx) error {
			return ld.putEvents(ctx, tx, rates, low, high, start)
		}})
		first, from, n = first+int64(n), g+1, 0
	}
}

// items are the catalogue's items as the generator wants them.
func items(c *catalogue.Catalogue) []city.Item {
	at := map[string]int{}
	for i, r := range c.Categories {
		at[r.Get("code")] = i
	}
	out := make([]city.Item, len(c.Items))
	for i, r := range c.Items {
		out[i] = city.Item{Category: at[r.Get("category")], Name: r.Get("name"), Level: int16(r.Int("level")), DeadlineHours: r.Int("deadline_hours")}
	}
	return out
}

// siteClasses are the catalogue's classes of sites as the generator wants them.
func siteClasses(c *catalogue.Catalogue) []city.SiteClass {
	out := make([]city.SiteClass, len(c.SiteClasses))
	for i, r := range c.SiteClasses {
		out[i] = city.SiteClass{Code: r.Get("code"), Name: r.Get("name"), Group: r.Get("group"), Rate: float64(r.Int("rate"))}
	}
	return out
}

func catalogueChange() layers.Change {
	return layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut}
}

// copyRows streams rows into a table by COPY and tells how many.
func copyRows(ctx context.Context, tx *ledger.Tx, table string, columns []string, next func() ([]any, error)) (int64, error) {
	n, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
	if err != nil {
		return n, fmt.Errorf("copy %s: %w", table, err)
	}
	return n, nil
}

// digest stands for an imported row's content; a synthetic row is known by its number.
func digest(id int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }
