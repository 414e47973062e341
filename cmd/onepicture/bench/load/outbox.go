package load

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"

	"onepicture/layers"
)

// outbox makes reports and remembers which of them the server has acknowledged. It is shared by all clients.
type outbox struct {
	run string // begins the title and the key of each report of this run

	mu      sync.Mutex
	made    int
	acked   map[int]int64 // event by report
	late    map[int]bool  // not acknowledged: sent again until they are
	doubled []string      // what a replay gave that it must not
	last    layers.Position
}

func newOutbox(run string) *outbox {
	return &outbox{run: run, acked: map[int]int64{}, late: map[int]bool{}}
}

// letter is a report on its way.
type letter struct {
	n int
	request
}

// next is a new report, from around a village.
func (o *outbox) next(a *atlas, r *rand.Rand) letter {
	o.mu.Lock()
	n := o.made
	o.made++
	o.late[n] = true
	o.mu.Unlock()
	at := a.anySpot(r).near(r)
	body := fmt.Sprintf(`{"title":"%s %d","category":%q,"level":%d,"channel":"patrol","lon":%.7f,"lat":%.7f,"datum":"WGS84"}`,
		o.run, n, a.categories[r.IntN(len(a.categories))], 1+r.IntN(4), at[0], at[1])
	return letter{n, request{method: http.MethodPost, path: "/api/events", key: fmt.Sprintf("%s-%d", o.run, n), body: []byte(body)}}
}

// receipt is what the server says of a report.
type receipt struct {
	Event struct {
		ID int64 `json:"id"`
	} `json:"event"`
	Position string `json:"position"`
}

// acknowledge notes the answer to a report; fresh tells that it was not acknowledged before.
func (o *outbox) acknowledge(l letter, a answer) (id int64, p layers.Position, fresh bool, err error) {
	var r receipt
	if err := json.Unmarshal(a.body, &r); err != nil {
		return 0, 0, false, fmt.Errorf("read receipt: %w", err)
	}
	n, err := strconv.ParseUint(r.Position, 10, 64)
	if err != nil || r.Event.ID == 0 {
		return 0, 0, false, fmt.Errorf("the receipt has no event or position")
	}
	p = layers.Position(n)
	o.mu.Lock()
	defer o.mu.Unlock()
	before, known := o.acked[l.n]
	if known && before != r.Event.ID {
		o.doubled = append(o.doubled, fmt.Sprintf("report %d was event %d, then event %d", l.n, before, r.Event.ID))
	}
	o.acked[l.n] = r.Event.ID
	delete(o.late, l.n)
	o.last = max(o.last, p)
	return r.Event.ID, p, !known, nil
}

// heard is the last acknowledged position.
func (o *outbox) heard() layers.Position {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// state is a copy of what is known: the acknowledged events, how many reports are not acknowledged, and the last
// position.
func (o *outbox) state() (ids []int64, unknown int, last layers.Position, doubled []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range o.acked {
		ids = append(ids, id)
	}
	return ids, len(o.late), o.last, append([]string(nil), o.doubled...)
}
