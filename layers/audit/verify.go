package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers/ledger"
	"onepicture/sql"
)

var (
	allSQL      = sql.Text("audit/all.sql")
	readHeadSQL = sql.Text("audit/read_head.sql")
)

// mostFindings bounds a report: a chain that was rewritten fails at each row.
const mostFindings = 100

// Finding is a place where the chain is not as it was written.
type Finding struct {
	Kind        string // changed, swapped, removed, unlinked, truncated, rewritten, head
	First, Last int64  // rows
	Words       string
}

// Report is what a verification found.
type Report struct {
	Rows     int64
	From     int64 // number of the first row
	Dropped  int64 // rows before it, gone by the rule of retention, as the chain itself tells
	Anchors  int   // heads outside the database that were compared
	Head     Head
	Findings []Finding
	More     bool // there were more findings than are told
}

// Whole tells that nothing was found.
func (r *Report) Whole() bool { return len(r.Findings) == 0 }

func (r *Report) find(kind string, first, last int64, format string, args ...any) {
	if len(r.Findings) >= mostFindings {
		r.More = true
		return
	}
	r.Findings = append(r.Findings, Finding{kind, first, last, fmt.Sprintf(format, args...)})
}

// verifier walks along the chain.
type verifier struct {
	report  *Report
	last    Head
	began   bool
	first   [32]byte           // what the first row says of the one before it
	anchors map[int64][32]byte // not met yet
	dropped map[int64][32]byte // heads that retention left behind
	odd     []Row              // rows that are not what their hash says
}

// Verify reads the whole chain in one snapshot, computes each hash anew and compares the end with the head in the
// database and with the heads outside. It finds rows that were changed, swapped, removed within or at the end, and a
// chain that was rewritten. About 400,000 rows a second; memory does not grow with them.
func Verify(ctx context.Context, pool *pgxpool.Pool, anchors []Head, progress func(rows int64)) (*Report, error) {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, ledger.Problem("audit", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it only reads
	v := &verifier{report: &Report{}, anchors: map[int64][32]byte{}, dropped: map[int64][32]byte{}}
	for _, h := range anchors {
		if old, ok := v.anchors[h.Seq]; ok && old != h.Hash {
			v.report.find("rewritten", h.Seq, h.Seq, "two heads outside the database tell different things of row %d", h.Seq)
		}
		v.anchors[h.Seq] = h.Hash
	}
	v.report.Anchors = len(v.anchors)
	var head Head
	var hash []byte
	if err := tx.QueryRow(ctx, readHeadSQL).Scan(&head.Seq, &head.At, &hash); err != nil {
		return nil, ledger.Problem("audit's head", err)
	}
	copy(head.Hash[:], hash)
	err = each(ctx, tx, Span{}, func(r *Row) error {
		v.row(r)
		if progress != nil && v.report.Rows%10_000 == 0 {
			progress(v.report.Rows)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v.end(head)
	return v.report, nil
}

// row compares one row with the one before it and with itself.
func (v *verifier) row(r *Row) {
	v.report.Rows++
	switch {
	case !v.began:
		v.began, v.first, v.report.From, v.report.Dropped = true, r.Previous, r.Seq, r.Seq-1
	case r.Seq != v.last.Seq+1:
		v.report.find("removed", v.last.Seq+1, r.Seq-1, "rows %d to %d are missing", v.last.Seq+1, r.Seq-1)
	case r.Previous != v.last.Hash:
		v.report.find("unlinked", r.Seq, r.Seq, "row %d does not follow row %d", r.Seq, v.last.Seq)
	}
	if r.digest() != r.Hash {
		v.report.find("changed", r.Seq, r.Seq, "row %d is not what was recorded", r.Seq)
		if len(v.odd) < mostFindings {
			v.odd = append(v.odd, *r)
		}
	}
	if want, ok := v.anchors[r.Seq]; ok {
		delete(v.anchors, r.Seq)
		if want != r.Hash {
			v.report.find("rewritten", r.Seq, r.Seq, "row %d is not the one whose hash is kept outside the database", r.Seq)
		}
	}
	if r.What == Retention {
		if seq, hash, ok := parseThrough(r.Filter); ok {
			v.dropped[seq] = hash
		}
	}
	v.last = r.head()
}

// end looks at both ends of the chain and explains rows that changed places.
func (v *verifier) end(head Head) {
	r := v.report
	r.Head = v.last
	if r.From > 1 {
		if hash, ok := v.dropped[r.From-1]; !ok || hash != v.first {
			r.find("removed", 1, r.From-1, "rows 1 to %d are missing, and no run of the retention tells of it", r.From-1)
		}
	}
	switch {
	case v.last.Seq < head.Seq:
		r.find("truncated", v.last.Seq+1, head.Seq, "rows %d to %d at the end are missing", v.last.Seq+1, head.Seq)
	case v.last.Seq != head.Seq || v.last.Hash != head.Hash:
		r.find("head", head.Seq, v.last.Seq, "the last row is %d, but the head in the database is another", v.last.Seq)
	}
	for seq := range v.anchors {
		if seq > v.last.Seq && seq > head.Seq {
			r.find("truncated", v.last.Seq+1, seq, "rows up to %d were there once: their hash is kept outside the database", seq)
		} else if seq >= r.From && seq <= v.last.Seq {
			r.find("removed", seq, seq, "row %d was there once: its hash is kept outside the database", seq)
		}
	}
	v.swaps()
}

// swaps tells of changed rows which are whole but for their number: they were put in each other's place.
func (v *verifier) swaps() {
	for i := range v.odd {
		for j := range v.odd {
			moved := v.odd[i]
			moved.Seq, moved.Previous = v.odd[j].Seq, v.odd[j].Previous
			moved.At = v.odd[j].At
			atOwn := v.odd[i]
			atOwn.Seq = v.odd[j].Seq
			if i != j && (moved.digest() == v.odd[j].Hash || atOwn.digest() == atOwn.Hash) {
				v.report.find("swapped", v.odd[i].Seq, v.odd[j].Seq, "row %d holds what was recorded as row %d", v.odd[i].Seq, v.odd[j].Seq)
			}
		}
	}
}

// parseThrough reads what a run of the retention leaves in the chain: the last row that went, and its hash.
func parseThrough(s string) (seq int64, hash [32]byte, ok bool) {
	_, rest, found := strings.Cut(s, "through=")
	number, text, found2 := strings.Cut(rest, " hash=")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !found || !found2 || err != nil || len(text) != 64 {
		return 0, hash, false
	}
	for i := range hash {
		b, err := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
		if err != nil {
			return 0, hash, false
		}
		hash[i] = byte(b)
	}
	return seq, hash, true
}
