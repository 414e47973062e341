package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/sql/sqltest"
)

var testKey = []byte("a key that the database does not hold")

// tamper runs SQL as somebody who has all rights on the database and switches its guards off.
func tamper(t *testing.T, pool *pgxpool.Pool, texts ...string) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, text := range append([]string{"set session_replication_role = replica"}, texts...) {
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if _, err := conn.Exec(t.Context(), "reset session_replication_role"); err != nil {
		t.Fatal(err)
	}
}

// rewrite computes the whole chain and the head anew, as somebody would who knows how it is made.
func rewrite(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	var rows []Row
	if err := each(t.Context(), pool, Span{}, func(r *Row) error { rows = append(rows, *r); return nil }); err != nil {
		t.Fatal(err)
	}
	var last Head
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	exec := func(text string, args ...any) {
		if _, err := conn.Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("set session_replication_role = replica")
	for i := range rows {
		r := &rows[i]
		old := r.Seq
		r.Seq, r.Previous = last.Seq+1, last.Hash
		r.Hash = r.digest()
		last = r.head()
		exec("update audit set seq = $2, previous = $3, hash = $4 where seq = $1", old, r.Seq, r.Previous[:], r.Hash[:])
	}
	exec("update audit_head set seq = $1, at = $2, hash = $3", last.Seq, last.At, last.Hash[:])
	exec("reset session_replication_role")
}

// Each kind of tampering with a chain of 40 rows is found, and named.
func TestTampering(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, pool *pgxpool.Pool)
		want []string // kinds, at least one of which must be found; none: the chain must be whole
		rows string   // "first-last" of a finding, when it is certain
	}{
		{"nothing", func(*testing.T, *pgxpool.Pool) {}, nil, ""},
		{"an actor", run("update audit set actor = 'a2' where seq = 7"), []string{"changed"}, "7-7"},
		{"a time", run("update audit set at = at - interval '1 microsecond' where seq = 7"), []string{"changed"}, "7-7"},
		{"a reason", run("update audit set reason = reason || ' ' where seq = 40"), []string{"changed"}, "40-40"},
		{"words moved from one column to the next", run("update audit set purpose = '', reason = purpose || reason where seq = 7"), []string{"changed"}, "7-7"},
		{"an alert that was cleared", run("update audit set alert = false where seq = 9"), []string{"changed"}, "9-9"},
		{"a row with its hash", forge(12), []string{"unlinked"}, "13-13"},
		{"the last row with its hash", forge(40), []string{"head"}, ""},
		{"a row that is gone", run("delete from audit where seq = 7"), []string{"removed"}, "7-7"},
		{"rows that are gone", run("delete from audit where seq between 7 and 11"), []string{"removed"}, "7-11"},
		{"the first rows that are gone", run("delete from audit where seq < 4"), []string{"removed"}, "1-3"},
		{"all rows that are gone", run("delete from audit"), []string{"truncated"}, "1-40"},
		{"the end that is gone", run("delete from audit where seq > 37"), []string{"truncated"}, "38-40"},
		{"the end that is gone with its head", run("delete from audit where seq > 37",
			"update audit_head set (seq, at, hash) = (select seq, at, hash from audit where seq = 37)"), []string{"truncated"}, "38-40"},
		{"the partition that is gone", run("drop table audit_" + time.Now().UTC().Format("200601")), []string{"truncated"}, "1-40"},
		{"two rows that changed places", run("update audit set seq = case seq when 7 then 1008 else 1007 end where seq in (7, 8)",
			"update audit set seq = seq - 1000 where seq > 1000"), []string{"swapped"}, "7-8"},
		{"the contents of two rows that changed places", run(`update audit a set (subject_id, request) = (select b.subject_id, b.request
			from audit b where b.seq = 15 - a.seq) where a.seq in (7, 8)`), []string{"changed"}, "7-7"},
		{"a row that was put in", run(`insert into audit select 41, at, actor, what, subject, 99, purpose, reason, filter, rows, position,
			took_us, request, alert, hash, hash from audit where seq = 40`), []string{"changed"}, "41-41"},
		{"a chain that was rewritten without a row", func(t *testing.T, pool *pgxpool.Pool) {
			run("delete from audit where seq = 7")(t, pool)
			rewrite(t, pool)
		}, []string{"truncated", "rewritten"}, ""},
		{"a chain that was rewritten with another actor", func(t *testing.T, pool *pgxpool.Pool) {
			run("update audit set actor = 'a2' where seq = 7")(t, pool)
			rewrite(t, pool)
		}, []string{"rewritten"}, "20-20"},
		{"the head", run("update audit_head set hash = decode(repeat('07', 32), 'hex')"), []string{"head"}, ""},
		{"the head that is gone back", run("update audit_head set seq = 39"), []string{"head"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := sqltest.DB(t)
			anchors := fill(t, pool, 40)
			c.do(t, pool)
			r := verified(t, pool, anchors)
			if len(c.want) == 0 {
				if !r.Whole() || r.Rows != 40 || r.Anchors != 2 {
					t.Fatalf("%+v", r)
				}
				return
			}
			if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
				return slices.Contains(c.want, f.Kind) && (c.rows == "" || c.rows == between(f))
			}) {
				t.Fatalf("want %v %s, found %+v", c.want, c.rows, r.Findings)
			}
		})
	}
}

func between(f Finding) string {
	return strings.Join([]string{itoa(f.First), itoa(f.Last)}, "-")
}

func itoa(n int64) string {
	r := Row{Seq: n}
	return r.cells()[0]
}

func run(texts ...string) func(*testing.T, *pgxpool.Pool) {
	return func(t *testing.T, pool *pgxpool.Pool) {
		t.Helper()
		tamper(t, pool, texts...)
	}
}

// forge changes a row and computes its hash anew.
func forge(seq int64) func(*testing.T, *pgxpool.Pool) {
	return func(t *testing.T, pool *pgxpool.Pool) {
		t.Helper()
		rows, err := Find(t.Context(), pool, Query{Before: seq + 1, Limit: 1})
		if err != nil || len(rows) != 1 {
			t.Fatal(err)
		}
		r := rows[0]
		r.Actor = "a2"
		r.Hash = r.digest()
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		if _, err := conn.Exec(t.Context(), "set session_replication_role = replica"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "update audit set actor = 'a2', hash = $2 where seq = $1", seq, r.Hash[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "reset session_replication_role"); err != nil {
			t.Fatal(err)
		}
	}
}

// fill writes n rows in two goes, and gives the heads that were kept outside: of the middle and of the end.
func fill(t *testing.T, pool *pgxpool.Pool, n int) []Head {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.heads")
	for half := range 2 {
		a, err := OpenAnchors(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		l := New(pool, a)
		entries := make([]Entry, n/2)
		for i := range entries {
			entries[i] = Entry{
				Actor: "a1", What: Unmask, Subject: "person", ID: int64(half*n + i + 1), Purpose: "care", Reason: "visit", Request: "r" + itoa(int64(i)),
				Alert: true,
			}
		}
		for i := 0; i < len(entries); i += together {
			if err := l.append(t.Context(), entries[i:min(i+together, len(entries))]); err != nil {
				t.Fatal(err)
			}
		}
		a.put(l.last, true)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := ReadAnchors(path, testKey)
	if err != nil || len(heads) != 2 || heads[1].Seq != int64(n) {
		t.Fatalf("%+v %v", heads, err)
	}
	return heads
}

func TestTenThousandRows(t *testing.T) {
	pool := sqltest.DB(t)
	anchors := fill(t, pool, 10_000)
	began := time.Now()
	r := verified(t, pool, anchors)
	if !r.Whole() || r.Rows != 10_000 {
		t.Fatalf("%+v", r)
	}
	t.Logf("10,000 rows verified in %v", time.Since(began))
	var out bytes.Buffer
	n, err := WriteCSV(t.Context(), pool, Span{}, &out)
	lines, err2 := csv.NewReader(&out).ReadAll()
	if err != nil || err2 != nil || n != 10_000 || len(lines) != 10_001 || lines[1][0] != "1" || lines[10_000][5] != "15000" {
		t.Errorf("export: %d %v %v", n, err, err2)
	}
}

func TestAnchorsOutside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d", "audit.heads")
	if heads, err := ReadAnchors(path, testKey); err != nil || heads != nil {
		t.Fatal(heads, err)
	}
	a, err := OpenAnchors(path, testKey)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Hour)
	a.put(Head{Seq: 1, At: now.Add(-50 * time.Hour)}, true)
	a.put(Head{Seq: 2, At: now.Add(-50*time.Hour + time.Minute)}, true)
	a.put(Head{Seq: 3, At: now, Hash: [32]byte{7}}, true)
	a.put(Head{Seq: 4, At: now}, false) // sooner than a second after
	a.put(Head{Seq: 3, At: now}, true)  // nothing new
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	seqs := func(key []byte) (out []int64, err error) {
		heads, err := ReadAnchors(path, key)
		for _, h := range heads {
			out = append(out, h.Seq)
		}
		return out, err
	}
	if got, err := seqs(testKey); err != nil || !slices.Equal(got, []int64{1, 2, 3}) {
		t.Fatal(got, err)
	}
	if _, err := seqs([]byte("another key")); err == nil {
		t.Error("heads under another key were taken")
	}
	if a, err = OpenAnchors(path, testKey); err != nil || a.Close() != nil {
		t.Fatal(err)
	}
	if got, err := seqs(testKey); err != nil || !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("thinned: %v %v", got, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(text) + "5 2026")
	if got, err := seqs(testKey); err != nil || !slices.Equal(got, []int64{2, 3}) {
		t.Errorf("a last line that is not complete: %v %v", got, err)
	}
	write(strings.Replace(string(text), "2 ", "9 ", 1))
	if _, err := seqs(testKey); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a changed line: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

func TestFind(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool, nil)
	entries := []Entry{
		{Actor: "a1", What: Read, Subject: "person", ID: 1}, {Actor: "a2", What: Read, Subject: "person", ID: 2},
		{Actor: "a1", What: Unmask, Subject: "person", ID: 1, Purpose: "care"}, {Actor: "a3", What: Unmask, Subject: "person", ID: 3, Purpose: "rescue", Alert: true},
		{Actor: "a1", What: Export, Subject: "events"},
	}
	if err := l.append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	hour := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name string
		q    Query
		want string
	}{
		{"all, newest first", Query{}, "5 4 3 2 1"},
		{"an actor", Query{Actor: "a1"}, "5 3 1"},
		{"a deed", Query{What: Unmask}, "4 3"},
		{"a subject", Query{Subject: "person", ID: 1}, "3 1"},
		{"a purpose", Query{Purpose: "care"}, "3"},
		{"alerts", Query{Alerts: true}, "4"},
		{"a time that is over", Query{Span: Span{To: hour}}, ""},
		{"since", Query{Span: Span{From: hour}}, "5 4 3 2 1"},
		{"a page", Query{Limit: 2}, "5 4"},
		{"the next page", Query{Limit: 2, Before: 4}, "3 2"},
		{"an actor that is no name but SQL", Query{Actor: "a1' or true --"}, ""},
	} {
		if c.q.Limit == 0 {
			c.q.Limit = Most
		}
		rows, err := Find(t.Context(), pool, c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, itoa(r.Seq))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

// The texts of a CSV are no formulas.
func TestExportedTextsAreNoFormulas(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "@a": "'@a", "-1": "'-1", "": "", "a=1": "a=1"} {
		r := Row{Entry: Entry{Reason: in}}
		if got := r.cells()[7]; got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	pool := sqltest.DB(b)
	l := New(pool, nil)
	for range 100 {
		if err := l.append(context.Background(), make1000()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if r, err := Verify(context.Background(), pool, nil, nil); err != nil || !r.Whole() {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func make1000() []Entry {
	out := make([]Entry, 1000)
	for i := range out {
		out[i] = Entry{Actor: "a1", What: Read, Subject: "person", ID: int64(i)}
	}
	return out
}
