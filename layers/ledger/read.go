package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"onepicture/layers"
)

// pageSize bounds the changes of one batch; a single transaction is never split.
const pageSize = 10_000

// queryer is what reading needs: a pool, a connection or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// horizon is what the database says of its running transactions at one moment.
type horizon struct {
	min layers.Position // every position below it is complete
	max layers.Position // no position from it on had begun
	at  time.Time
}

func (h *horizon) scan(row pgx.Row) error {
	var lo, hi int64
	err := row.Scan(&h.at, &lo, &hi)
	h.min, h.max = layers.Position(lo), layers.Position(hi)
	return err
}

// news reads the horizon and the complete changes after a position, in one round trip while they are few. It tells through
// which position it got; where that is below the horizon there are more.
func news(ctx context.Context, q queryer, after layers.Position, limit int) (h horizon, changes []layers.Change, through layers.Position, err error) {
	var b pgx.Batch
	b.Queue(horizonSQL).QueryRow(h.scan)
	b.Queue(changesSQL, after.String(), nil, limit).Query(func(rows pgx.Rows) (err error) {
		changes, err = pgx.CollectRows(rows, scanChange)
		return err
	})
	if err := q.SendBatch(ctx, &b).Close(); err != nil {
		return h, nil, after, fmt.Errorf("read news: %w", err)
	}
	if len(changes) == limit {
		changes, through, err = between(ctx, q, after, h.min-1, limit)
		return h, changes, through, err
	}
	n := sort.Search(len(changes), func(i int) bool { return changes[i].Position >= h.min })
	return h, changes[:n], max(after, h.min-1), nil
}

// between reads the changes after one position through another; when there are more than limit it stops at the end of
// the transaction that exceeds it and says through which position it got.
func between(ctx context.Context, q queryer, after, through layers.Position, limit int) ([]layers.Change, layers.Position, error) {
	if through <= after {
		return nil, max(after, through), nil
	}
	var cut *int64
	err := q.QueryRow(ctx, pageSQL, after.String(), through.String(), limit-1).Scan(&cut)
	if err != nil {
		return nil, after, fmt.Errorf("page changes: %w", err)
	}
	if cut != nil {
		through = layers.Position(*cut)
	}
	rows, err := q.Query(ctx, changesSQL, after.String(), (through + 1).String(), nil)
	if err != nil {
		return nil, after, fmt.Errorf("read changes: %w", err)
	}
	changes, err := pgx.CollectRows(rows, scanChange)
	if err != nil {
		return nil, after, fmt.Errorf("read changes: %w", err)
	}
	return changes, through, nil
}

func scanChange(row pgx.CollectableRow) (layers.Change, error) {
	var c layers.Change
	var position int64
	var kind, op string
	var ids *string
	var oldGeom, newGeom orb.Geometry
	var oldPlace, newPlace int32
	var oldLayers, newLayers *int64
	var record []byte
	var oldDepartment, newDepartment int16
	err := row.Scan(&c.Seq, &position, &c.At, &c.Actor, &c.Reason, &c.ClientKey, &kind, &op, &c.FeatureID,
		&ids, &oldGeom, &newGeom, &oldPlace, &newPlace, &oldLayers, &newLayers, &record, &c.Fields, &oldDepartment, &newDepartment)
	if err != nil {
		return c, err
	}
	c.Position, c.Kind, c.Op = layers.Position(position), layers.Kind(kind), layers.Op(op)
	c.Old, c.New = location(oldGeom, oldPlace, oldLayers, oldDepartment), location(newGeom, newPlace, newLayers, newDepartment)
	if ids != nil {
		if c.IDs, err = parseRanges(*ids); err != nil {
			return c, err
		}
	}
	if record != nil {
		c.Record = new(layers.Record)
		if err := json.Unmarshal(record, c.Record); err != nil {
			return c, fmt.Errorf("change %d: record: %w", c.Seq, err)
		}
	}
	return c, nil
}

func location(g orb.Geometry, place int32, bits *int64, department int16) *layers.Location {
	if bits == nil {
		return nil
	}
	l := &layers.Location{Geom: g, Place: layers.PlaceID(place), Layers: uint64(*bits), Department: department}
	if g != nil {
		if _, point := g.(orb.Point); !point {
			l.Geom = g.Bound()
		}
	}
	return l
}

// rangesText is a multirange literal of inclusive ranges.
func rangesText(ids []layers.IDRange) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, r := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "[%d,%d]", r.First, r.Last)
	}
	b.WriteByte('}')
	return b.String()
}

// parseRanges reads PostgreSQL's canonical form {[a,b),…}.
func parseRanges(s string) ([]layers.IDRange, error) {
	body := strings.TrimSuffix(strings.TrimPrefix(s, "{"), "}")
	if body == "" {
		return nil, nil
	}
	var out []layers.IDRange
	for _, part := range strings.Split(body, "),") {
		lo, hi, ok := strings.Cut(strings.Trim(part, "[)"), ",")
		first, err1 := strconv.ParseInt(lo, 10, 64)
		end, err2 := strconv.ParseInt(hi, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return nil, fmt.Errorf("id ranges %q are not canonical", s)
		}
		out = append(out, layers.IDRange{First: first, Last: end - 1})
	}
	return out, nil
}
