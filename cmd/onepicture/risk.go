package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/demo"
	"onepicture/layers/ledger"
	"onepicture/layers/risk"
	"onepicture/layers/risk/signal"
	"onepicture/layers/store"
)

// riskCmds are what can be asked of the estimate of risk.
type riskCmds struct {
	Backtest backtestCmd `cmd:"" help:"Hold the models against what came, and decide which terms are switched on."`
	Signals  signalsCmd  `cmd:"" help:"Measure the detectors of signals on simulated years: false alarms, and how soon they see an outbreak."`
}

type backtestCmd struct {
	dataFlags
	By         []string `help:"Divisions of the city: places (the lowest), or the side of squares in metres." default:"places" placeholder:"DIVISION"`
	TrainTo    string   `help:"First day that is not trained on; default: after two thirds of the history." placeholder:"YYYY-MM-DD"`
	TestTo     string   `help:"First day after the test; default: the last day with events." placeholder:"YYYY-MM-DD"`
	Horizon    int      `help:"Days of a forecast, and from one to the next." default:"7"`
	Categories []string `name:"category" help:"Only these categories; default: all with enough events." placeholder:"CODE"`
	MinEvents  int      `help:"Events that a category needs before the test." default:"1000"`
	Write      string   `help:"Append the tables to this file." type:"path" placeholder:"FILE"`
	Queue      bool     `help:"Leave it to the server that is running; its page shows the progress."`
	Resume     int      `help:"Go on with a test that was stopped." placeholder:"ID"`
	Cancel     int      `help:"Stop a test that is running or queued; what is measured stays." placeholder:"ID"`
	Show       int      `help:"Only print the tables of a test." placeholder:"ID"`
}

// Run measures, or does what the flags say to a test that is there.
func (c *backtestCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture risk", func(ctx context.Context, pool *pgxpool.Pool) error {
		tests, err := openBacktests(ctx, pool)
		if err != nil {
			return err
		}
		id := max(c.Resume, c.Show)
		switch {
		case c.Cancel > 0:
			return tests.Cancel(ctx, c.Cancel)
		case c.Show > 0:
			return c.print(ctx, tests, id)
		case c.Resume > 0 && c.Queue:
			return tests.Resume(ctx, id)
		case c.Resume == 0:
			if id, err = tests.Queue(ctx, "cli", risk.TestSpec{
				Divisions: c.By, TrainTo: c.TrainTo, TestTo: c.TestTo, Horizon: c.Horizon, Categories: c.Categories, MinEvents: c.MinEvents,
			}); err != nil {
				return err
			}
			if c.Queue {
				fmt.Printf("back-test %d is queued\n", id)
				return nil
			}
		}
		err = tests.Run(ctx, id, func(t *risk.Backtest) {
			fmt.Fprintf(os.Stderr, "back-test %d: %d of %d, %s\n", t.ID, t.Done, t.Total, t.Now)
		})
		if errors.Is(err, risk.ErrStopped) {
			fmt.Printf("stopped; go on with: onepicture risk backtest --resume %d\n", id)
			return nil
		}
		if err != nil {
			return err
		}
		return c.print(ctx, tests, id)
	})
}

func (c *backtestCmd) print(ctx context.Context, tests *risk.Backtests, id int) error {
	t, err := tests.Find(ctx, id)
	if err != nil {
		return err
	}
	var out io.Writer = os.Stdout
	if c.Write != "" {
		f, err := os.OpenFile(c.Write, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return fmt.Errorf("write the tables: %w", err)
		}
		defer f.Close()
		out = io.MultiWriter(out, f)
	}
	return t.Markdown(out)
}

// openBacktests runs on the database as it is now; of an invented city it knows the truth.
func openBacktests(ctx context.Context, pool *pgxpool.Pool) (*risk.Backtests, error) {
	tests := risk.NewBacktests(pool, func() (*risk.World, error) {
		w, err := store.ReadWorld(ctx, pool, true)
		if err != nil {
			return nil, err
		}
		return riskWorld(w), nil
	})
	w, err := store.ReadWorld(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	if tests.Truth, err = demo.TrueRates(ctx, pool, w.Deployment.Zone); err != nil {
		return nil, err
	}
	return tests, nil
}

// riskWorld is the part of the world that risk needs.
func riskWorld(w *store.World) *risk.World {
	out := &risk.World{Tree: w.Tree, Areas: w.Areas, Catalogue: w.Catalogue, Zone: w.Deployment.Zone}
	for _, s := range w.Sources {
		if s.Kind == "event" || s.Kind == "mixed" {
			out.Sources = append(out.Sources, risk.Source{
				ID: s.ID, Code: s.Code, Name: s.Name, NameEn: s.NameEn, Cadence: s.Cadence, LastAt: s.LastAt,
			})
		}
	}
	return out
}

// openRisk estimates from the store's picture, over the feed's connections.
func openRisk(feed *pgxpool.Pool, st *store.Store) (*risk.Live, *risk.Backtests) {
	world := func() *risk.World {
		if w := st.World(); w != nil {
			return riskWorld(w)
		}
		return nil
	}
	tests := risk.NewBacktests(feed, func() (*risk.World, error) {
		if w := world(); w != nil {
			return w, nil
		}
		return nil, st.Loading()
	})
	city := risk.City{World: world, Snapshot: st.Index().Snapshot, Changed: st.Index().Changed}
	return risk.NewLive(feed, ledger.New(feed), city, tests, time.Now), tests
}

// riskUpdate is what the estimate must know of a batch.
func riskUpdate(a store.Applied) risk.Update {
	u := risk.Update{Through: a.Batch.Through, At: a.Batch.At, Effects: a.Effects}
	for i := range a.Batch.Changes {
		switch a.Batch.Changes[i].Kind {
		case layers.KindPlace, layers.KindCatalogue:
			u.Configured = true
		}
	}
	return u
}

type signalsCmd struct {
	Years int       `help:"Quiet years, and outbreaks of each size." default:"200"`
	Units int       `help:"Places that are looked at together." default:"100"`
	Mean  []float64 `help:"Events a day of the median place; a table for each." default:"0.2,1,5" placeholder:"N"`
	Rate  float64   `help:"Stated rate of false discoveries." default:"0.05"`
	Days  int       `help:"Days that an outbreak lasts." default:"28"`
	Seed  uint64    `help:"Seed of the simulation." default:"1"`
}

// Run simulates and prints the tables.
func (c *signalsCmd) Run(ctx context.Context) error {
	if c.Years < 1 || c.Units < 1 || c.Days < 1 || c.Rate <= 0 || c.Rate >= 1 {
		return errors.New("--years, --units and --days must be more than 0, --rate between 0 and 1")
	}
	for _, mean := range c.Mean {
		if mean <= 0 || mean > 1000 {
			return errors.New("--mean must be more than 0 and at most 1000")
		}
		t := signal.Trial{Units: c.Units, Mean: mean, Size: 5, Years: c.Years, Rate: c.Rate, Seed: c.Seed, Spread: c.Days}
		if err := t.Markdown(ctx, os.Stdout); err != nil {
			return err
		}
		fmt.Println()
	}
	return nil
}
