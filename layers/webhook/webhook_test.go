package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// The example of the Standard Webhooks specification.
func TestSignatureOfTheSpecification(t *testing.T) {
	secret, ok := secretBytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if !ok {
		t.Fatal("the secret is refused")
	}
	got := Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func TestWhatIsVerified(t *testing.T) {
	secret, now, body := []byte(strings.Repeat("s", 32)), time.Unix(1_800_000_000, 0), []byte(`{"a":1}`)
	right := Sign(secret, "m1", now, body)
	for _, c := range []struct {
		name, id, at, signature string
		body                    string
		ok                      bool
	}{
		{"right", "m1", "1800000000", right, `{"a":1}`, true},
		{"one of several", "m1", "1800000000", "v1a,x " + Sign([]byte("other"), "m1", now, body) + " " + right, `{"a":1}`, true},
		{"another body", "m1", "1800000000", right, `{"a":2}`, false},
		{"another id", "m2", "1800000000", right, `{"a":1}`, false},
		{"another time", "m1", "1800000001", right, `{"a":1}`, false},
		{"no signature", "m1", "1800000000", "", `{"a":1}`, false},
		{"another version", "m1", "1800000000", "v2" + right[2:], `{"a":1}`, false},
		{"no id", "", "1800000000", Sign(secret, "", now, body), `{"a":1}`, false},
		{"no time", "m1", "soon", right, `{"a":1}`, false},
		{"old", "m1", "1799999699", Sign(secret, "m1", now.Add(-301*time.Second), body), `{"a":1}`, false},
		{"from the future", "m1", "1800000301", Sign(secret, "m1", now.Add(301*time.Second), body), `{"a":1}`, false},
		{"a little old", "m1", "1799999701", Sign(secret, "m1", now.Add(-299*time.Second), body), `{"a":1}`, true},
	} {
		h := http.Header{}
		h.Set(HeaderID, c.id)
		h.Set(HeaderTimestamp, c.at)
		h.Set(HeaderSignature, c.signature)
		id, err := Verify(secret, h, []byte(c.body), now)
		if (err == nil) != c.ok || c.ok && id != c.id {
			t.Errorf("%s: %q, %v", c.name, id, err)
		}
	}
	for secret, ok := range map[string]bool{NewSecret(): true, "whsec_c2hvcnQ=": false, "whsec_%%%": false, "": false} {
		if _, got := secretBytes(secret); got != ok {
			t.Errorf("secret %q: %v", secret, got)
		}
	}
}

var pipes = Mapping{
	Title: "/data/what", Item: "/data/kind", Lon: "/data/at/0", Lat: "/data/at/1", Datum: "GCJ02", Address: "/data/addr~1ess", Level: "/data/level",
	ReportedAt: "/time", Codes: map[string]string{"burst": "P-1", "high": "2"},
}

func TestMappingMakesAReport(t *testing.T) {
	const sent = `{"time":"2026-05-04T08:00:00+08:00","data":{"what":"水管爆裂","kind":"burst","at":[113.5,"22.9"],"addr/ess":"江湾路","level":"high"}}`
	r, err := pipes.Apply([]byte(sent))
	if err != nil || r.Title != "水管爆裂" || r.Item != "P-1" || r.Lon != 113.5 || r.Lat != 22.9 || r.Datum != "GCJ02" || r.Address != "江湾路" || r.Level != 2 ||
		!r.ReportedAt.Equal(time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, c := range []struct{ name, from, to, field string }{
		{"no JSON", `{"time"`, `secret`, "body"},
		{"no title", `"what"`, `"secret"`, "title"},
		{"no place", `"at"`, `"secret"`, "lon"},
		{"a place that is none", `"22.9"`, `"secret"`, "lat"},
		{"a list for a text", `"水管爆裂"`, `["secret"]`, "title"},
		{"a time that is none", `2026-05-04T`, `secret`, "reportedAt"},
		{"a level that is none", `"high"`, `"secret"`, "level"},
	} {
		_, err := pipes.Apply([]byte(strings.Replace(sent, c.from, c.to, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), c.field) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, m := range []Mapping{{}, {Title: "a", Lon: "1", Lat: "2", Datum: "WGS84"}, {Title: "a", Lon: "1", Lat: "2", Item: "x"}} {
		if m.Check() == nil {
			t.Errorf("%+v can give no report", m)
		}
	}
	if err := pipes.Check(); err != nil {
		t.Error(err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"time":"2026-05-04T08:00:00+08:00","data":{"what":"x","kind":"burst","at":[113.5,"22.9"]}}`), "/data/what")
	f.Add([]byte(`[[[]]]`), "/0/0/~1")
	f.Fuzz(func(t *testing.T, body []byte, pointer string) {
		m := pipes
		m.Title = pointer
		if r, err := m.Apply(body); err != nil && layers.CodeOf(err) != layers.CodeInvalid {
			t.Fatalf("%+v, %v", r, err)
		}
	})
}

// city is a place with one town.
type city struct{}

func (city) Catalogue() *layers.Catalogue {
	return layers.NewCatalogue(layers.Catalogue{Classes: []layers.Class{{Kind: layers.KindEvent, ID: 1, Code: "fire"}}})
}

func (city) Tree() *layers.Tree {
	return layers.NewTree([]layers.Place{{ID: 1, Code: "990100000000", Level: 1}, {ID: 2, Code: "990101000000", Level: 2, Parent: 1}})
}

// receiver is a system on this machine that answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer int
	got    []*http.Request
	bodies [][]byte
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answer: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got, r.bodies = append(r.got, q), append(r.bodies, b)
		if r.answer == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.2:1/")
		}
		w.WriteHeader(r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

type world struct {
	*Hooks
	pool *pgxpool.Pool
	l    *ledger.Ledger
	at   time.Time
}

func open(t *testing.T, hosts ...string) *world {
	t.Helper()
	w := &world{pool: sqltest.DB(t), at: time.Now()}
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	w.l = ledger.New(w.pool)
	w.Hooks = New(w.pool, w.l, keys, hosts, func() time.Time { return w.at })
	return w
}

func (w *world) change(t *testing.T, id int64, status uint8, place layers.PlaceID, fresh bool) {
	t.Helper()
	at := &layers.Location{Geom: orb.Point{113.5, 22.9}, Place: place}
	c := layers.Change{Kind: layers.KindEvent, Op: layers.OpPut, FeatureID: id, New: at, Record: &layers.Record{ID: id, Place: place, Class: 1, Level: 2, Status: status}}
	if !fresh {
		c.Old = at
	}
	if _, err := w.l.Write(t.Context(), ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error { tx.Record(c); return nil }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) work(t *testing.T) {
	t.Helper()
	if err := w.Queue(t.Context(), city{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) listed(t *testing.T) Listed {
	t.Helper()
	list, err := w.List(t.Context(), layers.Internal("t"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	return list[0]
}

func TestSystemsAreTold(t *testing.T) {
	r := newReceiver(t)
	w := open(t, "127.0.0.1")
	w.change(t, 1, 1, 2, true) // before anybody was to be told
	secret, err := w.PutOut(t.Context(), layers.Internal("t"), Out{Code: "hub", URL: r.URL + "/in", Types: []string{"event.reported", "event.closed"}, Place: "990101000000", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, 2, 1, 2, true)
	w.change(t, 3, 1, 1, true)  // not in the town
	w.change(t, 2, 4, 2, false) // not a type that it wants
	w.change(t, 2, layers.StatusClose, 2, false)
	for range 3 { // again: nothing is told twice
		w.work(t)
	}
	if len(r.got) != 2 {
		t.Fatalf("%d messages: %s", len(r.got), r.bodies)
	}
	key, ok := secretBytes(secret)
	if !ok {
		t.Fatal("the secret is none")
	}
	types := map[string]bool{}
	for i, q := range r.got {
		if _, err := Verify(key, q.Header, r.bodies[i], w.at); err != nil || q.URL.Path != "/in" || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("message %d: %v", i, err)
		}
		var m Message
		if err := json.Unmarshal(r.bodies[i], &m); err != nil || m.Data.ID != 2 || m.Data.Category != "fire" || m.Data.Place != "990101000000" || m.Data.Lon != 113.5 {
			t.Errorf("%s: %v", r.bodies[i], err)
		}
		types[m.Type] = true
	}
	if !types["event.reported"] || !types["event.closed"] {
		t.Errorf("%v", types)
	}
	if l := w.listed(t); l.Waiting != 0 || l.Dead != 0 {
		t.Errorf("%+v", l)
	}
	var text string
	if err := w.pool.QueryRow(t.Context(), `select to_jsonb(o)::text from webhook_out o`).Scan(&text); err != nil ||
		strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) || strings.Contains(text, fmt.Sprintf("%x", key)) || strings.Contains(text, base64.StdEncoding.EncodeToString(key)) {
		t.Errorf("the secret stands in the table: %v", err)
	}
}

// A system that does not answer is tried again after each pause, with the same id; then the message is dead, until
// somebody has it sent again.
func TestTriesPausesAndDeadLetters(t *testing.T) {
	r := newReceiver(t)
	r.answer = http.StatusInternalServerError
	w := open(t, "127.0.0.1")
	if _, err := w.PutOut(t.Context(), layers.Internal("t"), Out{Code: "hub", URL: r.URL, Types: Types, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	w.change(t, 1, 1, 2, true)
	w.work(t)
	for i, p := range pauses {
		if len(r.got) != i+1 {
			t.Fatalf("%d tries, want %d", len(r.got), i+1)
		}
		w.at = w.at.Add(p - time.Second)
		w.work(t)
		if len(r.got) != i+1 {
			t.Fatalf("tried before the pause of %v was over", p)
		}
		w.at = w.at.Add(2 * time.Second)
		w.work(t)
	}
	w.at = w.at.Add(1000 * time.Hour)
	w.work(t)
	if len(r.got) != len(pauses)+1 {
		t.Errorf("%d tries", len(r.got))
	}
	for _, q := range r.got {
		if q.Header.Get(HeaderID) != r.got[0].Header.Get(HeaderID) {
			t.Error("a message tried again has another id")
		}
	}
	dead, err := w.DeadLetters(t.Context(), layers.Internal("t"), "hub")
	if err != nil || len(dead) != 1 || dead[0].Outcome != "status 500" || dead[0].Attempts != len(pauses)+1 {
		t.Fatalf("%+v, %v", dead, err)
	}
	r.answer = http.StatusOK
	if n, err := w.Retry(t.Context(), layers.Internal("t"), "hub"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	w.work(t)
	if l := w.listed(t); l.Waiting != 0 || l.Dead != 0 || len(r.got) != len(pauses)+2 {
		t.Errorf("%+v after %d tries", l, len(r.got))
	}
}

func TestWhatIsNotFollowed(t *testing.T) {
	r := newReceiver(t)
	w := open(t, "127.0.0.1")
	if _, err := w.PutOut(t.Context(), layers.Internal("t"), Out{Code: "hub", URL: r.URL, Types: Types, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	r.answer = http.StatusFound
	w.change(t, 1, 1, 2, true)
	w.work(t)
	if l := w.listed(t); l.Waiting != 1 || len(r.got) != 1 {
		t.Errorf("a redirection was followed or taken: %+v", l)
	}
	w.hosts = nil // the administrator takes the host off
	w.at = w.at.Add(time.Hour)
	w.work(t)
	if len(r.got) != 1 {
		t.Error("a host that is not named any more was asked")
	}
	w.hosts, r.answer = []string{"127.0.0.1"}, http.StatusGone
	w.at = w.at.Add(time.Hour)
	w.work(t)
	if l := w.listed(t); l.Enabled || l.Dead != 1 {
		t.Errorf("410: %+v", l)
	}
}

// Two servers at once: each message arrives, and is queued once.
func TestServersShareTheWork(t *testing.T) {
	r := newReceiver(t)
	w := open(t, "127.0.0.1")
	if _, err := w.PutOut(t.Context(), layers.Internal("t"), Out{Code: "hub", URL: r.URL, Types: Types, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	const events = 20
	for i := range events {
		w.change(t, int64(i+1), 1, 2, true)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if err := w.Queue(context.Background(), city{}); err != nil {
					t.Error(err)
				}
				if err := w.Send(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, q := range r.got {
		ids[q.Header.Get(HeaderID)] = true
	}
	if len(ids) != events || len(r.got) != events {
		t.Errorf("%d messages arrived in %d tries, want %d", len(ids), len(r.got), events)
	}
}

func TestWhatIsRefused(t *testing.T) {
	w := open(t, "hub.example", "127.0.0.1:9")
	good := Out{Code: "hub", URL: "https://hub.example/in", Types: Types, Enabled: true}
	if _, err := w.PutOut(t.Context(), layers.Internal("t"), good); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Out{
		"another host": {Code: "hub", URL: "https://hub.example.evil/", Types: Types}, "a name in the address": {Code: "hub", URL: "https://hub.example@evil/", Types: Types},
		"plain": {Code: "hub", URL: "http://hub.example/", Types: Types}, "a file": {Code: "hub", URL: "file:///etc/passwd", Types: Types},
		"another port": {Code: "hub", URL: "http://127.0.0.1:22/", Types: Types}, "the metadata service": {Code: "hub", URL: "http://169.254.169.254/", Types: Types},
		"no type": {Code: "hub", URL: good.URL}, "another type": {Code: "hub", URL: good.URL, Types: []string{"person.put"}}, "a code": {Code: "Hub!", URL: good.URL, Types: Types},
	} {
		if _, err := w.PutOut(t.Context(), layers.Internal("t"), o); layers.CodeOf(err) != layers.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.PutIn(t.Context(), layers.Internal("t"), In{Code: "a", Name: "a"}); layers.CodeOf(err) != layers.CodeInvalid {
		t.Error(err)
	}
	for _, scope := range []layers.Scope{{}, layers.Loopback(), {Rights: ^layers.RightSources}} {
		_, err1 := w.PutOut(t.Context(), scope, good)
		_, err2 := w.PutIn(t.Context(), scope, In{Code: "a", Name: "a", Mapping: pipes})
		_, err3 := w.List(t.Context(), scope)
		_, err4 := w.Retry(t.Context(), scope, "hub")
		_, err5 := w.DeadLetters(t.Context(), scope, "hub")
		for i, err := range []error{err1, err2, err3, err4, err5} {
			if layers.CodeOf(err) != layers.CodeForbidden {
				t.Errorf("%d: %v", i, err)
			}
		}
	}
}
