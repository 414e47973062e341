package bench

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"onepicture/layers/demo"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func TestEveryRowIsThere(t *testing.T) {
	pool := sqltest.DB(t)
	now := time.Now().In(time.FixedZone("CST", 8*3600))
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Load(t.Context(), pool, ledger.New(pool), demo.Options{People: 2000, Seed: 1, Now: now, Keys: keys}); err != nil {
		t.Fatal(err)
	}
	rows, err := Run(t.Context(), pool, Options{Within: 50 * time.Millisecond, Round: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
		if r.What == "" || r.Target == "" || r.Met == "" || r.Baseline == "" {
			t.Errorf("row %s is not complete: %+v", r.ID, r)
		}
	}
	if !slices.Equal(ids, IDs) {
		t.Errorf("rows %v, want %v", ids, IDs)
	}
	if rows, err := Run(t.Context(), pool, Options{Only: []string{"9"}}); err == nil || rows != nil {
		t.Error("a row that does not exist was measured")
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		name string
		list []time.Duration
		part float64
		want time.Duration
	}{
		{"none", nil, 0.5, 0}, {"one", hundred[:1], 0.99, 1}, {"half", hundred, 0.5, 50},
		{"ninety-nine", hundred, 0.99, 99}, {"all", hundred, 1, 100}, {"least", hundred, 0, 1},
	} {
		if got := percentile(c.list, c.part); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRepeatIsBounded(t *testing.T) {
	calls := 0
	if list, err := repeat(3, time.Hour, func() error { calls++; return nil }); err != nil || len(list) != 3 || calls != 3 || !slices.IsSorted(list) {
		t.Errorf("%v, %v, %d calls", list, err, calls)
	}
	if list, err := repeat(9, 0, func() error { return nil }); err != nil || len(list) != 1 {
		t.Errorf("without time: %v, %v", list, err)
	}
	wrong := errors.New("wrong")
	if list, err := repeat(9, time.Hour, func() error { return wrong }); !errors.Is(err, wrong) || list != nil {
		t.Errorf("%v, %v", list, err)
	}
}

func TestTableHasAllColumns(t *testing.T) {
	var b strings.Builder
	if err := Markdown(&b, []Row{{ID: "1", What: "a", P50: 1234567, P99: time.Second, Met: Met}, {ID: "2", Met: Open}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[2], "1.23ms / 1s") {
		t.Fatal(b.String())
	}
	for _, l := range lines {
		if strings.Count(l, "|") != len(columns)+1 {
			t.Errorf("%q", l)
		}
	}
}

func TestRingHasAThousandVertices(t *testing.T) {
	if r := ring([2]float64{113, 23}, 0.1)[0][0]; len(r) != 1001 || !r.Closed() {
		t.Errorf("%d points, closed %v", len(r), r.Closed())
	}
}
