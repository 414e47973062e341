package layers

import (
	"math"
	"time"

	"onepicture/geo"
)

// Record is what the index knows of one feature: its location and the columns that filters use. It holds no
// personal value, so it may travel in the ledger and stay in memory. What a column means depends on the kind:
//
//	column      person                     site                      event
//	Class       resident class             site class                category
//	Item        –                          –                         item id (0: none)
//	Status      gender (GB/T 2261.1)       0 planned … 3 closed      step reached, 1 report … 8 void
//	Level       –                          –                         1 gravest … 4 slight
//	Department  –                          –                         that answers for it now (0: none)
//	Flags       care needs (bit set)       –                         channel, FlagLate
//	Time        birth, days since 1970     updated, minutes          reported, minutes since 1970 (UTC)
//	Due         –                          –                         due, minutes since 1970 (0: none)
//	Closed      –                          –                         closed, minutes since 1970 (0: not, or not known when)
type Record struct {
	ID         int64   `json:"id"`
	Key        geo.Key `json:"key"`
	Place      PlaceID `json:"place"`
	Class      uint16  `json:"class"`
	Item       uint16  `json:"item,omitempty"`
	Status     uint8   `json:"status"`
	Level      uint8   `json:"level,omitempty"`
	Department int16   `json:"department,omitempty"`
	Flags      uint32  `json:"flags,omitempty"`
	Time       int32   `json:"time"`
	Due        int32   `json:"due,omitempty"`
	Closed     int32   `json:"closed,omitempty"`
}

// NoTime marks an unknown Time: a person without a birth date, for example.
const NoTime int32 = -1 << 31

// PlaceID is the dense number of a place, its row id. Zero is "in no place".
type PlaceID int32

// Minutes is t as whole minutes since 1970 in UTC, the unit of Record.Time for sites and events.
func Minutes(t time.Time) int32 { return int32(math.Floor(float64(t.Unix()) / 60)) }

// Days is the civil date of t as days since 1970-01-01, the unit of Record.Time for persons.
func Days(t time.Time) int32 {
	y, m, d := t.Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
