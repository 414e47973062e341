package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"

	"onepicture/sql"
)

var (
	acknowledgedSQL = sql.Text("load/acknowledged.sql")
	reportedSQL     = sql.Text("load/reported.sql")
)

// Proof tells whether what was acknowledged is there.
type Proof struct {
	Looked       bool   // false: the run was ended before
	Acknowledged int    // reports that a client got a receipt for
	Found        int    // of these, events in the database
	Unknown      int    // reports without a receipt at the end; they may be there or not
	Events       int    // rows of this run's reports in the database
	Index        []int  // all events in each server's index
	SQL          int    // all events in the database
	Check        string // what onepicture check said, in a line
}

// prove compares the receipts with the database and the database with each server's index.
func (r *run) prove(ctx context.Context) (p Proof, err error) {
	ids, unknown, last, doubled := r.outbox.state()
	p.Acknowledged, p.Unknown = len(ids), unknown
	if err := r.Pool.QueryRow(ctx, acknowledgedSQL, ids).Scan(&p.Found); err != nil {
		return p, fmt.Errorf("count what was acknowledged: %w", err)
	}
	if err := r.Pool.QueryRow(ctx, reportedSQL, r.outbox.run+" ").Scan(&p.Events, &p.SQL); err != nil {
		return p, fmt.Errorf("count what was reported: %w", err)
	}
	p.Looked = true
	for _, s := range r.servers {
		n, err := s.events(ctx, r.Cookie, last.String())
		if err != nil {
			return p, err
		}
		p.Index = append(p.Index, n)
		if n != p.SQL {
			err := fmt.Errorf("a server's index holds %d events, the database %d", n, p.SQL)
			return p, err
		}
	}
	switch {
	case p.Found != p.Acknowledged:
		return p, fmt.Errorf("%d reports were acknowledged, %d are in the database", p.Acknowledged, p.Found)
	case p.Events < p.Acknowledged || p.Events > p.Acknowledged+p.Unknown:
		return p, fmt.Errorf("%d reports were acknowledged and %d are unknown, the database holds %d", p.Acknowledged, p.Unknown, p.Events)
	case len(doubled) > 0:
		return p, errors.New("a replay made another event: " + doubled[0])
	}
	cmd := exec.CommandContext(ctx, r.Program, "check")
	cmd.Env = r.environment()
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	p.Check = lines[len(lines)-1]
	if err != nil {
		return p, fmt.Errorf("onepicture check: %w: %s", err, p.Check)
	}
	return p, nil
}

// events is how many the server counts when it has reached a position.
func (s *server) events(ctx context.Context, cookie, position string) (int, error) {
	c := newConn(s.address, cookie)
	defer c.close()
	a, err := c.do(ctx, request{method: http.MethodGet, path: "/api/places/all/figures", position: position})
	if err != nil {
		return 0, err
	}
	var f struct {
		Totals struct {
			Event *int `json:"event"`
		} `json:"totals"`
	}
	if err := json.Unmarshal(a.body, &f); err != nil || a.status != http.StatusOK || f.Totals.Event == nil {
		return 0, fmt.Errorf("the server's count of events: status %d, %w", a.status, errors.Join(err, errors.New("no number")))
	}
	return *f.Totals.Event, nil
}
