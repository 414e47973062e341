package layers

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// Detail is how much of a kind a scope may see. The zero value is nothing.
type Detail uint8

// Details, each including those before it.
const (
	DetailNone    Detail = iota
	DetailCounts         // counts and cells only, of persons rounded
	DetailRecords        // single features with their published attributes
)

// Reach is where something is allowed. The zero value is nowhere.
type Reach struct {
	All    bool
	Places PlaceSet // with their descendants already in it; ignored when All
}

// Everywhere reaches every place and what is in no place.
func Everywhere() Reach { return Reach{All: true} }

// Has tells whether features in that place are within reach.
func (r Reach) Has(p PlaceID) bool { return r.All || r.Places.Has(p) }

// Nowhere tells that nothing is within reach.
func (r Reach) Nowhere() bool { return !r.All && r.Places.Len() == 0 }

// With reaches what either reaches.
func (r Reach) With(o Reach) Reach {
	if r.All || o.All {
		return Everywhere()
	}
	return Reach{Places: r.Places.With(o.Places)}
}

// Owned is where single records of one department's own are seen.
type Owned struct {
	Department int16 // never 0: what is no department's is owned by none
	Reach
}

// Sight is what a scope may see of one kind: counts in some places, single records in some, and in some those of a
// department's own. Where there are records there are counts. The zero value is nothing.
type Sight struct {
	Counts, Records Reach
	Owned           []Owned // by department, one each
}

// With sees what either sees.
func (s Sight) With(o Sight) Sight {
	out := Sight{Counts: s.Counts.With(o.Counts), Records: s.Records.With(o.Records)}
	for _, w := range slices.Concat(s.Owned, o.Owned) {
		at, there := slices.BinarySearchFunc(out.Owned, w.Department, func(a Owned, d int16) int { return cmp.Compare(a.Department, d) })
		switch {
		case w.Department == 0 || w.Nowhere():
		case there:
			out.Owned[at].Reach = out.Owned[at].With(w.Reach)
		default:
			out.Owned = slices.Insert(out.Owned, at, w)
		}
	}
	return out
}

// Of is where single records of a department's are seen; 0: of what is no department's.
func (s Sight) Of(department int16) Reach {
	for i := range s.Owned {
		if w := &s.Owned[i]; department != 0 && w.Department == department {
			return s.Records.With(w.Reach)
		}
	}
	return s.Records
}

// Sees tells whether the record of a feature in that place may be seen, which is that department's; 0: none's.
func (s Sight) Sees(p PlaceID, department int16) bool {
	return s.Records.Has(p) || department != 0 && slices.ContainsFunc(s.Owned, func(w Owned) bool {
		return w.Department == department && w.Has(p)
	})
}

// SeesSome tells whether records are seen in that place, be it of one department alone.
func (s Sight) SeesSome(p PlaceID) bool {
	return s.Records.Has(p) || slices.ContainsFunc(s.Owned, func(w Owned) bool { return w.Has(p) })
}

// Some is where records are seen, be it of one department alone.
func (s Sight) Some() Reach {
	out := s.Records
	for _, w := range s.Owned {
		out = out.With(w.Reach)
	}
	return out
}

// Detail is the most that the sight allows anywhere.
func (s Sight) Detail() Detail {
	switch {
	case !s.Records.Nowhere() || len(s.Owned) > 0:
		return DetailRecords
	case !s.Counts.Nowhere():
		return DetailCounts
	}
	return DetailNone
}

// Rights are what an account may do beside looking, one bit each. The zero value is nothing.
type Rights uint32

// The rights.
const (
	RightReport     Rights = 1 << iota // file events
	RightHandle                        // move events through their steps
	RightImport                        // put data in
	RightCatalogue                     // change layers, items, places
	RightSources                       // look after feeds
	RightExport                        // take tables away
	RightAccounts                      // manage accounts and grants
	RightAudit                         // read the audit
	RightUnmask                        // see a personal value for a stated purpose
	RightBreakGlass                    // the same beyond one's places, with an alert
)

// Has tells whether all of those rights are among them.
func (r Rights) Has(of Rights) bool { return r&of == of }

// Scope is what one account may see and do: which places, which kinds, down to which detail, until when. The zero
// value sees nothing. It is an explicit argument of everything that reads.
type Scope struct {
	Actor               string // for the audit and the ledger: an opaque code, never a name
	Person, Site, Event Sight
	Rights              Rights
	Threshold           int       // k: counts of persons beyond Records are rounded to multiples of it; 0: they are exact
	Until               time.Time // when it ends; zero: not by itself

	class string // once Sealed
}

// Sealed is the scope with its Class worked out, for one that many requests use. It must not be changed afterwards.
func (s Scope) Sealed() Scope {
	s.class = ""
	s.class = s.Class()
	return s
}

// Sight is what the scope may see of a kind. Of places it sees all as soon as it sees anything.
func (s Scope) Sight(k Kind) Sight {
	switch k {
	case KindPerson:
		return s.Person
	case KindSite:
		return s.Site
	case KindEvent:
		return s.Event
	case KindPlace:
		if max(s.Person.Detail(), s.Site.Detail(), s.Event.Detail()) > DetailNone {
			return Sight{Counts: Everywhere(), Records: Everywhere()}
		}
	}
	return Sight{}
}

// Detail is the most that the scope may see of a kind anywhere.
func (s Scope) Detail(k Kind) Detail { return s.Sight(k).Detail() }

// Counts tells whether features of a kind in that place may be counted.
func (s Scope) Counts(k Kind, p PlaceID) bool {
	sight := s.Sight(k)
	return sight.Counts.Has(p) || sight.Records.Has(p)
}

// Records tells whether a single feature of a kind may be seen, by its place and the department that answers for it.
// Departments answer for events; for what is of other kinds it is 0.
func (s Scope) Records(k Kind, p PlaceID, department int16) bool {
	return s.Sight(k).Sees(p, department)
}

// Attends tells that the scope sees events of that place one by one, be it those of one department alone: there it may
// know who is on duty, and tell them what to do.
func (s Scope) Attends(p PlaceID) bool { return s.Event.SeesSome(p) }

// Rounds tells that some counts of a kind are rounded for this scope, because it may not see the records.
func (s Scope) Rounds(k Kind) bool {
	return k == KindPerson && s.Threshold > 0 && !s.Person.Records.All
}

// InnerAlerts tells that alerts which are not public are for this scope: of who handles events or looks after feeds.
func (s Scope) InnerAlerts() bool { return s.Rights.Has(RightHandle) || s.Rights.Has(RightSources) }

// Told is a count as this scope may know it; ok is false when it must not be told. A rounded count that is less than
// the threshold stands for any number below it, none included.
func (s Scope) Told(n int, rounded bool) (told int, ok bool) {
	if rounded && n < s.Threshold {
		return 0, false
	}
	return n, true
}

// Class is what the scope means for cached bytes: equal classes may share them. It holds no personal value.
func (s Scope) Class() string {
	if s.class != "" {
		return s.class
	}
	b := make([]byte, 0, 160)
	for _, sight := range [...]Sight{s.Person, s.Site, s.Event} {
		b = sight.Counts.appendDigest(b)
		b = sight.Records.appendDigest(b)
		for _, w := range sight.Owned {
			b = append(append(b, '+'), hex(binary.BigEndian.AppendUint16(nil, uint16(w.Department)))...)
			b = w.appendDigest(b)
		}
	}
	return string(append(b, hex([]byte{byte(s.Threshold)})...))
}

func (r Reach) appendDigest(b []byte) []byte {
	switch {
	case r.All:
		return append(b, '*')
	case r.Nowhere():
		return append(b, '-')
	}
	return append(append(append(b, '('), r.Places.digest()...), ')')
}

// Internal sees everything; for the server's own work, never for a request.
func Internal(actor string) Scope {
	all := Sight{Counts: Everywhere(), Records: Everywhere()}
	return Scope{Actor: actor, Person: all, Site: all, Event: all, Rights: ^Rights(0)}
}

// Loopback is what a page on the server's own machine sees while there are no accounts: sites and events as
// records, persons as counts only.
func Loopback() Scope {
	all := Sight{Counts: Everywhere(), Records: Everywhere()}
	return Scope{
		Actor: "loopback", Person: Sight{Counts: Everywhere()}, Site: all, Event: all,
		Rights: RightReport | RightHandle, Threshold: 10,
	}
}
