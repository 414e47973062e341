package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"onepicture/layers"
	"onepicture/sql"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(recorderVariable); url != "" {
		recorder(url)
		return
	}
	sqltest.Main(m)
}

// running is a log that runs until the test ends, or until stop is called.
func running(t *testing.T, l *Log) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func verified(t *testing.T, pool *pgxpool.Pool, anchors []Head) *Report {
	t.Helper()
	r, err := Verify(t.Context(), pool, anchors, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func whole(t *testing.T, pool *pgxpool.Pool, rows int64) {
	t.Helper()
	if r := verified(t, pool, nil); !r.Whole() || r.Rows != rows {
		t.Errorf("%d rows, want %d: %+v", r.Rows, rows, r.Findings)
	}
}

func TestRecordsComeBackAsTheyWereWritten(t *testing.T) {
	sqltest.URL(t) // the cluster stays
	ignore := goleak.IgnoreCurrent()
	pool := sqltest.DB(t)
	l := New(pool, nil)
	stop := running(t, l)
	e := Entry{
		Actor: "a17", What: Unmask, Subject: "person", ID: 5, Purpose: "care", Reason: "老人探访", Filter: "id_number=*", Rows: 1,
		Position: layers.Position(1 << 40), Took: 1500 * time.Microsecond, Request: "r-1", Alert: true,
	}
	long := Entry{Actor: strings.Repeat("a", 100), What: Read, Reason: strings.Repeat("长", 600) + "\x00", Filter: "\x00\xff", Rows: -1}
	if err := l.Record(t.Context(), e, long, Entry{What: Refused}); err != nil {
		t.Fatal(err)
	}
	rows, err := Find(t.Context(), pool, Query{Limit: 10})
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	if diff := cmp.Diff(e, rows[2].Entry); diff != "" {
		t.Errorf("it came back otherwise (-sent +got):\n%s", diff)
	}
	cut := rows[1].Entry
	if len(cut.Actor) != maxActor || len([]rune(cut.Reason)) != maxReason || cut.Filter != "\uFFFD" || cut.Rows != 0 {
		t.Errorf("a long entry became %+v", cut)
	}
	if rows[0].Actor != "nobody" || time.Since(rows[0].At).Abs() > time.Minute {
		t.Errorf("%+v", rows[0])
	}
	whole(t, pool, 3)
	stop()
	pool.Close()
	goleak.VerifyNone(t, ignore, goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}

// Several servers write one chain at the same time.
func TestServersShareOneChain(t *testing.T) {
	pool := sqltest.DB(t)
	var wg sync.WaitGroup
	const servers, callers, each = 3, 8, 5
	for s := range servers {
		l := New(pool, nil)
		running(t, l)
		for c := range callers {
			wg.Go(func() {
				for i := range each {
					if err := l.Record(t.Context(), Entry{Actor: fmt.Sprintf("a%d", s), What: Read, ID: int64(c*each + i)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	whole(t, pool, servers*callers*each)
}

func TestTheTableTakesNoChange(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool, nil)
	running(t, l)
	if err := l.Record(t.Context(), Entry{Actor: "a1", What: Read}); err != nil {
		t.Fatal(err)
	}
	part := "audit_" + time.Now().UTC().Format("200601")
	for _, text := range []string{
		"update audit set actor = 'a2'", "delete from audit", "truncate audit", "delete from audit where false",
		"update " + part + " set actor = 'a2'", "delete from " + part, "truncate " + part,
	} {
		if _, err := pool.Exec(t.Context(), text); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := pool.Exec(t.Context(), "select audit_forget(now(), interval '1 day')"); err == nil {
		t.Error("the audit of the last days can be dropped")
	}
	whole(t, pool, 1)
}

// A writer that is cut at any stage leaves a whole chain; who was told "recorded" is recorded, and who was not told so
// gets an error. It goes on afterwards.
func TestCutAtEachStage(t *testing.T) {
	ways := map[string]func(*pgxpool.Pool) error{
		"error": func(*pgxpool.Pool) error { return errors.New("cut") },
		"connection": func(pool *pgxpool.Pool) error {
			_, err := pool.Exec(context.Background(), `select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid()`)
			return err
		},
	}
	for way, cut := range ways {
		for _, stage := range []string{"begun", "written", "committed"} {
			t.Run(way+"/"+stage, func(t *testing.T) {
				pool := sqltest.DB(t)
				l := New(pool, nil)
				armed := true
				l.between = func(s string) error {
					if s != stage || !armed {
						return nil
					}
					armed = false
					return cut(pool)
				}
				running(t, l)
				told := int64(0)
				for i := range 3 {
					if err := l.Record(t.Context(), Entry{Actor: "a1", What: Unmask, ID: int64(i + 1)}); err == nil {
						told++
					} else if layers.CodeOf(err) != layers.CodeUnavailable {
						t.Errorf("%v", err)
					}
				}
				if told < 2 {
					t.Errorf("only %d were recorded after one cut", told)
				}
				r := verified(t, pool, nil)
				if !r.Whole() || r.Rows < told {
					t.Errorf("%d rows, %d were told: %+v", r.Rows, told, r.Findings)
				}
			})
		}
	}
}

func TestNothingIsToldRecordedWhileTheDatabaseIsAway(t *testing.T) {
	pool := sqltest.DB(t)
	l := New(pool, nil)
	stop := running(t, l)
	if _, err := pool.Exec(t.Context(), "alter table audit_head rename to away"); err != nil {
		t.Fatal(err)
	}
	err := l.Record(t.Context(), Entry{Actor: "a1", What: Unmask})
	var known *layers.Error
	if !errors.As(err, &known) || known.Code != layers.CodeUnavailable || known.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	l.Meter(Read, "a1", "/tiles", 3)
	l.Meter(Read, "a1", "/tiles", 4)
	stop() // cannot write what was metered either
	if _, err := pool.Exec(t.Context(), "alter table away rename to audit_head"); err != nil {
		t.Fatal(err)
	}
	l.Meter(Read, "a1", "/tiles", 1)
	l.flush(t.Context())
	rows, err := Find(t.Context(), pool, Query{Limit: 10})
	if err != nil || len(rows) != 1 || rows[0].Rows != 8 || !strings.HasPrefix(rows[0].Filter, "requests=3 ") {
		t.Errorf("what was metered meanwhile: %+v %v", rows, err)
	}
	whole(t, pool, 1)
	if err := l.Record(cancelled(), Entry{Actor: "a1"}); err == nil {
		t.Error("a log that does not run records")
	}
}

func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestMeterIsBounded(t *testing.T) {
	l := New(nil, nil)
	for i := range maxMetered + 500 {
		l.Meter(Read, fmt.Sprint(i), "/r", 1)
	}
	n, requests := 0, int64(0)
	l.meter.now.Load().by.Range(func(_, v any) bool {
		n++
		requests += v.(*count).requests.Load()
		return true
	})
	if n != maxMetered+1 || requests != maxMetered+500 {
		t.Errorf("%d counters with %d requests", n, requests)
	}
}

func BenchmarkMeter(b *testing.B) {
	l := New(nil, nil)
	for b.Loop() {
		l.Meter(Read, "a17", "/tiles/:layers/:z/:x/:y", 1)
	}
}

const recorderVariable = "ONEPICTURE_TEST_AUDIT"

// recorder is a process that reads what is personal for ever: each number is printed only when it is recorded.
func recorder(url string) {
	ctx := context.Background()
	pool, err := sql.Open(ctx, url, sql.PoolOptions{Name: "recorder"})
	if err != nil {
		panic(err)
	}
	l := New(pool, nil)
	go func() { _ = l.Run(ctx) }() // until the process is killed
	for i := int64(1); ; i++ {
		if err := l.Record(ctx, Entry{Actor: "a1", What: Unmask, Subject: "person", ID: i}); err == nil {
			fmt.Println("read", i)
		}
	}
}

// A server that is killed with signal 9 while it writes leaves a whole chain and no reading that is not recorded.
func TestKillNine(t *testing.T) {
	url := sqltest.URL(t)
	pool, err := sql.Open(t.Context(), url, sql.PoolOptions{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, after := range []int{1, 20, 57} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), recorderVariable+"="+url)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var last int64
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if _, err := fmt.Sscanf(lines.Text(), "read %d", &last); err != nil {
				t.Fatalf("%q: %v", lines.Text(), err)
			}
			if n == after {
				if err := cmd.Process.Kill(); err != nil { // and read on what it still said
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if last < int64(after) {
			t.Fatalf("it read only %d", last)
		}
		if r := verified(t, pool, nil); !r.Whole() || r.Rows == 0 {
			t.Errorf("after a kill: %+v", r)
		}
		missing := -1
		err = pool.QueryRow(t.Context(), `select count(*) from generate_series(1, $1::bigint) i
			where not exists (select from audit where subject_id = i and what = 'unmask')`, last).Scan(&missing)
		if err != nil || missing != 0 {
			t.Errorf("%d readings of %d are not recorded %v", missing, last, err)
		}
	}
}
