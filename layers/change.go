package layers

import (
	"strconv"
	"time"

	"github.com/paulmach/orb"
)

// Position is the place of a committed change in the ledger: the id of the transaction that made it. Whatever is
// derived knows the position that it reflects. Zero is before everything.
type Position uint64

// String is the position in decimal, as it travels in ETags, event ids and JSON (JavaScript's numbers end at 2^53).
func (p Position) String() string { return strconv.FormatUint(uint64(p), 10) }

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	return Position(n), err
}

// Op is what a change did.
type Op string

// The operations of the ledger.
const (
	OpPut    Op = "put"
	OpDelete Op = "delete"
	OpBatch  Op = "batch" // many features of one kind at once; followers read those rows again
)

// Kinds of changes beside those of features.
const (
	KindLayer     Kind = "layer"     // a layer's definition
	KindCatalogue Kind = "catalogue" // classes, items, departments, sources
	KindRelease   Kind = "release"   // released numbers of persons; ids are of places
	KindAccount   Kind = "account"   // accounts, grants, sessions; told to nobody
	KindAlert     Kind = "alert"     // warnings; what changed is not told, only that something did
	// KindInstruction is an instruction or its acknowledgement: told to those whose codes stand among the fields after
	// ToActor, and to the desks over the place.
	KindInstruction Kind = "instruction"
	KindRisk        Kind = "risk" // objections to scores; told to nobody
)

// ToActor stands before an actor's code among the fields of a change that is told to that actor.
const ToActor = "to:"

// Location is where a feature is and what it belongs to there.
type Location struct {
	Geom       orb.Geometry // the point, or the bound of a line or an area, in WGS 84
	Place      PlaceID
	Layers     uint64 // bits of the thematic layers of its kind
	Department int16  // that answers for it; 0: none
}

// IDRange is an inclusive range of feature ids.
type IDRange struct{ First, Last int64 }

// Change is one committed fact in the ledger.
type Change struct {
	Seq       int64
	Position  Position
	At        time.Time
	Actor     string
	Reason    string
	ClientKey string // unique among all changes when not empty
	Kind      Kind
	Op        Op
	FeatureID int64     // put, delete
	IDs       []IDRange // batch
	Old, New  *Location // nil: did not exist before, does not exist after
	Record    *Record   // put of a person, site or event: the index columns after it
	Fields    []string  // names of the changed columns
}

// Batch is what a follower delivers: all changes of the positions that became complete, ordered by (Position, Seq).
// Two changes of one feature may come with the later state at the smaller position, in one batch or in two; Seq tells
// which is later, because a row's writer holds its lock when it takes the number.
type Batch struct {
	Changes []Change
	Through Position  // every position up to this one is complete
	Begun   Position  // no position from this one on had begun when the changes were read
	At      time.Time // the database's clock when that was so: the as-of time
}
