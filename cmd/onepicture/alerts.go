package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/alert"
	"onepicture/layers/ledger"
)

// alerts imports CAP alerts and feeds that carry them. It prints what became of each, and ends with an error when a file
// could not be taken.
func (c *importCmd) alerts(ctx context.Context) error {
	if c.DryRun {
		return c.takeAlerts(func(doc alert.Document) ([]alert.Taken, error) {
			taken := make([]alert.Taken, len(doc.Alerts))
			for i := range doc.Alerts {
				taken[i] = alert.Taken{Reference: doc.Alerts[i].Reference, Outcome: alert.OutcomeNew, Notes: doc.Alerts[i].Notes}
			}
			return taken, nil
		})
	}
	return withDatabase(ctx, c.dataFlags, "onepicture import", func(ctx context.Context, pool *pgxpool.Pool) error {
		desk := alert.New(pool, ledger.New(pool))
		return c.takeAlerts(func(doc alert.Document) ([]alert.Taken, error) {
			taken, _, err := desk.Put(ctx, layers.Internal("import"), doc)
			return taken, err
		})
	})
}

func (c *importCmd) takeAlerts(put func(alert.Document) ([]alert.Taken, error)) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "file\tformat\tnew\tknown\tended\trefused\tlinked, not fetched\t")
	var details []string
	var failed error
	for _, path := range c.Files {
		name := filepath.Base(path)
		doc, err := readAlerts(path)
		var taken []alert.Taken
		if err == nil {
			taken, err = put(doc)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		fresh, ended := 0, 0
		for _, t := range taken {
			if t.Outcome == alert.OutcomeNew {
				fresh++
			}
			if t.Outcome == alert.OutcomeDiffers {
				details = append(details, fmt.Sprintf("%s: %s: another message of this name came before and is kept", name, t.Identifier))
			}
			ended += len(t.Ended)
			for _, note := range t.Notes {
				details = append(details, fmt.Sprintf("%s: %s: %s", name, t.Identifier, note))
			}
		}
		for _, r := range doc.Refused {
			details = append(details, fmt.Sprintf("%s: alert %d refused: %s", name, r.At, r.Reason))
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t\n", name, doc.Format, fresh, len(taken)-fresh, ended, len(doc.Refused), len(doc.Links))
	}
	_ = out.Flush() // to a terminal
	for _, d := range details {
		fmt.Println(d)
	}
	return failed
}

func readAlerts(path string) (alert.Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return alert.Document{}, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	return alert.Parse(f)
}
