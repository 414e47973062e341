package intake

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const million = 1_000_000

// BenchmarkImport imports a million people from CSV into an empty table and compares the rate with COPY of the same
// columns into an equal table, then its primary key, unique key and GiST index, in the same run.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		box := newBench(b)
		grid(box, 12)
		path := filepath.Join(box.dir, "people.csv")
		writePeople(b, path, million)
		m := box.mapping(strings.Replace(people, `split = ";"`, `split = ";"`, 1))
		began := time.Now()
		s, err := Run(b.Context(), box.deps, Options{Files: []string{path}, Mapping: m})
		if err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		if f := s.Total(); f.Put != million {
			b.Fatalf("%+v", f)
		}
		again := time.Now()
		if s, err = Run(b.Context(), box.deps, Options{Files: []string{path}, Mapping: m}); err != nil || s.Total().Unchanged != million {
			b.Fatal(err, s)
		}
		unchanged := time.Since(again)
		bare := bareCopy(b, box)
		b.ReportMetric(million/took.Seconds(), "rows/s")
		b.ReportMetric(million/bare.Seconds(), "copy-rows/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "ratio")
		b.ReportMetric(million/unchanged.Seconds(), "unchanged-rows/s")
		b.ReportMetric(peakMB(), "peak-MB")
	}
}

// peakMB is the most memory that this process ever held.
func peakMB() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	runtime.KeepAlive(u)
	return float64(u.Maxrss) / 1024
}

// grid divides the two towns into n × n villages.
func grid(b *bench, n int) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), `insert into place (code, level, parent_id, name, geom, label, area_m2, source_id)
		select '44' || lpad((x * 1000 + y)::text, 10, '0'), 3, 2, 'v', st_multi(c), st_centroid(c), st_area(c::geography), 1000
		from generate_series(1, $1) x, generate_series(1, $1) y,
		lateral (select st_makeenvelope(113 + 2.0 * (x - 1) / $1, 22 + 2.0 * (y - 1) / $1, 113 + 2.0 * x / $1, 22 + 2.0 * y / $1, 4326) c) e`, n)
	if err != nil {
		b.t.Fatal(err)
	}
}

func writePeople(t testing.TB, path string, n int) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(out, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(w, "id,name,birth,sex,care,lon,lat")
	for i := range n {
		care := ""
		if i%17 == 0 {
			care = "living_alone;chronic"
		}
		fmt.Fprintf(w, "4419%014d,张三%d,%04d-%02d-%02d,%s,%s,%.6f,%.6f\n", i, i%1000, 1930+i%90, 1+i%12, 1+i%28,
			[]string{"男", "女"}[i%2], care, 113+2*rng.Float64(), 22+2*rng.Float64())
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// bareCopy is how long the database alone takes for the same rows.
func bareCopy(b *testing.B, box *bench) time.Duration {
	b.Helper()
	ctx := b.Context()
	file, err := os.Create(filepath.Join(box.dir, "copy.bin"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	conn, err := box.pool.Acquire(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Release()
	columns := strings.Join(tables["person"].columns, ", ")
	if _, err := conn.Conn().PgConn().CopyTo(ctx, file, "copy (select "+columns+" from person order by hash) to stdout (format binary)"); err != nil {
		b.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		b.Fatal(err)
	}
	exec := func(text string) {
		if _, err := conn.Exec(ctx, text); err != nil {
			b.Fatal(err)
		}
	}
	exec("checkpoint")
	exec("create table bare (like person including defaults)")
	began := time.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, file, "copy bare ("+columns+") from stdin (format binary)"); err != nil {
		b.Fatal(err)
	}
	copied := time.Since(began)
	exec("alter table bare add primary key (id)")
	exec("create unique index on bare (source_id, key)")
	keys := time.Since(began)
	exec("create index on bare using gist (geom)")
	took := time.Since(began)
	b.Logf("bare: copy %v, keys %v, gist %v", copied, keys-copied, took-keys)
	exec("create table bare2 (like person including defaults)")
	exec("alter table bare2 add primary key (id)")
	exec("create unique index on bare2 (source_id, key)")
	exec("create index on bare2 using gist (geom)")
	if _, err := file.Seek(0, 0); err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, file, "copy bare2 ("+columns+") from stdin (format binary)"); err != nil {
		b.Fatal(err)
	}
	b.Logf("bare with the keys and the index in place: %v", time.Since(began))
	return took
}
