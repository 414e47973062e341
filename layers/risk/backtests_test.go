package risk

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onepicture/layers"
)

func TestBacktestStopsAndGoesOn(t *testing.T) {
	pool, _ := newCity(t)
	b := NewBacktests(pool, func() (*World, error) { return loadWorld(t.Context(), pool) })
	spec := TestSpec{Divisions: []string{"places", "500"}, Horizon: 7, MinEvents: 100}
	id, err := b.Queue(t.Context(), "test", spec)
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	err = b.Run(t.Context(), id, func(p *Backtest) { // the first part is measured; then somebody cancels
		if p.Done == 1 && !stopped {
			stopped = true
			if err := b.Cancel(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
	})
	if !errors.Is(err, ErrStopped) {
		t.Fatalf("cancelled, it said %v", err)
	}
	half, err := b.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if half.State != "cancelled" || len(half.Parts) != 1 {
		t.Fatalf("state %s with %d parts", half.State, len(half.Parts))
	}
	if err := b.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	if err := b.Run(t.Context(), id, func(p *Backtest) { seen[p.Now] = true }); err != nil {
		t.Fatal(err)
	}
	for now := range seen {
		if strings.HasPrefix(now, half.Parts[0].Division+" · "+half.Parts[0].Result.Category+" ·") {
			t.Errorf("%q was measured again", now)
		}
	}
	whole, err := b.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if whole.State != "done" || len(whole.Parts) != 4 || whole.Done != 4 {
		t.Errorf("state %s, %d parts, %d done", whole.State, len(whole.Parts), whole.Done)
	}
	if diff := cmp.Diff(spec, whole.Spec); diff != "" {
		t.Error(diff)
	}
	for _, p := range whole.Parts {
		if p.Result.Events < 100 || p.Result.Leaves < testGrids || len(p.Result.Scores) < 6 {
			t.Errorf("%s %s: %d events, %d leaves, %d models", p.Division, p.Result.Category, p.Result.Events, p.Result.Leaves, len(p.Result.Scores))
		}
	}
	var out strings.Builder
	if err := whole.Markdown(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "**Ships:") {
		t.Error("the tables do not say what ships")
	}
	if err := b.Cancel(t.Context(), id); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("a finished test was cancelled: %v", err)
	}
	if _, err := b.Find(t.Context(), 99); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("a test that is not there: %v", err)
	}
}

func TestATestWhoseServerWasKilledGoesOn(t *testing.T) {
	pool, _ := newCity(t)
	b := NewBacktests(pool, func() (*World, error) { return loadWorld(t.Context(), pool) })
	id, err := b.Queue(t.Context(), "test", TestSpec{Divisions: []string{"places"}, Horizon: 7, MinEvents: 100, Categories: []string{"fire"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `update risk_backtest set state = 'running' where id = $1`, id); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Serve(ctx, func(err error) { t.Error(err) })
	}()
	for state := ""; state != "running"; {
		if f, err := b.Find(t.Context(), id); err == nil && f.Now != "" {
			state = f.State
		}
	}
	cancel() // the server ends while it is at it
	<-done
	if f, err := b.Find(t.Context(), id); err != nil || f.State != "queued" {
		t.Errorf("a server that ends leaves the test %v, %v", f, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 60*time.Second)
	done = make(chan struct{})
	go func() {
		defer close(done)
		b.Serve(ctx, func(err error) { t.Error(err) })
	}()
	for state := ""; state != "done"; {
		select {
		case <-done:
			t.Fatal("it was left lying")
		case <-time.After(5 * time.Millisecond):
		}
		if f, err := b.Find(t.Context(), id); err == nil {
			state = f.State
		}
	}
	cancel()
	<-done
}

func TestWrongSpecs(t *testing.T) {
	for name, s := range map[string]TestSpec{
		"no division": {Horizon: 7},
		"too fine":    {Horizon: 7, Divisions: []string{"1"}},
		"a word":      {Horizon: 7, Divisions: []string{"persons"}},
		"no horizon":  {Divisions: []string{"places"}},
		"not a day":   {Horizon: 7, Divisions: []string{"places"}, TrainTo: "yesterday"},
	} {
		if err := s.Check(); layers.CodeOf(err) != layers.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
