package dispatch

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"onepicture/layers"
)

// steward may change rules.
var steward = func() layers.Scope { s := as("ste", 1); s.Rights |= layers.RightCatalogue; return s }()

func (h *hub) addRule(n NewRule) int32 {
	h.t.Helper()
	id, err := h.AddRule(h.t.Context(), steward, n)
	if err != nil {
		h.t.Fatalf("%+v: %v", n, err)
	}
	return id
}

// Which of several rules acts: the item before the category before any, the smaller place before the greater, a kind of
// time before any. The times: Wednesday 9:00 and 22:00, Saturday 9:00, in Asia/Shanghai.
func TestWhichRuleActs(t *testing.T) {
	h := newHub(t)
	grid, village, town := "990101001000001", "990101001000", "990101000000"
	day, night, holiday := h.at, h.at.Add(13*time.Hour), h.at.AddDate(0, 0, 3)
	names := map[int32]string{}
	for _, r := range []struct {
		name string
		NewRule
	}{
		{"all", NewRule{Unit: "town"}},
		{"all at night", NewRule{Unit: "town", Hours: "night"}},
		{"fires", NewRule{Category: "fire", Unit: "brigade"}},
		{"fires in the town", NewRule{Category: "fire", Place: town, Unit: "town"}},
		{"lanes", NewRule{Item: "F-1", Unit: "village"}},
		{"lanes on holidays", NewRule{Item: "F-1", Hours: "holiday", Unit: "brigade"}},
		{"lanes in the grid", NewRule{Item: "F-1", Place: grid, Worker: 1}},
		{"all in the village by day", NewRule{Place: village, Hours: "work", Unit: "village"}},
	} {
		names[h.addRule(r.NewRule)] = r.name
	}
	ended := h.addRule(NewRule{Item: "F-1", Place: grid, Hours: "work", Unit: "brigade"})
	if err := h.EndRule(t.Context(), steward, ended); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		item, category string
		place          layers.PlaceID
		at             time.Time
		hours, acts    string
	}{
		{"F-1", "", 4, day, "work", "lanes in the grid"},
		{"F-1", "", 4, holiday, "holiday", "lanes in the grid"}, // the place before the time
		{"F-1", "", 5, day, "work", "lanes"},                    // the item before the place
		{"F-1", "", 5, holiday, "holiday", "lanes on holidays"},
		{"", "fire", 5, day, "work", "fires in the town"}, // the category before the place
		{"", "fire", 8, night, "night", "fires"},
		{"", "fire", 0, day, "work", "fires"},
		{"W-1", "", 5, day, "work", "all in the village by day"},
		{"W-1", "", 5, night, "night", "all at night"},
		{"W-1", "", 8, holiday, "holiday", "all"},
	} {
		got, err := h.Which(t.Context(), dan, c.item, c.category, c.place, c.at)
		if err != nil || got.Acts == nil || got.Hours != c.hours || names[got.Acts.ID] != c.acts {
			t.Errorf("%s%s at %d, %v: %s %+v (%v), want %s by %s", c.item, c.category, c.place, c.at, got.Hours, got.Acts, err, c.acts, c.hours)
		}
	}
	if _, err := h.Which(t.Context(), citizen, "F-1", "", 4, day); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("a reporter is told the rules: %v", err)
	}
}

// The order is total and the same in whatever order rules are written: of every two rules exactly one comes first, and it
// is the one that a table of weights says.
func TestTheOrderOfRules(t *testing.T) {
	tree := valley{}.Tree()
	var all []Rule
	for _, item := range [][2]string{{"", ""}, {"", "fire"}, {"F-1", ""}} {
		for _, place := range []layers.PlaceID{0, 1, 2, 3, 4} {
			for _, hours := range []string{"any", "work"} {
				all = append(all, Rule{ID: int32(len(all) + 1), Item: item[0], Category: item[1], Place: place, Hours: hours})
			}
		}
	}
	weight := func(r *Rule) int {
		w := map[string]int{"F-1": 200, "": 0}[r.Item] + map[string]int{"fire": 100, "": 0}[r.Category] + 10*int(r.Place)
		if r.Hours != "any" {
			w++
		}
		return w
	}
	for i := range all {
		for j := range all {
			got, want := more(tree, &all[i], &all[j]), cmp.Compare(weight(&all[j]), weight(&all[i]))
			if got != want || got != -more(tree, &all[j], &all[i]) {
				t.Errorf("%+v before %+v: %d, want %d", all[i], all[j], got, want)
			}
		}
	}
}

func TestEveryMomentIsOfOneKind(t *testing.T) {
	h := newHub(t)
	if _, err := h.pool.Exec(t.Context(), `insert into calendar_day (day, working) values ('2026-05-07', false), ('2026-05-09', true)`); err != nil {
		t.Fatal(err)
	}
	c, err := readCalendar(t.Context(), h.pool)
	if err != nil {
		t.Fatal(err)
	}
	for local, want := range map[string]string{
		"2026-05-06 08:29:59": "night", "2026-05-06 08:30:00": "work", "2026-05-06 11:59:59": "work", "2026-05-06 12:00:00": "night",
		"2026-05-06 14:00:00": "work", "2026-05-06 17:30:00": "night", "2026-05-06 23:59:59": "night", "2026-05-07 09:00:00": "holiday",
		"2026-05-09 09:00:00": "work", "2026-05-09 03:00:00": "night", "2026-05-10 03:00:00": "holiday",
	} {
		at, err := time.ParseInLocation(time.DateTime, local, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.KindOf(at); got != want {
			t.Errorf("%s is %s, want %s", local, got, want)
		}
	}
}

// What follows the rule needs no reason and is "suggested"; what does not needs one, and the timeline keeps both.
func TestOverridingARuleNeedsAReason(t *testing.T) {
	h := newHub(t)
	rule := h.addRule(NewRule{Item: "F-1", Place: "990101000000", Unit: "village"})
	for _, c := range []struct {
		name    string
		to      []Assignee
		reason  string
		against bool
		want    layers.Code
	}{
		{"the unit", []Assignee{{Unit: "village"}}, "", false, ""},
		{"a worker of the unit", []Assignee{{Worker: 2}}, "", false, ""},
		{"it leads, another supports", []Assignee{{Unit: "brigade"}, {Unit: "village", Lead: true}}, "", false, ""},
		{"another without a reason", []Assignee{{Unit: "brigade"}}, "", true, layers.CodeInvalid},
		{"another leads", []Assignee{{Unit: "brigade", Lead: true}, {Unit: "village"}}, " ", true, layers.CodeInvalid},
		{"another with a reason", []Assignee{{Unit: "brigade"}}, "起火了", true, ""},
	} {
		id := h.file(citizen, "F-1")
		_, err := h.Assign(t.Context(), dan, id, Step{Version: 1, Assignees: c.to, Reason: c.reason})
		if layers.CodeOf(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if c.want != "" {
			if h.status(id) != "report" {
				t.Errorf("%s: refused, and the event is %s", c.name, h.status(id))
			}
			continue
		}
		k, err := h.Case(t.Context(), dan, id)
		if err != nil {
			t.Fatal(err)
		}
		last := k.Timeline[len(k.Timeline)-1]
		if last.Rule != rule || last.Against != c.against || last.Automatic || last.Reason != c.reason || k.Assignments[0].Suggested == c.against {
			t.Errorf("%s: the timeline tells %+v, assigned %+v", c.name, last, k.Assignments[0])
		}
	}
	// Where no rule acts nothing is asked.
	free := h.file(citizen, "W-1")
	if _, err := h.Assign(t.Context(), dan, free, Step{Version: 1, Assignees: []Assignee{{Unit: "brigade"}}}); err != nil {
		t.Error(err)
	}
}

// What is accepted where an automatic rule acts is dispatched in the same step; who says to whom is heeded instead.
func TestAutomaticRules(t *testing.T) {
	h := newHub(t)
	rule := h.addRule(NewRule{Item: "F-1", Hours: "work", Worker: 1, Automatic: true})
	h.addRule(NewRule{Item: "W-1", Unit: "village"})
	id := h.file(citizen, "F-1")
	if h.status(id) != "report" {
		t.Error("a rule has acted on what nobody has accepted")
	}
	h.must(dan, id, "accept", to())
	k, err := h.Case(t.Context(), dan, id)
	if err != nil {
		t.Fatal(err)
	}
	last := k.Timeline[len(k.Timeline)-1]
	if h.status(id) != "dispatch" || h.version(id) != 3 || last.Step != "dispatch" || last.Actor != "dan" || last.Rule != rule || !last.Automatic ||
		len(k.Assignments) != 1 || k.Assignments[0].Worker != 1 {
		t.Errorf("%s at version %d, %+v, %+v", h.status(id), h.version(id), last, k.Assignments)
	}
	own := h.file(citizen, "F-1")
	if _, err := h.Assign(t.Context(), dan, own, Step{Version: 1, Assignees: []Assignee{{Unit: "brigade"}}, Reason: "就近"}); err != nil {
		t.Error(err)
	}
	not := h.file(citizen, "W-1")
	h.must(dan, not, "accept", to())
	if h.status(not) != "accept" {
		t.Errorf("a rule that is not automatic has led to %s", h.status(not))
	}
	h.at = h.at.Add(13 * time.Hour)
	late := h.file(citizen, "F-1")
	h.must(dan, late, "accept", to())
	if h.status(late) != "accept" {
		t.Errorf("a rule of the day has acted at night: %s", h.status(late))
	}
}

func TestRefusedRules(t *testing.T) {
	h := newHub(t)
	h.addRule(NewRule{Item: "F-1", Unit: "village"})
	for _, c := range []struct {
		name, field string
		NewRule
	}{
		{"no unit", "unit", NewRule{Item: "F-1"}},
		{"unknown unit", "unit", NewRule{Unit: "x"}},
		{"unknown worker", "worker", NewRule{Worker: 99}},
		{"a worker of another unit", "worker", NewRule{Worker: 1, Unit: "town"}},
		{"unknown item", "item", NewRule{Item: "X", Unit: "town"}},
		{"unknown category", "category", NewRule{Category: "politics", Unit: "town"}},
		{"item and category", "category", NewRule{Item: "F-1", Category: "fire", Unit: "town"}},
		{"unknown place", "place", NewRule{Place: "1", Unit: "town"}},
		{"unknown hours", "hours", NewRule{Hours: "noon", Unit: "town"}},
		{"a formula as note", "note", NewRule{Note: "=1+1", Unit: "town"}},
		{"endless note", "note", NewRule{Note: strings.Repeat("长", 501), Unit: "town"}},
	} {
		_, err := h.AddRule(t.Context(), steward, c.NewRule)
		if e, ok := err.(*layers.Error); !ok || e.Code != layers.CodeInvalid || e.Field != c.field {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := h.AddRule(t.Context(), steward, NewRule{Item: "F-1", Unit: "town"}); layers.CodeOf(err) != layers.CodeConflict {
		t.Errorf("the same twice: %v", err)
	}
	if _, err := h.AddRule(t.Context(), dan, NewRule{Unit: "town"}); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("an officer adds a rule: %v", err)
	}
	if err := h.EndRule(t.Context(), dan, 1); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("an officer ends a rule: %v", err)
	}
	if err := h.EndRule(t.Context(), steward, 99); layers.CodeOf(err) != layers.CodeNotFound {
		t.Errorf("what is not there ends: %v", err)
	}
	if got := h.rulesAndChanges(h.pool); got != "1 1" {
		t.Errorf("%s rules and changes", got)
	}
}

func (h *hub) rulesAndChanges(q *pgxpool.Pool) (out string) {
	h.t.Helper()
	if err := q.QueryRow(h.t.Context(), `select (select count(*) from dispatch_rule) || ' ' || (select count(*) from change where 'dispatch_rule' = any(fields))`).
		Scan(&out); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// The file that is written is read again and changes nothing; faults are told all at once and write nothing.
func TestRulesAsAFile(t *testing.T) {
	h := newHub(t)
	good := "\ufeffitem,category,place,hours,unit,worker,automatic,note\n" +
		"F-1,,990101000000,work,village,,1,\"白天, 厚街\"\n,fire,,,,3,,\n,,,night,town,,0,\n"
	if r, err := h.ImportRules(t.Context(), steward, good, true); err != nil || r.Read != 3 || r.Added != 3 || len(r.Faults) != 0 || h.rulesAndChanges(h.pool) != "0 0" {
		t.Fatalf("a trial: %+v, %v", r, err)
	}
	if r, err := h.ImportRules(t.Context(), steward, good, false); err != nil || r.Added != 3 || h.rulesAndChanges(h.pool) != "3 1" {
		t.Fatalf("%+v, %v", r, err)
	}
	var out strings.Builder
	if err := h.ExportRules(t.Context(), dan, &out); err != nil {
		t.Fatal(err)
	}
	// Numbers go on from what a trial took.
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 4 || !strings.HasSuffix(lines[1], `F-1,,990101000000,work,village,,1,"白天, 厚街"`) ||
		!strings.HasSuffix(lines[2], ",,fire,,any,brigade,3,,") {
		t.Errorf("written: %q", lines)
	}
	if r, err := h.ImportRules(t.Context(), steward, out.String(), false); err != nil || r.Added != 0 || r.Known != 3 || len(r.Faults) != 0 || h.rulesAndChanges(h.pool) != "3 1" {
		t.Errorf("the same again: %+v, %v", r, err)
	}
	bad := "item,unit,hours,worker,automatic,colour\nX,village,,,,\nF-1,nobody,,,,\nF-1,village,noon,,,\nF-1,village,,abc,,\nF-1,village,,,yes,\nF-1,village\nW-1,village,,,,\n\"F-1,village,,,,\n"
	r, err := h.ImportRules(t.Context(), steward, bad, false)
	var told []string
	for _, f := range r.Faults {
		told = append(told, fmt.Sprintf("%d %s", f.Line, f.Column))
	}
	if want := "1 colour, 2 item, 3 unit, 4 hours, 5 worker, 6 automatic, 7 , 9 "; err != nil || strings.Join(told, ", ") != want || r.Added != 0 || h.rulesAndChanges(h.pool) != "3 1" {
		t.Errorf("faults %s, %v\nwant   %s", strings.Join(told, ", "), err, want)
	}
	for _, empty := range []string{"", "item,hours\n"} {
		if r, err := h.ImportRules(t.Context(), steward, empty, false); err != nil || len(r.Faults) == 0 {
			t.Errorf("%q: %+v, %v", empty, r, err)
		}
	}
	if _, err := h.ImportRules(t.Context(), dan, good, true); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("an officer imports: %v", err)
	}
	if err := h.ExportRules(t.Context(), citizen, &out); layers.CodeOf(err) != layers.CodeForbidden {
		t.Errorf("a reporter exports: %v", err)
	}
}

func FuzzRuleFile(f *testing.F) {
	f.Add("item,unit\nF-1,village\n")
	f.Add("unit\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		rules, lines, _ := readRules(text)
		if len(rules) != len(lines) {
			t.Errorf("%d rules on %d lines", len(rules), len(lines))
		}
	})
}
