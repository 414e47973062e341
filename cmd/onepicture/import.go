package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/intake"
	"onepicture/layers/ledger"
)

type importCmd struct {
	dataFlags
	Kind    string   `arg:"" help:"places, people, sites, events or alerts."`
	Files   []string `arg:"" help:"Files: CSV, GeoJSON, TopoJSON, Shapefile, XLSX; .gz and .zip as they come. Alerts: CAP, Atom, RSS, EDXL." type:"existingfile"`
	Mapping string   `help:"Mapping of the files' columns: a TOML file (docs/import.md); alerts need none." type:"existingfile" placeholder:"M.toml"`
	DryRun  bool     `help:"Do everything but keep nothing."`
	Reports string   `help:"Folder for the reports of rejected rows; beside each file when not given." type:"path" placeholder:"DIR"`
}

// Run imports and prints a summary that adds up. It ends with an error only when a file could not be taken; rejected
// rows are told and reported.
func (c *importCmd) Run(ctx context.Context) error {
	if c.Kind == "alerts" {
		return c.alerts(ctx)
	}
	kind, err := layers.ParseKind(c.Kind)
	if err != nil {
		return err
	}
	if c.Mapping == "" {
		return errors.New("--mapping is missing: the mapping of the files' columns (docs/import.md)")
	}
	mapping, err := intake.LoadMapping(c.Mapping)
	if err != nil {
		return err
	}
	return withDatabase(ctx, c.dataFlags, "onepicture import", func(ctx context.Context, pool *pgxpool.Pool) error {
		keys, err := c.openKeys(ctx, pool, false)
		if err != nil {
			return err
		}
		var b *bar
		what := ""
		s, err := intake.Run(ctx, intake.Deps{Pool: pool, Ledger: ledger.New(pool), Keys: keys}, intake.Options{
			Kind: kind, Files: c.Files, Mapping: mapping, DryRun: c.DryRun, ReportDir: c.Reports,
			Progress: func(p intake.Progress) {
				name := "importing " + p.File
				part, whole := p.Rows, p.Total
				if p.Checking {
					name, part, whole = "checking "+p.File, p.Bytes, p.Size
				}
				if name != what {
					if b != nil {
						b.end()
					}
					what, b = name, newBar(name)
				}
				b.show(part, whole, p.Rows)
			},
		})
		if b != nil {
			b.end()
		}
		printSummary(os.Stdout, s)
		return err
	})
}

// printSummary shows what became of every row; each line and the sum add up.
func printSummary(w io.Writer, s intake.Summary) {
	if len(s.Files) == 0 {
		return
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "file\tread\tput\tnew\tchanged\tunchanged\trejected\tin no place\toverlapping\trepaired\t")
	line := func(f intake.FileSummary) {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", f.File, grouped(f.Read), grouped(f.Put), grouped(f.New),
			grouped(f.Changed), grouped(f.Unchanged), grouped(f.Rejected), grouped(f.Outside), grouped(f.Overlapping), grouped(f.Repaired))
	}
	for _, f := range s.Files {
		line(f)
	}
	total := s.Total()
	if len(s.Files) > 1 {
		line(total)
	}
	_ = out.Flush() // to a terminal
	for _, class := range slices.Sorted(maps.Keys(total.Faults)) {
		fmt.Fprintf(w, "rejected, %s: %s\n", class, grouped(total.Faults[class]))
	}
	for _, kind := range slices.Sorted(maps.Keys(total.Repairs)) {
		fmt.Fprintf(w, "repaired, %s: %s\n", kind, grouped(total.Repairs[kind]))
	}
	if total.Twice > 0 {
		fmt.Fprintf(w, "local times that came twice that day (the first was taken): %s\n", grouped(total.Twice))
	}
	if s.Moved > 0 {
		fmt.Fprintf(w, "features that lie in another place since: %s\n", grouped(s.Moved))
	}
	for _, n := range s.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	for _, f := range s.Files {
		if f.Report != "" {
			fmt.Fprintln(w, "report:", f.Report)
		}
		if f.Message != "" {
			fmt.Fprintf(w, "%s: %s: %s\n", f.File, f.State, f.Message)
		}
	}
	rate := float64(total.Read) / max(s.Elapsed.Seconds(), 0.001)
	mode := ""
	if s.DryRun {
		mode = "; a dry run: nothing was kept"
	}
	fmt.Fprintf(w, "%s: read %s = put %s + unchanged %s + rejected %s, in %s (%s rows/s)%s\n", strings.TrimSpace(string(s.Kind)),
		grouped(total.Read), grouped(total.Put), grouped(total.Unchanged), grouped(total.Rejected),
		s.Elapsed.Round(10*time.Millisecond), grouped(int64(rate)), mode)
}
