package intake

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql"
)

var (
	knownSQL = map[layers.Kind]string{
		layers.KindPerson: sql.Text("intake/known_person.sql"),
		layers.KindSite:   sql.Text("intake/known_site.sql"),
		layers.KindEvent:  sql.Text("intake/known_event.sql"),
	}
	idsSQL = map[layers.Kind]string{
		layers.KindPerson: sql.Text("intake/ids_person.sql"),
		layers.KindSite:   sql.Text("intake/ids_site.sql"),
		layers.KindEvent:  sql.Text("intake/ids_event.sql"),
	}
)

// put writes one chunk in one transaction: new rows by COPY, changed ones through a staging table, the rows set
// aside, the counts of the run and one change in the ledger. The counts are of this chunk.
func (r *run) put(ctx context.Context, chunk []prepared, runID int64) (FileSummary, error) {
	var s FileSummary
	_, err := r.Ledger.Write(ctx, ledger.Act{Actor: r.Actor, Reason: "import " + r.mapping.Source.Code}, func(tx *ledger.Tx) error {
		s = FileSummary{Repairs: map[string]int64{}, Faults: map[string]int64{}}
		if err := r.cut("begun"); err != nil {
			return err
		}
		if r.DryRun {
			if err := r.putSource(ctx, tx); err != nil {
				return err
			}
		}
		added, changed, err := r.sort(ctx, tx, chunk, &s)
		if err != nil {
			return err
		}
		err = r.checked(ctx, tx.Tx, slices.Concat(added, changed), func() error { return r.write(ctx, tx, added, changed) })
		if err != nil {
			return err
		}
		if r.DryRun {
			return errDryRun
		}
		if err := putRejects(ctx, tx, runID, chunk); err != nil {
			return err
		}
		if err := r.cut("written"); err != nil {
			return err
		}
		return r.count(ctx, tx.Tx, runID, s)
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	if err == nil {
		err = r.cut("committed")
	}
	return s, explain(err)
}

// cut is where tests interrupt.
func (r *run) cut(stage string) error {
	if r.between == nil {
		return nil
	}
	return r.between(stage)
}

// explain translates the database's errors and those of the connection once; our own sentences and cancellations pass.
func explain(err error) error {
	var pg *pgconn.PgError
	var network net.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pg), errors.As(err, &network), pgconn.SafeToRetry(err), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ledger.Problem("chunk", err)
	}
	return err
}

// sort tells new, changed and unchanged rows apart by key and digest; new and changed rows get their ids and source.
func (r *run) sort(ctx context.Context, tx pgx.Tx, chunk []prepared, s *FileSummary) (added, changed []*prepared, err error) {
	live := make([]*prepared, 0, len(chunk))
	for i := range chunk {
		p := &chunk[i]
		s.Read++
		switch {
		case p.fault != nil:
			s.Rejected++
			s.Faults[p.fault.class]++
			continue
		case p.data == nil:
			s.Unchanged++
		default:
			live = append(live, p)
		}
		s.count(p)
	}
	slices.SortFunc(live, func(a, b *prepared) int {
		if a.order < b.order {
			return -1
		}
		if a.order > b.order {
			return 1
		}
		return strings.Compare(a.key, b.key)
	})
	added = live
	if r.match {
		if added, changed, err = r.known(ctx, tx, live); err != nil {
			return nil, nil, err
		}
	}
	s.New, s.Changed = int64(len(added)), int64(len(changed))
	s.Put = s.New + s.Changed
	s.Unchanged += int64(len(live)) - s.Put
	if err := r.number(ctx, tx, added); err != nil {
		return nil, nil, err
	}
	sealer := r.Keys.Sealer()
	for _, list := range [...][]*prepared{added, changed} {
		for _, p := range list {
			if err := p.seal(sealer); err != nil {
				return nil, nil, err
			}
		}
	}
	return added, changed, nil
}

// known finds which rows the source has already.
func (r *run) known(ctx context.Context, tx pgx.Tx, live []*prepared) (added, changed []*prepared, err error) {
	keys := make([]string, len(live))
	for i, p := range live {
		keys[i] = p.key
	}
	rows, err := tx.Query(ctx, knownSQL[r.mapping.kind], r.source, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("find known rows: %w", err)
	}
	found := make([]bool, len(live))
	var n int
	var id int64
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &id, &hash}, func() error {
		found[n] = true
		if !bytes.Equal(hash, live[n].hash[:]) {
			live[n].stamp(id, r.source)
			changed = append(changed, live[n])
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("find known rows: %w", err)
	}
	for i, p := range live {
		if !found[i] {
			added = append(added, p)
		}
	}
	return added, changed, nil
}

// number gives new rows their ids, in the order in which they are written.
func (r *run) number(ctx context.Context, tx pgx.Tx, added []*prepared) error {
	if len(added) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, idsSQL[r.mapping.kind], len(added))
	if err != nil {
		return fmt.Errorf("take ids: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("take ids: %w", err)
	}
	slices.Sort(ids)
	for i, p := range added {
		p.stamp(ids[i], r.source)
	}
	return nil
}

func (p *prepared) stamp(id int64, source int32) {
	binary.BigEndian.PutUint64(p.data[atID:], uint64(id))
	binary.BigEndian.PutUint32(p.data[atSource:], uint32(source))
}

// seal makes what is personal in the tuple unreadable, now that the row's id, to which it is bound, is known.
func (p *prepared) seal(s personal.Sealer) error {
	for _, v := range p.secrets {
		b, err := s.Seal(v.column, p.id(), p.data[v.at:v.at+v.size])
		if err != nil {
			return err
		}
		if len(b) != v.size+personal.Overhead {
			return fmt.Errorf("seal %s: %d bytes became %d", v.column, v.size, len(b))
		}
		copy(p.data[v.at:], b)
	}
	if p.sealed {
		binary.BigEndian.PutUint64(p.data[len(p.data)-8:], uint64(s.Key()))
	}
	return nil
}

func (p *prepared) id() int64 { return int64(binary.BigEndian.Uint64(p.data[atID:])) }

func (r *run) write(ctx context.Context, tx *ledger.Tx, added, changed []*prepared) error {
	t := tables[r.mapping.kind]
	if len(added) > 0 {
		if err := copyIn(ctx, tx.Tx, t.name, t.columns, added); err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		if err := update(ctx, tx.Tx, t, changed); err != nil {
			return err
		}
	}
	if len(added)+len(changed) > 0 {
		tx.Record(layers.Change{Kind: r.mapping.kind, Op: layers.OpBatch, IDs: ranges(added, changed)})
	}
	return nil
}

// copyIn sends tuples as they are: they were encoded by the workers, so this costs a copy of memory.
func copyIn(ctx context.Context, tx pgx.Tx, table string, columns []string, rows []*prepared) error {
	size := len(copyHeader) + len(copyTrailer)
	for _, p := range rows {
		size += len(p.data)
	}
	b := make([]byte, 0, size)
	b = append(b, copyHeader...)
	for _, p := range rows {
		b = append(b, p.data...)
	}
	b = append(b, copyTrailer...)
	text := "copy " + pgx.Identifier{table}.Sanitize() + " (" + strings.Join(columns, ", ") + ") from stdin (format binary)"
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(b), text); err != nil {
		return fmt.Errorf("copy %d rows into %s: %w", len(rows), table, err)
	}
	return nil
}

// update puts changed rows through a temporary table of the same form. These texts are built here from the columns
// of the tuples, because a query over a temporary table cannot be planned against the schema alone.
func update(ctx context.Context, tx pgx.Tx, t table, rows []*prepared) error {
	stage := "stage_" + t.name
	create := "create temporary table if not exists " + stage + " on commit delete rows as select " +
		strings.Join(t.columns, ", ") + " from " + t.name + " with no data"
	if _, err := tx.Exec(ctx, create); err != nil {
		return fmt.Errorf("create %s: %w", stage, err)
	}
	if err := copyIn(ctx, tx, stage, t.columns, rows); err != nil {
		return err
	}
	var set []string
	for _, c := range t.columns[3:] { // after id, source and key
		if c == "department_id" { // it may have been given to another since
			set = append(set, "department_id = case when t.item_id is distinct from s.item_id then s.department_id else t.department_id end")
			continue
		}
		set = append(set, c+" = s."+c)
	}
	set = append(set, "position = pg_current_xact_id()")
	if t.name == "event" {
		set = append(set, "version = t.version + 1")
	}
	text := "update " + t.name + " t set " + strings.Join(set, ", ") + " from " + stage + " s where t.id = s.id"
	tag, err := tx.Exec(ctx, text)
	if err != nil {
		return fmt.Errorf("update %s: %w", t.name, err)
	}
	if int(tag.RowsAffected()) != len(rows) {
		return fmt.Errorf("update %s: a row vanished meanwhile; run the import again", t.name)
	}
	return nil
}

// ranges are the ids of both, joined where they are consecutive.
func ranges(lists ...[]*prepared) []layers.IDRange {
	var ids []int64
	for _, l := range lists {
		for _, p := range l {
			ids = append(ids, p.id())
		}
	}
	return rangesOf(ids)
}

func rangesOf(ids []int64) []layers.IDRange {
	slices.Sort(ids)
	var out []layers.IDRange
	for _, id := range ids {
		if n := len(out); n > 0 && out[n-1].Last+1 == id {
			out[n-1].Last = id
		} else {
			out = append(out, layers.IDRange{First: id, Last: id})
		}
	}
	return out
}
