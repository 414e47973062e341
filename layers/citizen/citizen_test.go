package citizen

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/layers/personal"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

func TestSlipsDifferAndAreTypable(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := NewSlip()
		if len(s.Code) != 11 || s.Code[5] != '-' || len(s.Token) < 20 || seen[s.Code] || seen[s.Token] || s.Token == s.Code {
			t.Fatalf("%+v", s)
		}
		seen[s.Code], seen[s.Token] = true, true
		if strings.ContainsAny(s.Code, "01IOio") {
			t.Errorf("%s can be misread", s.Code)
		}
	}
	if digest(1, "ABCDE-FGHJK") == digest(2, "ABCDE-FGHJK") || digest(1, "abcde fghjk") != digest(1, "ABCDE-FGHJK") {
		t.Error("a code is bound to its number, and may be typed in any way")
	}
}

// The contact is sealed: the table holds nothing of it, and only the row's own key opens it.
func TestContactIsSealed(t *testing.T) {
	pool := sqltest.DB(t)
	keys, err := personal.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `insert into source (id, code, name, kind) values (1, 's', 's', 'event');
		insert into event (id, source_id, key, class, title, reported_at, geom, hash)
		select i, 1, i::text, 1, 't', now(), st_setsrid(st_makepoint(113, 23), 4326), '' from generate_series(1, 2) i`); err != nil {
		t.Fatal(err)
	}
	l := ledger.New(pool)
	open := func(c *Counter, event int64, k Case) {
		t.Helper()
		if _, err := l.Write(t.Context(), ledger.Act{Actor: "t", Reason: "t"}, func(tx *ledger.Tx) error {
			return c.Open(tx, event, k, NewSlip())
		}); err != nil {
			t.Fatal(err)
		}
	}
	contact := Contact{Name: "张三", Phone: "13800001234", Email: "z@example.org"}
	open(New(pool, l, l, keys, time.Now), 1, Case{Contact: contact})
	open(New(pool, l, l, nil, time.Now), 2, Case{Contact: contact})
	var text string
	if err := pool.QueryRow(t.Context(), `select string_agg(to_jsonb(e)::text, '') || (select string_agg(to_jsonb(c)::text, '') from citizen_case c) from event e`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"张三", "13800001234", "z@example.org"} {
		if strings.Contains(text, never) {
			t.Errorf("%s stands in the table", never)
		}
	}
	var sealed [2][]byte
	for i := range sealed {
		if err := pool.QueryRow(t.Context(), `select reporter from event where id = $1`, i+1).Scan(&sealed[i]); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := keys.Open(personal.Reporter, 1, sealed[0])
	var got Contact
	if err != nil || json.Unmarshal([]byte(opened), &got) != nil || got != contact {
		t.Errorf("%q, %v", opened, err)
	}
	if sealed[1] != nil {
		t.Error("without keys a contact was kept")
	}
}

func TestMayNotBeChangedByEverybody(t *testing.T) {
	pool := sqltest.DB(t)
	c := New(pool, ledger.New(pool), ledger.New(pool), nil, time.Now)
	if _, err := c.SetService(t.Context(), layers.Loopback(), "F-1", Service{Offered: false}); layers.CodeOf(err) != layers.CodeForbidden {
		t.Error(err)
	}
	want := Service{true, []Attribute{{Code: "a", Type: "singlevaluelist", Label: "x", Values: []Value{{"k", "n", ""}}}}}
	if p, err := c.SetService(t.Context(), layers.Internal("t"), "F-1", want); err != nil || p == 0 {
		t.Fatal(p, err)
	}
	got, err := c.Services(t.Context())
	if err != nil || len(got) != 1 || !got["F-1"].Offered || !slices.Equal(got["F-1"].Attributes[0].Values, want.Attributes[0].Values) {
		t.Errorf("%+v, %v", got, err)
	}
}
