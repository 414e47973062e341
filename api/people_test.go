package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"onepicture/layers"
	"onepicture/layers/audit"
	"onepicture/layers/personal"
)

var keysOnce = sync.OnceValues(personal.New)

// townKeys are those by which every small city of these tests is sealed.
func townKeys(t testing.TB) *personal.Keys {
	t.Helper()
	k, err := keysOnce()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// clerk sees the records of the grid and of the village above it, and may unmask them.
func clerk() layers.Scope {
	var own layers.Reach
	own.Places.Add(4)
	own.Places.Add(5)
	sight := layers.Sight{Counts: layers.Everywhere(), Records: own}
	return layers.Scope{Actor: "clerk", Person: sight, Site: sight, Event: sight, Rights: layers.RightUnmask, Threshold: 10}
}

func TestPeople(t *testing.T) {
	scope := clerk()
	w := newTown(t, func(o *Options) { o.Scope = func(*http.Request) layers.Scope { return scope } })
	if err := townKeys(t).Reseal(t.Context(), w.pool, nil); err != nil {
		t.Fatal(err)
	}
	t.Run("list", func(t *testing.T) { testPeopleList(t, w, &scope) })
	t.Run("unmask", func(t *testing.T) { testUnmask(t, w, &scope) })
	t.Run("break-glass", func(t *testing.T) { testBreakGlass(t, w, &scope) })
	t.Run("search", func(t *testing.T) { testPeopleSearch(t, w, &scope) })
	t.Run("refusals", func(t *testing.T) { testPeopleRefuse(t, w, &scope) })
	t.Run("what the audit holds", func(t *testing.T) { testPeopleAudit(t, w, &scope) })
	t.Run("unwritten", func(t *testing.T) { testPeopleUnwritten(t, w, &scope) })
}

// secret tells whether a text holds a value that only an unmasking shows.
func secret(text string) bool {
	for _, s := range []string{"秘密姓名", "密云之人", "9901011940", "9901021950", "13900000", "1940-01-01", "113.05,"} {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

func testPeopleList(t *testing.T, w *town, scope *layers.Scope) {
	*scope = clerk()
	seen, next := map[int64]bool{}, ""
	for range 4 {
		rec := w.get("/api/people?place=" + villageA + "&limit=10" + next)
		if secret(strings.Split(rec.Body.String(), `"place"`)[0]) || strings.Contains(rec.Body.String(), "秘密姓名") {
			t.Fatalf("a list shows %s", rec.Body)
		}
		page := answer[PersonPage](t, rec)
		for _, p := range page.People {
			if seen[p.ID] {
				t.Errorf("%d comes twice", p.ID)
			}
			seen[p.ID] = true
			if p.Full || p.Name != "秘**" || p.IDNumber[0] != '9' || strings.Count(p.IDNumber, "*") != 16 || !strings.HasPrefix(p.Phone, "139****") ||
				p.Birth != nil || p.Point.value != nil || *p.Age < 80 || p.Class != "registered" || strings.Join(p.Needs, "") != "living_alone" {
				t.Errorf("a person in the list: %+v", p)
			}
		}
		if page.Next == nil {
			break
		}
		next = "&before=" + *page.Next
	}
	if len(seen) != 30 {
		t.Errorf("%d persons are listed of 30", len(seen))
	}
	if page := answer[PersonPage](t, w.get("/api/people?place="+cityCode+"&limit=100&layer=elderly")); len(page.People) != 30 {
		t.Errorf("of the city the clerk sees %d persons", len(page.People))
	}
	if page := answer[PersonPage](t, w.get("/api/people?place="+townB)); len(page.People) != 0 {
		t.Errorf("beyond the places %d persons are listed", len(page.People))
	}
}

const visit = `{"purpose":"visit","reason":"入户走访"}`

func testUnmask(t *testing.T, w *town, scope *layers.Scope) {
	*scope = clerk()
	if p := answer[Person](t, w.get("/api/people/1")); p.Full || p.Name != "秘**" || p.Until != nil {
		t.Errorf("before: %+v", p)
	}
	began := time.Now()
	p := answer[Person](t, w.post("/api/people/1/unmask", visit))
	if !p.Full || p.Name != "秘密姓名" || p.IDNumber != "990101194001010001" || p.Phone != "13900000001" || *p.Birth != "1940-01-01" ||
		p.Point.value == nil || p.Until.Sub(began) > personal.Shown+time.Minute || *p.Purpose != "visit" {
		t.Errorf("in full: %+v", p)
	}
	if p := answer[Person](t, w.get("/api/people/1")); !p.Full || p.Phone != "13900000001" {
		t.Errorf("within the ten minutes: %+v", p)
	}
	if p := answer[Person](t, w.get("/api/people/2")); p.Full {
		t.Errorf("another record is shown in full: %+v", p)
	}
	if page := w.get("/api/people?place=" + villageA + "&limit=100"); strings.Contains(page.Body.String(), "秘密姓名") {
		t.Error("the list shows it in full")
	}
	scope.Actor = "other clerk"
	if p := answer[Person](t, w.get("/api/people/1")); p.Full {
		t.Errorf("another account sees it in full: %+v", p)
	}
	*scope = clerk()
	scope.Rights = 0
	if p := answer[Person](t, w.get("/api/people/1")); p.Full {
		t.Errorf("the right was taken away: %+v", p)
	}
	*scope = clerk()
	if _, err := w.pool.Exec(t.Context(), `update unmask set granted_at = granted_at - interval '11 minutes', expires_at = expires_at - interval '11 minutes'`); err != nil {
		t.Fatal(err)
	}
	if p := answer[Person](t, w.get("/api/people/1")); p.Full {
		t.Errorf("after ten minutes: %+v", p)
	}
}

func testBreakGlass(t *testing.T, w *town, scope *layers.Scope) {
	*scope = clerk()
	beyond := `{"purpose":"rescue","reason":"火场被困人员","beyond":true}`
	if p := refusal(t, w.post("/api/people/31/unmask", visit)); p.Status != http.StatusNotFound {
		t.Errorf("beyond the places: %+v", p)
	}
	if p := refusal(t, w.post("/api/people/31/unmask", beyond)); p.Status != http.StatusForbidden {
		t.Errorf("without the right: %+v", p)
	}
	*scope = layers.Scope{ // a duty officer: people as counts only
		Actor: "duty", Person: layers.Sight{Counts: layers.Everywhere()}, Event: layers.Sight{Records: layers.Everywhere()},
		Rights: layers.RightBreakGlass, Threshold: 10,
	}
	if p := refusal(t, w.post("/api/people/31/unmask", `{"purpose":"rescue","reason":"急","beyond":true}`)); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason in words: %+v", p)
	}
	if p := refusal(t, w.post("/api/people/31/unmask", visit)); p.Status != http.StatusForbidden {
		t.Errorf("without breaking the glass: %+v", p)
	}
	if p := answer[Person](t, w.post("/api/people/31/unmask", beyond)); !p.Full || p.Name != "密云之人" {
		t.Errorf("break-glass: %+v", p)
	}
	if p := refusal(t, w.get("/api/people/32")); p.Status != http.StatusNotFound {
		t.Errorf("the next record: %+v", p)
	}
	if p := answer[Person](t, w.get("/api/people/31")); !p.Full {
		t.Errorf("within the ten minutes: %+v", p)
	}
	scope.Rights = 0
	if p := refusal(t, w.get("/api/people/31")); p.Status != http.StatusNotFound {
		t.Errorf("the right was taken away: %+v", p)
	}
}

func searchBody(field, value, more string) string {
	return fmt.Sprintf(`{"field":%q,"value":%q,"purpose":"contact","reason":"核实电话"%s}`, field, value, more)
}

func testPeopleSearch(t *testing.T, w *town, scope *layers.Scope) {
	*scope = clerk()
	for _, c := range []struct {
		field, value string
		found        int
	}{
		{"idNumber", "990101194001010007", 1}, {"idNumber", " 990101-194001010007 ", 1}, {"phone", "139 0000 0007", 1},
		{"phone", "+86 13900000007", 1}, {"phone", "990101194001010007", 0}, {"idNumber", "990102195001010001", 0}, {"idNumber", "99010119400101000", 0},
	} {
		got := answer[FoundPeople](t, w.post("/api/people/search", searchBody(c.field, c.value, "")))
		if len(got.People) != c.found || c.found == 1 && (got.People[0].ID != 7 || got.People[0].Full || got.People[0].Name != "秘**") {
			t.Errorf("%s %s: %+v", c.field, c.value, got.People)
		}
	}
	if p := refusal(t, w.post("/api/people/search", searchBody("idNumber", "990102195001010001", `,"beyond":true`))); p.Status != http.StatusForbidden {
		t.Errorf("beyond without the right: %+v", p)
	}
	scope.Rights |= layers.RightBreakGlass
	got := answer[FoundPeople](t, w.post("/api/people/search", searchBody("idNumber", "990102195001010001", `,"beyond":true`)))
	if len(got.People) != 1 || got.People[0].ID != 31 || got.People[0].Full {
		t.Errorf("break-glass: %+v", got.People)
	}
}

func testPeopleRefuse(t *testing.T, w *town, scope *layers.Scope) {
	counts := layers.Scope{Actor: "wall", Person: layers.Sight{Counts: layers.Everywhere()}, Rights: layers.RightUnmask, Threshold: 10}
	for _, c := range []struct {
		name         string
		scope        layers.Scope
		method, path string
		body         string
		status       int
	}{
		{"the list, counts only", counts, "GET", "/api/people?place=" + villageA, "", 403},
		{"a person, counts only", counts, "GET", "/api/people/1", "", 404},
		{"in full, counts only", counts, "POST", "/api/people/1/unmask", visit, 404},
		{"a search, counts only", counts, "POST", "/api/people/search", searchBody("phone", "13900000001", ""), 403},
		{"nobody", layers.Scope{}, "GET", "/api/people/1", "", 403},
		{"no place", clerk(), "GET", "/api/people", "", 422},
		{"a place that is none", clerk(), "GET", "/api/people?place=1", "", 404},
		{"a layer of sites", clerk(), "GET", "/api/people?place=" + villageA + "&layer=sites", "", 422},
		{"a bad page", clerk(), "GET", "/api/people?place=" + villageA + "&before=x", "", 422},
		{"a person who is not there", clerk(), "GET", "/api/people/999", "", 404},
		{"a person elsewhere", clerk(), "GET", "/api/people/31", "", 404},
		{"an unknown purpose", clerk(), "POST", "/api/people/1/unmask", `{"purpose":"curiosity","reason":"x"}`, 422},
		{"no reason", clerk(), "POST", "/api/people/1/unmask", `{"purpose":"visit","reason":" "}`, 422},
		{"a search for nothing", clerk(), "POST", "/api/people/search", searchBody("phone", "----", ""), 422},
		{"a search by name", clerk(), "POST", "/api/people/search", searchBody("name", "秘密姓名", ""), 422},
		{"a search without a purpose", clerk(), "POST", "/api/people/search", `{"field":"phone","value":"13900000001","purpose":"","reason":""}`, 422},
	} {
		*scope = c.scope
		rec := w.get(c.path)
		if c.method == "POST" {
			rec = w.post(c.path, c.body)
		}
		if p := refusal(t, rec); p.Status != c.status || secret(rec.Body.String()) || strings.Contains(rec.Body.String(), "139000") {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
}

// Each showing is recorded with its purpose, break-glass with an alert, and no value of anybody.
func testPeopleAudit(t *testing.T, w *town, scope *layers.Scope) {
	*scope = auditor()
	rec := w.get("/api/audit?limit=500")
	if secret(rec.Body.String()) || strings.Contains(rec.Body.String(), "139000") {
		t.Error("the audit holds a personal value")
	}
	if list := deeds(t, w, "what=unmask&subject=person&id=1"); len(list) != 2 || list[1].Purpose != "visit" || list[1].Reason != "入户走访" || list[1].Actor != "clerk" || list[1].Alert {
		t.Errorf("unmaskings: %+v", list)
	}
	if list := deeds(t, w, "alerts=true&what=unmask"); len(list) != 2 || *list[1].ID != 31 || list[1].Actor != "duty" || list[1].Purpose != "rescue" {
		t.Errorf("break-glass: %+v", list)
	}
	if list := deeds(t, w, "what=search&subject=people&actor=clerk"); len(list) != 8 || list[7].Filter != "idNumber=*" || list[7].Purpose != "contact" || !list[0].Alert {
		t.Errorf("searches: %+v", list)
	}
	if list := deeds(t, w, "what=read&subject=people"); len(list) < 3 || list[len(list)-1].Rows != 10 || list[len(list)-1].Filter != "place="+villageA {
		t.Errorf("lists: %+v", list)
	}
}

// Nothing personal is shown, and no unmasking given, when it cannot be recorded.
func testPeopleUnwritten(t *testing.T, w *town, scope *layers.Scope) {
	*scope = clerk()
	real := w.Audit
	w.Audit = mute{real}
	defer func() { w.Audit = real }()
	for _, target := range []string{"/api/people?place=" + villageA, "/api/people/3"} {
		unavailable(t, target, w.get(target))
	}
	unavailable(t, "an unmasking", w.post("/api/people/3/unmask", visit))
	unavailable(t, "a search", w.post("/api/people/search", searchBody("phone", "13900000003", "")))
	w.Audit = real
	if p := answer[Person](t, w.get("/api/people/3")); p.Full {
		t.Errorf("an unmasking that was not recorded holds: %+v", p)
	}
}

// mute is an audit that cannot be written.
type mute struct{ Audit }

func (mute) Record(ctx context.Context, _ ...audit.Entry) error {
	return layers.Unavailable(time.Second, "the audit cannot be written", ctx.Err())
}
