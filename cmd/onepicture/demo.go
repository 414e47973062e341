package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/demo"
	"onepicture/layers/dispatch"
	"onepicture/layers/ledger"
)

// cityFlags choose the synthetic city.
type cityFlags struct {
	People int    `help:"People of the synthetic city; sites are a tenth, events of three years a half of it." default:"200000" env:"ONEPICTURE_PEOPLE"`
	Silent string `help:"A drill: this source of events of the synthetic city (grid_reports, hotline or sensors) has delivered nothing for a week." placeholder:"SOURCE" env:"ONEPICTURE_SILENT"`
	Seed   uint64 `help:"Seed of the synthetic city: the same seed gives the same city." default:"1" env:"ONEPICTURE_SEED"`
}

// zone is where the synthetic city lies.
var zone = time.FixedZone("Asia/Shanghai", 8*3600)

func (f cityFlags) options() demo.Options {
	return demo.Options{People: f.People, Seed: f.Seed, Now: time.Now().In(zone), Silent: f.Silent}
}

func (f cityFlags) check() error {
	if f.People < 1000 || f.People > 20_000_000 {
		return fmt.Errorf("--people: %d is not between 1,000 and 20,000,000", f.People)
	}
	if f.Silent != "" && !slices.Contains(demo.EventSources(), f.Silent) {
		return fmt.Errorf("--silent: %q is none of %s", f.Silent, strings.Join(demo.EventSources(), ", "))
	}
	return nil
}

type demoCmd struct {
	dataFlags
	cityFlags
}

// Run loads the city; a load that was killed is completed.
func (c *demoCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	return withDatabase(ctx, c.dataFlags, "onepicture demo", func(ctx context.Context, pool *pgxpool.Pool) error {
		return c.loadCity(ctx, pool, c.options())
	})
}

// loadCity seals by the database's keys, and makes them when it has none.
func (f dataFlags) loadCity(ctx context.Context, pool *pgxpool.Pool, o demo.Options) (err error) {
	if o.Keys, err = f.openKeys(ctx, pool, true); err != nil {
		return err
	}
	b := newBar("loading the synthetic city")
	began := time.Now()
	shown := false
	o.Progress = func(done, total int) { b.show(int64(done), int64(total), int64(done)); shown = true }
	if err := demo.Load(ctx, pool, ledger.New(pool), o); err != nil {
		return err
	}
	if shown {
		b.end()
		fmt.Printf("synthetic city: %s people in %s\n", grouped(int64(o.People)), time.Since(began).Round(100*time.Millisecond))
	}
	return nil
}

// trickle lets new synthetic events come in through the same desk as real ones.
func trickle(ctx context.Context, desk *dispatch.Desk, o demo.Options, every time.Duration) error {
	return demo.Trickle(ctx, func(ctx context.Context, s demo.Sighting) error {
		_, err := desk.Report(ctx, layers.Internal("demo"), dispatch.Report{
			Source: s.Source, Title: s.Title, Item: s.Item, Channel: s.Channel, Address: s.Address, Lon: s.Lon, Lat: s.Lat, Datum: "WGS84",
			ReportedAt: s.At, ClientKey: s.Key,
		})
		return err
	}, o, every)
}
