package alert

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
	"onepicture/layers/ledger"
	"onepicture/sql/sqltest"
)

func TestMain(m *testing.M) { sqltest.Main(m) }

// Two towns side by side, each with two villages side by side: 9901 01 (113.0–113.1) and 02 (113.1–113.2).
var tree = layers.NewTree([]layers.Place{
	{ID: 1, Code: "990100000000", Level: 1, Name: "市"},
	{ID: 2, Code: "990101000000", Level: 2, Parent: 1, Name: "望江镇"}, {ID: 3, Code: "990102000000", Level: 2, Parent: 1, Name: "云东镇"},
	{ID: 4, Code: "990101001000", Level: 3, Parent: 2, Name: "西村"}, {ID: 5, Code: "990101002000", Level: 3, Parent: 2, Name: "东村"},
	{ID: 6, Code: "990102001000", Level: 3, Parent: 3, Name: "北村"},
})

const country = `
insert into source (id, code, name, kind) values (1, 'places', 'p', 'place');
insert into place (id, code, level, parent_id, name, geom, source_id)
select p.id, p.code, p.level, p.parent, 'x', st_multi(st_makeenvelope(p.w, 23.0, p.e, 23.1, 4326)), 1
from (values (1, '990100000000', 1, null, 113.0, 113.2), (2, '990101000000', 2, 1, 113.0, 113.1), (3, '990102000000', 2, 1, 113.1, 113.2),
    (4, '990101001000', 3, 2, 113.0, 113.05), (5, '990101002000', 3, 2, 113.05, 113.1), (6, '990102001000', 3, 3, 113.1, 113.2)) p (id, code, level, parent, w, e)`

var noon = time.Date(2026, 5, 4, 4, 0, 0, 0, time.UTC)

func desk(t *testing.T) (*Desk, *ledger.Ledger, *pgxpool.Pool) {
	t.Helper()
	pool := sqltest.DB(t)
	if _, err := pool.Exec(t.Context(), country); err != nil {
		t.Fatal(err)
	}
	serving := sqltest.Requests(t, pool)
	return New(serving, ledger.New(serving)), ledger.New(pool), pool
}

var steward = layers.Scope{Actor: "steward", Rights: layers.RightSources}

func (d *Desk) take(t *testing.T, text string) Taken {
	t.Helper()
	doc, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	taken, _, err := d.Put(t.Context(), steward, doc)
	if err != nil || len(taken) != 1 {
		t.Fatalf("%d taken, %v", len(taken), err)
	}
	return taken[0]
}

// say is an alert of a sender, its time in hours of the day in UTC.
func say(sender, id string, sent int, kind, refs, more string) string {
	if refs != "" {
		refs = "<references>" + refs + "</references>"
	}
	return fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier><sender>%s</sender><sent>2026-05-04T%02d:00:00Z</sent>`+
		`<status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s<info>%s<expires>2026-05-04T10:00:00Z</expires>%s</info></alert>`,
		id, sender, sent, kind, refs, words, more)
}

func ref(sender, id string, sent int) string {
	return fmt.Sprintf("%s,%s,2026-05-04T%02d:00:00+00:00", sender, id, sent)
}

func (d *Desk) holding(t *testing.T, scope layers.Scope, place layers.PlaceID, at time.Time) []Alert {
	t.Helper()
	list, err := d.Holding(t.Context(), scope, Query{Place: place, Tree: tree, Today: noon, Now: at, Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func ids(list []Alert) []string {
	out := []string{}
	for i := range list {
		out = append(out, list[i].Identifier)
	}
	slices.Sort(out)
	return out
}

func TestAlertIsKeptAndTold(t *testing.T) {
	d, l, _ := desk(t)
	doc, err := Parse(bytes.NewReader(file(t, "rainstorm.cap")))
	if err != nil {
		t.Fatal(err)
	}
	taken, position, err := d.Put(t.Context(), steward, doc)
	if err != nil || position == 0 || len(taken) != 1 || taken[0].Outcome != OutcomeNew {
		t.Fatalf("%+v at %d, %v", taken, position, err)
	}
	list := d.holding(t, layers.Loopback(), 0, noon)
	if len(list) != 1 {
		t.Fatalf("%d alerts hold", len(list))
	}
	a := list[0]
	want := doc.Alerts[0]
	if a.ID != taken[0].ID || a.Identifier != want.Identifier || !a.Sent.Equal(want.Sent) || a.Severity != "Extreme" || !a.Signed || !a.Holds(noon) ||
		a.Position != position || len(a.Infos) != 2 || a.Infos[0].Headline != want.Infos[0].Headline || len(a.Infos[0].Areas) != 1 ||
		len(a.Infos[1].Areas[0].Points) != 1 || !cmp.Equal(a.Infos[0].Areas[0].Geocodes, want.Infos[0].Areas[0].Geocodes) {
		t.Errorf("alert %d of %v at %d is not what was put", a.ID, a.Reference, a.Position)
	}
	changes, _, err := l.Since(t.Context(), position-1, 10)
	if err != nil || len(changes.Changes) != 1 {
		t.Fatalf("%d changes, %v", len(changes.Changes), err)
	}
	c := changes.Changes[0]
	if c.Kind != layers.KindAlert || c.FeatureID != a.ID || c.Actor != "steward" || c.New == nil || c.New.Geom == nil || c.Record != nil {
		t.Errorf("%+v", c)
	}
	if b := c.New.Geom.Bound(); b.Min[0] != 113.01 || b.Max[0] < 113.17 || b.Max[0] > 113.18 {
		t.Errorf("bound %v", b)
	}
}

func TestWhoMayBringAlertsIn(t *testing.T) {
	d, _, pool := desk(t)
	doc, err := Parse(strings.NewReader(with("")))
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []layers.Scope{{}, layers.Loopback(), {Actor: "a", Rights: ^layers.RightSources}} {
		if _, _, err := d.Put(t.Context(), scope, doc); layers.CodeOf(err) != layers.CodeForbidden {
			t.Errorf("%s: %v", scope.Actor, err)
		}
	}
	var n int
	if err := pool.QueryRow(t.Context(), `select (select count(*) from alert) + (select count(*) from change)`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestSameAlertAgainChangesNothing(t *testing.T) {
	d, _, pool := desk(t)
	text := say("a", "1", 1, "Alert", "", "")
	var wg sync.WaitGroup
	outcomes := make([]string, 8)
	for i := range outcomes {
		wg.Go(func() {
			doc, err := Parse(strings.NewReader(text))
			if err != nil {
				t.Error(err)
			}
			taken, _, err := d.Put(t.Context(), steward, doc)
			if err != nil || len(taken) != 1 {
				t.Error(err)
				return
			}
			outcomes[i] = taken[0].Outcome
		})
	}
	wg.Wait()
	slices.Sort(outcomes)
	if want := append(slices.Repeat([]string{OutcomeKnown}, 7), OutcomeNew); !slices.Equal(outcomes, want) {
		t.Error(outcomes)
	}
	if got := d.take(t, strings.Replace(text, "Severe", "Minor", 1)); got.Outcome != OutcomeDiffers {
		t.Errorf("another message under the same name is %s", got.Outcome)
	}
	if list := d.holding(t, steward, 0, noon); len(list) != 1 || list[0].Severity != "Severe" {
		t.Errorf("%+v", list)
	}
	var changes int
	if err := pool.QueryRow(t.Context(), `select count(*) from change`).Scan(&changes); err != nil || changes != 1 {
		t.Errorf("%d changes, %v", changes, err)
	}
}

func TestWhatEndsAnAlert(t *testing.T) {
	d, l, _ := desk(t)
	first := d.take(t, say("a", "1", 1, "Alert", "", ""))
	d.take(t, say("b", "1", 1, "Alert", "", ""))
	hold := func(when string, want ...string) {
		t.Helper()
		var got []string
		for _, a := range d.holding(t, steward, 0, noon) {
			got = append(got, a.Sender+a.Identifier)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v hold, want %v", when, got, want)
		}
	}
	hold("at first", "a1", "b1")
	d.take(t, say("c", "9", 2, "Cancel", ref("a", "1", 1)+" "+ref("b", "1", 1), ""))
	hold("cancelled by a stranger", "a1", "b1")
	d.take(t, say("a", "2", 2, "Update", ref("b", "1", 1), ""))
	hold("another sender's updated", "a1", "a2", "b1")
	d.take(t, say("a", "3", 2, "Ack", ref("a", "1", 1), ""))
	hold("acknowledged", "a1", "a2", "b1")
	d.take(t, strings.Replace(say("a", "4", 2, "Cancel", ref("a", "1", 1), ""), "Actual", "Exercise", 1))
	hold("cancelled in an exercise", "a1", "a2", "b1")
	update := d.take(t, say("a", "5", 3, "Update", ref("a", "1", 1), ""))
	hold("updated", "a2", "a5", "b1")
	if !slices.Equal(update.Ended, []int64{first.ID}) {
		t.Errorf("the update ended %v", update.Ended)
	}
	d.take(t, say("a", "7", 5, "Cancel", ref("a", "6", 4)+" "+ref("a", "2", 2), ""))
	hold("cancelled before it came", "a5", "b1")
	d.take(t, say("a", "6", 4, "Alert", "", ""))
	hold("came after its cancellation", "a5", "b1")
	for at, want := range map[time.Time]int{noon.Add(-4 * time.Hour): 0, noon.Add(5*time.Hour + 59*time.Minute): 2, noon.Add(6 * time.Hour): 0} {
		if list := d.holding(t, steward, 0, at); len(list) != want {
			t.Errorf("at %v %d hold, want %d", at, len(list), want)
		}
	}
	one, err := d.One(t.Context(), layers.Loopback(), first.ID, tree, noon)
	if err != nil || one.EndedAt == nil || one.Holds(noon) {
		t.Errorf("an alert that was ended: %+v, %v", one, err)
	}
	b, _, err := l.Since(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, c := range b.Changes {
		if c.FeatureID == first.ID {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the first alert was told of %d times, want when it came and when it ended", told)
	}
}

func TestOnlyWhatIsMeantIsShown(t *testing.T) {
	d, _, _ := desk(t)
	for i, status := range Statuses {
		d.take(t, strings.Replace(say("a", fmt.Sprint(i), 1, "Alert", "", ""), ">Actual<", ">"+status+"<", 1))
	}
	if got := ids(d.holding(t, steward, 0, noon)); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("%v: only actual alerts and exercises are", got)
	}
	inside := d.take(t, strings.Replace(say("a", "inside", 1, "Alert", "", ""), ">Public<", ">Restricted<", 1))
	d.take(t, strings.Replace(say("a", "private", 1, "Alert", "", ""), ">Public<", ">Private<", 1))
	officer := layers.Scope{Actor: "o", Rights: layers.RightHandle}
	wall := layers.Scope{Actor: "w", Event: layers.Sight{Counts: layers.Everywhere()}, Rights: ^(layers.RightHandle | layers.RightSources)}
	for _, c := range []struct {
		scope layers.Scope
		sees  bool
	}{{steward, true}, {officer, true}, {wall, false}, {layers.Scope{}, false}} {
		got := slices.Contains(ids(d.holding(t, c.scope, 0, noon)), "inside")
		_, err := d.One(t.Context(), c.scope, inside.ID, tree, noon)
		if got != c.sees || (err == nil) != c.sees || err != nil && layers.CodeOf(err) != layers.CodeNotFound {
			t.Errorf("%s sees a restricted alert: %v, %v", c.scope.Actor, got, err)
		}
	}
	if _, err := d.One(t.Context(), steward, 999, tree, noon); layers.CodeOf(err) != layers.CodeNotFound {
		t.Error(err)
	}
}

// Which places an alert touches, and at which places it is found.
func TestAlertsAreJoinedToPlaces(t *testing.T) {
	d, _, _ := desk(t)
	for _, c := range []struct {
		name, area string
		places     string // code suffix from the town on; ! is whole
		found      []layers.PlaceID
	}{
		{"within one village", "<polygon>23.01,113.01 23.01,113.02 23.02,113.02 23.01,113.01</polygon>", "00000000 01000000 01001000", []layers.PlaceID{1, 2, 4}},
		{"over the towns' border", "<polygon>23.01,113.09 23.01,113.11 23.02,113.11 23.01,113.09</polygon>",
			"00000000 01000000 01002000 02000000 02001000", []layers.PlaceID{1, 2, 3, 5, 6}},
		{"a whole town", "<polygon>22.9,112.9 22.9,113.1 23.2,113.1 23.2,112.9 22.9,112.9</polygon>",
			"00000000 !01000000", []layers.PlaceID{1, 2, 4, 5}},
		{"everything", "<circle>23.05,113.1 100</circle>", "!00000000", []layers.PlaceID{1, 2, 3, 4, 5, 6}},
		{"two areas as one", "<polygon>22.9,112.9 22.9,113.06 23.2,113.06 23.2,112.9 22.9,112.9</polygon><circle>23.05,113.05 4</circle>",
			"00000000 01000000 !01001000 01002000", []layers.PlaceID{1, 2, 4, 5}},
		{"a point", "<circle>23.05,113.02 0</circle>", "00000000 01000000 01001000", []layers.PlaceID{1, 2, 4}},
		{"a town by its code", "<geocode><valueName>ADCODE</valueName><value>990102</value></geocode>", "00000000 !02000000", []layers.PlaceID{1, 3, 6}},
		{"a village by its code", "<geocode><valueName>c</valueName><value>990101002000</value></geocode>", "00000000 01000000 !01002000", []layers.PlaceID{1, 2, 5}},
		{"an unknown code", "<geocode><valueName>c</valueName><value>880101002000</value></geocode>", "", nil},
		{"elsewhere", "<circle>40,116 10</circle>", "", nil},
		{"in words only", "", "", []layers.PlaceID{1}},
		{"a foreign list", "<geocode><valueName>SAME</valueName><value>990102</value></geocode>", "", []layers.PlaceID{1}},
		{"a bow tie", "<polygon>23.01,113.01 23.04,113.04 23.04,113.01 23.01,113.04 23.01,113.01</polygon>", "00000000 01000000 01001000", []layers.PlaceID{1, 2, 4}},
		{"a line", "<polygon>23.01,113.01 23.01,113.02 23.01,113.03 23.01,113.01</polygon>", "", []layers.PlaceID{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			taken := d.take(t, say("s", strings.ReplaceAll(c.name, " ", "-"), 1, "Alert", "", "<area><areaDesc>x</areaDesc>"+c.area+"</area>"))
			a, err := d.One(t.Context(), steward, taken.ID, tree, noon)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range a.Places {
				mark := ""
				if p.Whole {
					mark = "!"
				}
				got = append(got, mark+p.Place.Code[4:])
			}
			if text := strings.Join(got, " "); text != c.places {
				t.Errorf("touches %q, want %q", text, c.places)
			}
			for id := layers.PlaceID(1); id <= 6; id++ {
				found := slices.ContainsFunc(d.holding(t, steward, id, noon), func(a Alert) bool { return a.ID == taken.ID })
				if found != slices.Contains(c.found, id) {
					t.Errorf("found at place %d: %v", id, found)
				}
			}
		})
	}
	if _, err := d.Holding(t.Context(), steward, Query{Place: 77, Tree: tree, Today: noon, Now: noon, Limit: 1}); layers.CodeOf(err) != layers.CodeNotFound {
		t.Error(err)
	}
}
