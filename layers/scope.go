package layers

// Detail is how much of a kind a scope may see. The zero value is nothing.
type Detail uint8

// Details, each including those before it.
const (
	DetailNone    Detail = iota
	DetailCounts         // counts and cells only, small ones suppressed
	DetailRecords        // single features with their published attributes
)

// Scope is what one account may see: which places, which kinds, down to which detail. The zero value sees
// nothing. It is an explicit argument of everything that reads.
type Scope struct {
	Actor     string // for the audit and the ledger
	AllPlaces bool
	Places    PlaceSet // with their descendants already in it; ignored when AllPlaces
	Person    Detail
	Site      Detail
	Event     Detail
	// Threshold k: a person count below it, except 0, is not told. 0 tells every count.
	Threshold int
}

// Detail is what the scope may see of a kind. Places are public to every account that sees anything.
func (s Scope) Detail(k Kind) Detail {
	switch k {
	case KindPerson:
		return s.Person
	case KindSite:
		return s.Site
	case KindEvent:
		return s.Event
	case KindPlace:
		return max(s.Person, s.Site, s.Event)
	}
	return DetailNone
}

// Sees tells whether features in that place are within the scope.
func (s Scope) Sees(p PlaceID) bool { return s.AllPlaces || s.Places.Has(p) }

// Told is the count as this scope may know it; ok is false when it must not be told.
func (s Scope) Told(k Kind, n int) (told int, ok bool) {
	if s.Detail(k) == DetailNone {
		return 0, false
	}
	if k == KindPerson && n > 0 && n < s.Threshold {
		return 0, false
	}
	return n, true
}

// Class is what the scope means for cached bytes: equal classes may share them. It holds no personal value.
func (s Scope) Class() string {
	b := []byte{'p' + byte(s.Person), 's' + byte(s.Site), 'e' + byte(s.Event), byte(s.Threshold)}
	return string(hex(b)) + s.Places.digest(s.AllPlaces)
}

// Internal sees everything; for the server's own work, never for a request.
func Internal(actor string) Scope {
	return Scope{Actor: actor, AllPlaces: true, Person: DetailRecords, Site: DetailRecords, Event: DetailRecords}
}

// Loopback is what a page on the server's own machine sees while there are no accounts: sites and events as
// records, persons as counts only.
func Loopback() Scope {
	return Scope{
		Actor: "loopback", AllPlaces: true,
		Person: DetailCounts, Site: DetailRecords, Event: DetailRecords, Threshold: 10,
	}
}
