package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Phones lose their network all at once in the middle of a step, and come back within backWithin.
const (
	awayFor    = time.Second
	backWithin = 2 * time.Second
)

// flap takes the phones' network away and gives it back: each resumes at another server, as a balancer may send it, and
// is timed from its first packet until it has everything that had been acknowledged by then.
func (s *step) flap(ctx context.Context) {
	phones := s.streams[s.Streams:]
	if len(phones) == 0 || !pause(ctx, s.Span/2) {
		return
	}
	for _, t := range phones {
		t.close()
	}
	var back sync.WaitGroup
	for i, t := range phones {
		r := rand.New(rand.NewPCG(s.Seed, uint64(10_000+i)))
		back.Go(func() {
			<-t.ended
			if !pause(ctx, awayFor+time.Duration(r.Int64N(int64(backWithin)))) {
				return
			}
			if what := s.comeBack(ctx, t); what != "" {
				s.tally.bad(Queries, "a phone that came back: "+what, time.Now())
			}
		})
	}
	back.Wait()
}

// comeBack says in a few words what went wrong.
func (s *step) comeBack(ctx context.Context, t *stream) (what string) {
	t.server = (t.server + 1) % len(s.servers)
	began, goal := time.Now(), s.outbox.heard()
	missed := t.last < goal
	if missed {
		t.goal, t.reached = goal, make(chan time.Time, 1)
	}
	if err := t.connect(ctx, s.servers[t.server].address, s.Cookie); err != nil {
		return word(err)
	}
	s.follow(t)
	if !missed {
		s.phones.Add(time.Since(began))
		return ""
	}
	select {
	case at := <-t.reached:
		s.phones.Add(at.Sub(began))
		return ""
	case <-t.ended:
		return "the stream ended"
	case <-ctx.Done():
		return "the run ended"
	case <-time.After(settle):
		return "not told in " + settle.String()
	}
}
