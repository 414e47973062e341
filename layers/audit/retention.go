package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql"
)

var (
	rulesSQL         = sql.Text("retention/rules.sql")
	thereSQL         = sql.Text("retention/there.sql")
	ranSQL           = sql.Text("retention/run.sql")
	retentionLockSQL = sql.Text("retention/lock.sql")
	lastOverSQL      = sql.Text("retention/last_over.sql")
	lastRunsSQL      = sql.Text("retention/last_runs.sql")
)

// rule is how the database counts and forgets a kind: functions of the migrations, named here and nowhere made of text
// that comes from outside.
type rule struct{ over, count, forget string }

var rules = map[string]rule{
	"audit":       {"audit_over", "select audit_over($1, $2)", "select audit_forget($1, $2)"},
	"instruction": {"instruction_over", "select instruction_over($1, $2)", "select instruction_forget($1, $2)"},
	"position":    {"position_over", "select position_over($1, $2)", "select position_forget($1, $2)"},
	"reporter":    {"reporter_over", "select reporter_over($1, $2)", "select reporter_forget($1, $2)"},
	"session":     {"sessions_over", "select sessions_over($1, $2)", "select sessions_forget($1, $2)"},
	"unmask":      {"unmask_over", "select unmask_over($1, $2)", "select unmask_forget($1, $2)"},
}

// Forgotten tells of one rule: how many rows were over before, how many went, and how many are over now.
type Forgotten struct {
	Kind, Name, NameEn string
	Keep               time.Duration // a year as 365.25 days, a month as 30
	Over, Gone, Stayed int64
}

// LastRun is a rule with what its last run that found something did.
type LastRun struct {
	Forgotten
	At time.Time // zero: none has found anything yet
}

// LastRuns are the rules of retention, by kind.
func (l *Log) LastRuns(ctx context.Context) ([]LastRun, error) {
	rows, err := l.pool.Query(ctx, lastRunsSQL)
	if err != nil {
		return nil, fmt.Errorf("read the rules of retention: %w", err)
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (f LastRun, err error) {
		var seconds int64
		var at *time.Time
		err = r.Scan(&f.Kind, &seconds, &f.Name, &f.NameEn, &at, &f.Over, &f.Gone, &f.Stayed)
		f.Keep = time.Duration(seconds) * time.Second
		if at != nil {
			f.At = *at
		}
		return f, err
	})
}

// ErrRetention says that another program is at it.
var ErrRetention = errors.New("another program is forgetting what is over: let it end")

// Forget forgets by every rule of the table what is over at that moment, records it, and tells what it did. With dry it
// only counts. Each rule is one transaction. Of the audit whole months go; the chain keeps a word of the last row that
// went, so that the rest is still proven.
func (l *Log) Forget(ctx context.Context, owner *pgxpool.Pool, at time.Time, dry bool) ([]Forgotten, error) {
	type kept struct {
		Forgotten
		keep pgtype.Interval
	}
	rows, err := owner.Query(ctx, rulesSQL)
	if err != nil {
		return nil, fmt.Errorf("read the rules of retention: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (k kept, err error) {
		var seconds int64
		err = r.Scan(&k.Kind, &k.keep, &seconds, &k.Name, &k.NameEn)
		k.Keep = time.Duration(seconds) * time.Second
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of retention: %w", err)
	}
	var out []Forgotten
	for _, k := range list {
		r, known := rules[k.Kind]
		var there bool
		if err := owner.QueryRow(ctx, thereSQL, r.over).Scan(&there); err != nil {
			return out, fmt.Errorf("forget %s: %w", k.Kind, err)
		}
		if !known || !there {
			continue
		}
		f := k.Forgotten
		if err := l.forget(ctx, owner, at, r, k.keep, &f, dry); err != nil {
			return out, fmt.Errorf("forget %s: %w", k.Kind, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func (l *Log) forget(ctx context.Context, owner *pgxpool.Pool, at time.Time, r rule, keep pgtype.Interval, f *Forgotten, dry bool) error {
	tx, err := owner.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after Commit it does nothing
	var mine bool
	if err := tx.QueryRow(ctx, retentionLockSQL).Scan(&mine); err != nil {
		return err
	}
	if !mine {
		return ErrRetention
	}
	if err := tx.QueryRow(ctx, r.count, at, keep).Scan(&f.Over); err != nil {
		return err
	}
	f.Stayed = f.Over
	if dry || f.Over == 0 {
		return nil
	}
	word := ""
	if f.Kind == "audit" {
		var seq int64
		var hash []byte
		if err := tx.QueryRow(ctx, lastOverSQL, at, keep).Scan(&seq, &hash); err != nil {
			return err
		}
		word = fmt.Sprintf("through=%d hash=%s", seq, hex.EncodeToString(hash))
	}
	// Recorded first: what went without a word would look like a theft.
	if err := l.Record(ctx, Entry{Actor: "retention", What: Retention, Subject: f.Kind, Filter: word, Rows: f.Over}); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, r.forget, at, keep).Scan(&f.Gone); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, r.count, at, keep).Scan(&f.Stayed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, ranSQL, f.Kind, f.Over, f.Gone, f.Stayed); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
