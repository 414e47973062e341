package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/catalogue"
	"onepicture/layers/ledger"
)

type itemsCmd struct {
	Import itemsImportCmd `cmd:"" help:"Bring the items of a file in, all or none; what differs makes a new version."`
	Export itemsExportCmd `cmd:"" help:"Write the latest versions of all items to a file."`
}

type itemsImportCmd struct {
	dataFlags
	File   string `arg:"" help:"XLSX or CSV (docs/catalogue.md)." type:"existingfile"`
	DryRun bool   `help:"Look only."`
	From   string `help:"First day of new versions; today when not given." placeholder:"YYYY-MM-DD"`
}

// Run prints what it did, or every fault of the file.
func (c *itemsImportCmd) Run(ctx context.Context) error {
	in := catalogue.Import{File: filepath.Base(c.File), Dry: c.DryRun}
	var err error
	if in.Body, err = os.ReadFile(c.File); err != nil {
		return err
	}
	if c.From != "" {
		if in.From, err = time.Parse(time.DateOnly, c.From); err != nil {
			return errors.New("--from is not a date such as 2026-12-31")
		}
	}
	return withDatabase(ctx, c.dataFlags, "onepicture items", func(ctx context.Context, pool *pgxpool.Pool) error {
		o, err := catalogue.NewKeeper(pool, ledger.New(pool)).Import(ctx, layers.Internal("items"), in)
		if err != nil {
			return err
		}
		for _, f := range o.Faults {
			fmt.Println(f.Error())
		}
		if n := len(o.Faults); n > 0 {
			return fmt.Errorf("nothing was written: %d faults", n)
		}
		mode := ""
		if c.DryRun {
			mode = " (a dry run: nothing was written)"
		}
		fmt.Printf("items: %d added, %d changed, %d ended or taken back, %d unchanged%s\n", o.Added, o.Changed, o.Ended, o.Same, mode)
		return nil
	})
}

type itemsExportCmd struct {
	dataFlags
	File string `arg:"" help:"A file whose name ends in .xlsx or .csv." type:"path"`
}

// Run writes the file; one that is there is replaced.
func (c *itemsExportCmd) Run(ctx context.Context) error {
	write, workbook := catalogue.WriteCSV, strings.HasSuffix(c.File, ".xlsx")
	if workbook {
		write = catalogue.WriteXLSX
	} else if !strings.HasSuffix(c.File, ".csv") {
		return errors.New("the file's name must end in .xlsx or .csv")
	}
	return withDatabase(ctx, c.dataFlags, "onepicture items", func(ctx context.Context, pool *pgxpool.Pool) (err error) {
		rows, err := catalogue.NewKeeper(pool, ledger.New(pool)).Rows(ctx, layers.Internal("items"), workbook)
		if err != nil {
			return err
		}
		f, err := os.Create(c.File)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		return write(f, rows)
	})
}
