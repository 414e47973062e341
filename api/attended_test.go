package api

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"onepicture/layers/account"
)

// A page that nobody touches is signed out in time, whatever it reads again by itself and however often its stream comes back.
func TestPollingKeepsNoSessionOpen(t *testing.T) {
	var ahead atomic.Int64
	h := newHouse(t, func(o *Options) {
		o.Accounts.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	idle := account.RuleOf(account.CityDuty).Idle
	for i, c := range []struct {
		what, header, path string
		ends               bool
	}{
		{"a reader", "", "/api/deployment", false},
		{"a page by itself", "X-Unattended", "/api/deployment", true},
		{"tiles read again", "X-Unattended", "/tiles/sites/0/0/0.mvt", true},
		{"a stream that comes back", "", streamRoute, true},
		{"the header as HTTP/2 spells it", "x-unattended", "/api/deployment", true},
	} {
		cookie := h.enter(t, fmt.Sprint("duty", i), account.CityDuty, "")
		for range 5 {
			ahead.Add(int64(idle / 4))
			ctx, cancel := context.WithCancel(t.Context())
			if c.path == streamRoute {
				cancel() // it is opened, and the client has gone
			}
			r := call(http.MethodGet, c.path, nil).WithContext(ctx)
			r.Header.Set("Cookie", cookie)
			if c.header != "" {
				r.Header.Set(c.header, "1")
			}
			h.do(r)
			cancel()
		}
		r := call(http.MethodGet, "/api/me", nil)
		r.Header.Set("Cookie", cookie)
		if ended := h.do(r).Code == http.StatusUnauthorized; ended != c.ends {
			t.Errorf("%s: the session has ended: %v", c.what, ended)
		}
	}
}
