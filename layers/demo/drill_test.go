package demo

import (
	"testing"
	"time"

	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestADrillSilencesOneSource(t *testing.T) {
	pool := sqltest.DB(t)
	o := Options{People: 20_000, Seed: 1, Now: now, Keys: keys, Silent: "grid_reports"}
	if err := Load(t.Context(), pool, ledger.New(pool), o); err != nil {
		t.Fatal(err)
	}
	if got, want := o.lastHeard(), time.Date(2026, 11, 16, 23, 59, 59, 0, now.Location()); !got.Equal(want) {
		t.Errorf("it was heard of last at %s, want %s: seven whole days before today", got, want)
	}
	const of = ` from event e join source s on s.id = e.source_id where s.code = 'grid_reports'`
	if n := one[int](t, pool, `select count(*)`+of+` and reported_at > '2026-11-17 00:00+08'`); n != 0 {
		t.Errorf("%d events came while it was silent", n)
	}
	if n := one[int](t, pool, `select count(*)`+of+` and reported_at > '2026-11-01 00:00+08'`); n == 0 {
		t.Error("it never spoke")
	}
	if n := one[int](t, pool, `select count(*) from event e join source s on s.id = e.source_id where s.code <> 'grid_reports' and reported_at > '2026-11-17 00:00+08'`); n < 10 {
		t.Errorf("of the others %d events came", n)
	}
	if at := one[time.Time](t, pool, `select last_at from source where code = 'grid_reports'`); !at.Equal(o.lastHeard()) {
		t.Errorf("its last delivery is said to be of %s", at)
	}
	if at := one[time.Time](t, pool, `select last_at from source where code = 'hotline'`); !at.Equal(now) {
		t.Errorf("another's last delivery is said to be of %s", at)
	}
}
