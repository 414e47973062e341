package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/demo"
	"onepicture/layers/risk"
	"onepicture/layers/store"
)

// riskCmds are what can be asked of the estimate of risk.
type riskCmds struct {
	Backtest backtestCmd `cmd:"" help:"Hold the models against what came, and decide which terms are switched on."`
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
