package intake

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	sourceSQL      = sql.Text("intake/source.sql")
	putSourceSQL   = sql.Text("intake/put_source.sql")
	deptSQL        = sql.Text("intake/department.sql")
	interruptedSQL = sql.Text("intake/interrupted.sql")
	beginSQL       = sql.Text("intake/begin.sql")
	countSQL       = sql.Text("intake/count.sql")
	endSQL         = sql.Text("intake/end.sql")
	deliveredSQL   = sql.Text("intake/delivered.sql")
	anySQL         = map[layers.Kind]string{
		layers.KindPerson: sql.Text("intake/any_person.sql"),
		layers.KindSite:   sql.Text("intake/any_site.sql"),
		layers.KindEvent:  sql.Text("intake/any_event.sql"),
	}
)

var errDryRun = errors.New("dry run")

// prepareSource creates the source or updates what the mapping says of it, and ends runs of it that were killed.
func (r *run) prepareSource(ctx context.Context) error {
	_, err := r.Ledger.Write(ctx, ledger.Act{Actor: r.Actor, Reason: "import source"}, func(tx *ledger.Tx) error {
		if err := r.putSource(ctx, tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, interruptedSQL, r.source)
		if err != nil {
			return fmt.Errorf("end interrupted runs: %w", err)
		}
		r.interrupted = tag.RowsAffected() > 0
		if r.DryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return ledger.Problem("source", err)
	}
	if err := r.Pool.QueryRow(ctx, superuserSQL).Scan(&r.superuser); err != nil {
		return ledger.Problem("database", err)
	}
	if text, ok := anySQL[r.mapping.kind]; ok {
		if err := r.Pool.QueryRow(ctx, text, r.source).Scan(&r.match); err != nil {
			return ledger.Problem("source", err)
		}
	}
	return nil
}

// putSource leaves r.source with the source's id. It changes nothing when the source is as the mapping says.
func (r *run) putSource(ctx context.Context, tx *ledger.Tx) error {
	s, kind := r.mapping.Source, r.mapping.kind
	var department *int16
	if s.Department != "" {
		err := tx.QueryRow(ctx, deptSQL, s.Department).Scan(&department)
		if errors.Is(err, pgx.ErrNoRows) {
			return layers.Invalid("source.department", "there is no department %q in the catalogue", s.Department)
		}
		if err != nil {
			return fmt.Errorf("find department: %w", err)
		}
	}
	var old struct {
		kind string
		same bool
	}
	err := tx.QueryRow(ctx, sourceSQL, s.Code, s.Name, s.NameEn, department, r.mapping.Datum).Scan(&r.source, &old.kind, &old.same)
	switch {
	case err == nil && old.kind != string(kind) && old.kind != "mixed":
		return layers.Invalid("source.code", "the source %s delivers kind %s, not %s", s.Code, old.kind, kind)
	case err == nil && old.same:
		return nil
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("find source: %w", err)
	}
	err = tx.QueryRow(ctx, putSourceSQL, s.Code, s.Name, s.NameEn, department, string(kind), r.mapping.Datum).Scan(&r.source)
	if err != nil {
		return fmt.Errorf("put source: %w", err)
	}
	tx.Record(layers.Change{Kind: layers.KindCatalogue, Op: layers.OpPut, FeatureID: int64(r.source), Fields: []string{"source"}})
	return nil
}

func (r *run) begin(ctx context.Context, f *file, s *FileSummary) error {
	if r.DryRun {
		return nil
	}
	err := r.Pool.QueryRow(ctx, beginSQL, string(r.mapping.kind), r.source, f.name, f.sha, r.mapping.text).Scan(&s.RunID)
	return ledger.Problem("import run", err)
}

// count adds a chunk's counts to the run, in the chunk's transaction. A run that somebody has ended cannot go on.
func (r *run) count(ctx context.Context, tx pgx.Tx, id int64, s FileSummary) error {
	tag, err := tx.Exec(ctx, countSQL, id, s.Read, s.Put, s.Unchanged, s.Rejected, s.Outside, s.Overlapping, s.Repaired)
	if err != nil {
		return fmt.Errorf("count the run: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return errors.New("this import was taken for interrupted and another one has begun; it ends here")
	}
	return nil
}

// end writes how the run ended. The message bears no personal value.
func (r *run) end(ctx context.Context, s *FileSummary, failure error) error {
	switch {
	case failure == nil:
		s.State = "done"
		if s.Read != s.Total {
			s.Message = fmt.Sprintf("%d rows were read, %d when the file was checked: it was changed meanwhile", s.Read, s.Total)
		}
	case errors.Is(failure, context.Canceled) || errors.Is(failure, context.DeadlineExceeded):
		s.State = "cancelled"
		s.Message = fmt.Sprintf("cancelled after %d of %d rows; what was put stays, run the same import again to go on", s.Read, s.Total)
	default:
		s.State = "failed"
		s.Message = fmt.Sprintf("failed after %d of %d rows; what was put stays, run the same import again to go on", s.Read, s.Total)
	}
	if r.DryRun || s.RunID == 0 {
		return nil
	}
	if _, err := r.Pool.Exec(ctx, endSQL, s.RunID, s.State, s.Message); err != nil {
		return ledger.Problem("import run", err)
	}
	if failure == nil {
		if _, err := r.Pool.Exec(ctx, deliveredSQL, r.source); err != nil {
			return ledger.Problem("source", err)
		}
	}
	return nil
}
