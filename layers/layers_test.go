package layers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// randomTree draws places with parents among them, some of which are missing.
func randomTree(r *rand.Rand) []Place {
	n := 1 + r.IntN(60)
	list := make([]Place, n)
	for i := range list {
		list[i] = Place{ID: PlaceID(i + 1), Code: fmt.Sprintf("%06d", r.IntN(1e6)*100+i), Level: 1}
		if i > 0 && r.IntN(5) > 0 {
			list[i].Parent = PlaceID(1 + r.IntN(i))
		}
		if r.IntN(20) == 0 {
			list[i].Parent = 1000 // not there
		}
	}
	return list
}

func TestTreeRangesHoldExactlyTheDescendants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		list := randomTree(r)
		tree := NewTree(list)
		if tree.Len() != len(list) {
			t.Fatalf("%d of %d places are in the tree", tree.Len(), len(list))
		}
		parent := map[PlaceID]PlaceID{}
		for _, p := range list {
			if p.Parent <= PlaceID(len(list)) {
				parent[p.ID] = p.Parent
			}
		}
		below := func(p, top PlaceID) bool {
			for ; p != 0; p = parent[p] {
				if p == top {
					return true
				}
			}
			return false
		}
		for _, root := range tree.Children(0) {
			if parent[root.ID] != 0 {
				t.Fatalf("%d is not a root", root.ID)
			}
		}
		for _, top := range list {
			lo, hi := tree.Range(top.ID)
			for _, p := range list {
				o := tree.Ordinal(p.ID)
				if (o >= lo && o < hi) != below(p.ID, top.ID) {
					t.Fatalf("place %d, ordinal %d, against %d's range %d–%d", p.ID, o, top.ID, lo, hi)
				}
			}
			path := tree.Path(top.ID)
			if len(path) == 0 || path[len(path)-1].ID != top.ID || parent[path[0].ID] != 0 {
				t.Fatalf("the path of %d is wrong", top.ID)
			}
			for _, c := range tree.Children(top.ID) {
				if parent[c.ID] != top.ID {
					t.Fatalf("%d is no child of %d", c.ID, top.ID)
				}
			}
			if tree.ByCode(top.Code).ID != top.ID {
				t.Fatalf("code %s is not found", top.Code)
			}
		}
	})
}

func TestTreeOfWhatIsNotThere(t *testing.T) {
	tree := NewTree([]Place{{ID: 3, Code: "a"}})
	for _, id := range []PlaceID{0, -1, 2, 4, 1 << 30} {
		if lo, hi := tree.Range(id); tree.Ordinal(id) >= 0 || tree.Place(id) != nil || lo != hi || tree.Path(id) != nil {
			t.Errorf("place %d was found", id)
		}
	}
	if tree.ByCode("b") != nil || NewTree(nil).Len() != 0 {
		t.Error("something was found in nothing")
	}
}

func TestPlaceSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.Int32Range(0, 5000)).Draw(t, "ids")
		var s PlaceSet
		want := map[PlaceID]bool{}
		for _, id := range ids {
			s.Add(PlaceID(id))
			want[PlaceID(id)] = true
		}
		if s.Len() != len(want) {
			t.Fatalf("%d members, want %d", s.Len(), len(want))
		}
		for id := PlaceID(0); id < 5100; id++ {
			if s.Has(id) != want[id] {
				t.Fatalf("membership of %d is wrong", id)
			}
		}
	})
	if (PlaceSet{1}).Has(-1) {
		t.Error("a negative id is a member")
	}
}

func TestScopeFailsClosed(t *testing.T) {
	var nobody Scope
	for _, k := range []Kind{KindPerson, KindSite, KindEvent, KindPlace, "cloud"} {
		if nobody.Detail(k) != DetailNone || nobody.Counts(k, 0) || nobody.Records(k, 1, 0) || nobody.Records(k, 1, 5) {
			t.Errorf("the zero scope may see %s", k)
		}
	}
	if nobody.Rights.Has(RightReport) || (Sight{Records: Reach{Places: PlaceSet{0}}}).Detail() != DetailNone {
		t.Error("nothing is something")
	}
	if everything := Internal("x"); everything.Detail("cloud") != DetailNone {
		t.Error("an unknown kind is seen")
	}
}

func TestWhereAScopeSees(t *testing.T) {
	var village, town Reach
	village.Places.Add(3)
	town.Places.Add(2)
	town.Places.Add(3)
	s := Scope{Event: Sight{Counts: town, Records: village}, Person: Sight{Records: village}, Threshold: 10}
	for _, c := range []struct {
		kind            Kind
		place           PlaceID
		counts, records bool
	}{
		{KindEvent, 3, true, true}, {KindEvent, 2, true, false}, {KindEvent, 1, false, false}, {KindEvent, 0, false, false},
		{KindPerson, 3, true, true}, {KindPerson, 2, false, false}, {KindSite, 3, false, false}, {KindPlace, 9, true, true},
	} {
		if s.Counts(c.kind, c.place) != c.counts || s.Records(c.kind, c.place, 0) != c.records || s.Records(c.kind, c.place, 5) != c.records {
			t.Errorf("%s in %d: counts %v, records %v", c.kind, c.place, s.Counts(c.kind, c.place), s.Records(c.kind, c.place, 0))
		}
	}
	if !s.Rounds(KindPerson) || s.Rounds(KindEvent) || Internal("x").Rounds(KindPerson) {
		t.Error("rounding is for persons without records")
	}
	both := s.Event.With(Sight{Counts: Everywhere()})
	if !both.Counts.All || both.Records.All || !both.Records.Has(3) || town.Places.Len() != 2 || s.Event.Counts.All {
		t.Errorf("united: %+v", both)
	}
}

// A department's own is seen in the places of its grant, of that department alone, and what is no department's by none.
func TestWhereADepartmentSees(t *testing.T) {
	town, far := Reach{}, Reach{}
	town.Places.Add(2)
	town.Places.Add(3)
	far.Places.Add(9)
	own := func(d int16, r Reach) Sight { return Sight{Counts: r, Owned: []Owned{{d, r}}} }
	s := Scope{Event: own(5, town).With(own(7, far)).With(own(5, far)).With(Sight{Counts: far, Records: Reach{Places: PlaceSet{1 << 4}}})}
	for _, c := range []struct {
		place      PlaceID
		department int16
		sees       bool
	}{
		{2, 5, true}, {3, 5, true}, {9, 5, true}, {1, 5, false}, {0, 5, false}, {2, 7, false}, {9, 7, true}, {2, 6, false}, {2, 0, false},
		{4, 5, true}, {4, 7, true}, {4, 0, true},
	} {
		if s.Records(KindEvent, c.place, c.department) != c.sees || s.Event.Of(c.department).Has(c.place) != c.sees {
			t.Errorf("of department %d in %d: %v", c.department, c.place, !c.sees)
		}
		if s.Records(KindSite, c.place, c.department) {
			t.Errorf("sites of department %d in %d are seen by who sees its events", c.department, c.place)
		}
	}
	for place, attends := range map[PlaceID]bool{0: false, 1: false, 2: true, 4: true, 9: true} {
		if s.Attends(place) != attends || s.Event.Some().Has(place) != attends {
			t.Errorf("attends %d: %v", place, !attends)
		}
	}
	if len(s.Event.Owned) != 2 || s.Event.Detail() != DetailRecords || s.Event.Records.All {
		t.Errorf("united: %+v", s.Event)
	}
	if none := (Sight{}).With(own(0, town)).With(own(5, Reach{})); none.Owned != nil || none.Detail() != DetailCounts {
		t.Errorf("no department, or nowhere, owns something: %+v", none)
	}
}

func TestSmallRoundedCountsAreNotTold(t *testing.T) {
	s := Loopback()
	for _, c := range []struct {
		rounded bool
		n       int
		told    bool
	}{
		{true, 0, false}, {true, 5, false}, {true, 10, true}, {false, 0, true}, {false, 1, true},
	} {
		if n, told := s.Told(c.n, c.rounded); told != c.told || told && n != c.n || !told && n != 0 {
			t.Errorf("%d: told %v as %d", c.n, told, n)
		}
	}
	if s.Detail(KindPerson) != DetailCounts || !s.Rounds(KindPerson) {
		t.Error("without accounts, persons must be rounded counts")
	}
}

// Scopes that may see different things must never share cached bytes.
func TestScopeClassesDiffer(t *testing.T) {
	east, west := Reach{}, Reach{}
	east.Places.Add(3)
	west.Places.Add(70)
	all := Everywhere()
	scopes := []Scope{{}, Loopback(), Internal("x"), {Threshold: 5}}
	for _, reach := range []Reach{east, west, all, east.With(west)} {
		scopes = append(scopes,
			Scope{Person: Sight{Counts: reach}}, Scope{Site: Sight{Counts: reach}}, Scope{Event: Sight{Counts: reach}},
			Scope{Person: Sight{Records: reach}}, Scope{Site: Sight{Records: reach}}, Scope{Event: Sight{Records: reach}},
			Scope{Person: Sight{Counts: reach}, Threshold: 5}, Scope{Event: Sight{Counts: east, Records: reach}},
			Scope{Event: Sight{Counts: reach, Records: all}},
			Scope{Event: Sight{Owned: []Owned{{5, reach}}}}, Scope{Event: Sight{Owned: []Owned{{6, reach}}}}, Scope{Site: Sight{Owned: []Owned{{5, reach}}}},
			Scope{Event: Sight{Owned: []Owned{{5, reach}, {6, east}}}}, Scope{Event: Sight{Owned: []Owned{{5, east}, {6, reach}}}})
	}
	seen := map[string]int{}
	for i, s := range scopes {
		if j, twice := seen[s.Class()]; twice && !cmp.Equal(s, scopes[j], cmp.AllowUnexported(Scope{})) {
			t.Errorf("scopes %d and %d share the class %q", i, j, s.Class())
		}
		if s.Sealed().Class() != s.Class() || s.Sealed().Sealed().Class() != s.Class() {
			t.Errorf("scope %d changes its class when sealed", i)
		}
		seen[s.Class()] = i
	}
	longer := Reach{Places: append(PlaceSet{}, east.Places...)}
	longer.Places.Add(640)
	longer.Places[10] = 0 // as long as the greater set, with the smaller one's members
	if (Scope{Person: Sight{Counts: longer}}).Class() != (Scope{Person: Sight{Counts: east}}).Class() {
		t.Error("empty words change the class")
	}
	named := Loopback()
	named.Actor = "somebody"
	if named.Class() != Loopback().Class() {
		t.Error("the actor's name is in the class, and so in cache keys")
	}
}

func TestPositionTravelsAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Position(rapid.Uint64().Draw(t, "p"))
		if back, err := ParsePosition(p.String()); err != nil || back != p {
			t.Fatalf("%d came back as %d, %v", p, back, err)
		}
	})
	for _, bad := range []string{"", "-1", "1.5", "0x10", "99999999999999999999999"} {
		if _, err := ParsePosition(bad); err == nil {
			t.Errorf("%q was taken for a position", bad)
		}
	}
}

func TestDaysAreCivil(t *testing.T) {
	china := time.FixedZone("CST", 8*3600)
	if d := Days(time.Date(1970, 1, 2, 1, 0, 0, 0, china)); d != 1 {
		t.Errorf("the second day of 1970 is day %d", d)
	}
}

func TestParseKind(t *testing.T) {
	for in, want := range map[string]Kind{"people": KindPerson, "sites": KindSite, "event": KindEvent, "places": KindPlace} {
		if got, err := ParseKind(in); err != nil || got != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
	if _, err := ParseKind("religions"); err == nil {
		t.Error("an unknown kind was taken")
	}
}

func TestCheckText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "字字": "", "ab": "", "abc": "is longer than 2 characters", "字字字": "is longer than 2 characters", "a\x00": "is not valid text", "\xff": "is not valid text",
	} {
		err := CheckText("note", text, 2)
		var e *Error
		if errors.As(err, &e) != (want != "") || want != "" && (e.Field != "note" || e.Message != want || e.Code != CodeInvalid) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
