package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/audit"
	"onepicture/layers/personal"
	"onepicture/sql"
)

// headsPath is where the heads of the audit are kept outside the database.
func (f dataFlags) headsPath() string { return filepath.Join(f.Data, "audit-heads") }

// openAudit is the log of this server with connections of its own: who is to be recorded never waits for those who only
// look. end is for when the log has ended.
func (f dataFlags) openAudit(ctx context.Context, url string, keys *personal.Keys) (_ *audit.Log, end func() error, err error) {
	heads, err := audit.OpenAnchors(f.headsPath(), keys.AuditKey())
	if err != nil {
		return nil, nil, err
	}
	o := sql.Serving("onepicture audit")
	o.MaxConns = 3
	pool, err := sql.Open(ctx, url, o)
	if err != nil {
		return nil, nil, errors.Join(err, heads.Close())
	}
	return audit.New(pool, heads), func() error { pool.Close(); return heads.Close() }, nil
}

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Compute the chain anew and find rows that were changed, removed, swapped or added."`
	Export auditExportCmd `cmd:"" help:"Print the rows of a time as CSV, with all that is needed to verify them elsewhere."`
}

type auditVerifyCmd struct {
	dataFlags
}

// Run verifies, tells what was found, and fails when there is something.
func (c *auditVerifyCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture audit", func(ctx context.Context, pool *pgxpool.Pool) error {
		heads, err := c.heads(ctx, pool)
		if err != nil {
			return err
		}
		began := time.Now()
		r, err := audit.Verify(ctx, pool, heads, nil)
		if err != nil {
			return err
		}
		fmt.Printf("audit: %s rows, %d to %d, %d heads outside the database compared, %s\n", grouped(r.Rows), r.From, r.Head.Seq,
			r.Anchors, time.Since(began).Round(time.Millisecond))
		if r.Dropped > 0 {
			fmt.Printf("rows 1 to %d went by the rule of retention\n", r.Dropped)
		}
		for _, f := range r.Findings {
			fmt.Printf("%-10s %s\n", f.Kind, f.Words)
		}
		switch {
		case r.More:
			return errors.New("the audit is not as it was written; there is more than is told here")
		case !r.Whole():
			return errors.New("the audit is not as it was written")
		}
		fmt.Println("the chain is whole")
		return nil
	})
}

// heads are those outside the database; none without the keys by which they are signed, and that is said.
func (c *auditVerifyCmd) heads(ctx context.Context, pool *pgxpool.Pool) ([]audit.Head, error) {
	if !personal.Exists(c.keyPath()) {
		fmt.Fprintf(os.Stderr, "%s is not there: the heads outside the database cannot be compared\n", c.keyPath())
		return nil, nil
	}
	keys, err := c.openKeys(ctx, pool, false)
	if err != nil {
		return nil, err
	}
	return audit.ReadAnchors(c.headsPath(), keys.AuditKey())
}

type auditExportCmd struct {
	dataFlags
	From time.Time `help:"At that time or later." placeholder:"2026-01-31T08:00:00Z"`
	To   time.Time `help:"Before that time." placeholder:"2026-01-31T08:00:00Z"`
}

// Run prints them.
func (c *auditExportCmd) Run(ctx context.Context) error {
	return withDatabase(ctx, c.dataFlags, "onepicture audit", func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := audit.WriteCSV(ctx, pool, audit.Span{From: c.From, To: c.To}, os.Stdout)
		return err
	})
}
