package layers

import (
	"slices"
	"time"
)

// Item is one version of an entry of the event catalogue (事项). Events keep the version that they were filed under.
type Item struct {
	ID            uint16
	Code          string
	Version       int
	Class         uint16
	Name, NameEn  string
	Subclass      string // within the category
	Object        string // what it is about
	DepartmentID  int16  // owner; 0: none
	Duty          string // boundary of the owner's duty
	Level         uint8
	DeadlineHours int
	Steps         []string
	Photos        int      // that the feedback needs at least
	Requires      []string // inputs beside those of every event: see Requirements
	VerifyLevel   uint8    // the lowest level whose desk may verify; 0: any
	RoundClock    bool     // the deadline counts all hours, not working hours only
	LevelHours    []int    // deadline by the event's level 1 to 4; nil: DeadlineHours for all
	DupMeters     int      // how near another report may be to be about the same; 0: DefaultDupMeters
	DupHours      int      // how far apart in time; 0: DefaultDupHours
	RepeatDays    int      // within how many days another event at the place is a repeat; 0: DefaultRepeatDays

	ValidFrom time.Time  // first day
	ValidTo   *time.Time // first day on which it is no longer; nil: open
	Idle      bool       // not valid today
	Pinyin    string     // syllables of the name; see layers/pinyin
}

// What an item that says nothing counts as the same, and as a repeat.
const (
	DefaultDupMeters  = 200
	DefaultDupHours   = 72
	DefaultRepeatDays = 14
)

// Near is how near (metres) and how far apart in time two reports of the item may be to be about the same; i may be nil.
func (i *Item) Near() (meters float64, within time.Duration) {
	meters, within = DefaultDupMeters, DefaultDupHours*time.Hour
	if i != nil && i.DupMeters > 0 {
		meters = float64(i.DupMeters)
	}
	if i != nil && i.DupHours > 0 {
		within = time.Duration(i.DupHours) * time.Hour
	}
	return meters, within
}

// Repeat is within how many days another event of the item at the place is a repeat.
func (i *Item) Repeat() int {
	if i.RepeatDays > 0 {
		return i.RepeatDays
	}
	return DefaultRepeatDays
}

// ValidOn tells whether events are filed under the version on a day, unless a later one is valid too. Days are those of
// the times' own zones.
func (i *Item) ValidOn(day time.Time) bool {
	civil := func(t time.Time) string { return t.Format(time.DateOnly) }
	return civil(day) >= civil(i.ValidFrom) && (i.ValidTo == nil || civil(day) < civil(*i.ValidTo))
}

// Deadline is how much time there is for an event of the item at a level.
func (i *Item) Deadline(level uint8) time.Duration {
	hours := i.DeadlineHours
	if n := int(level) - 1; n >= 0 && n < len(i.LevelHours) {
		hours = i.LevelHours[n]
	}
	return time.Duration(hours) * time.Hour
}

// Needs tells whether the item asks for an input of a step, such as "feedback", "place".
func (i *Item) Needs(step, input string) bool {
	return i != nil && slices.Contains(i.Requires, step+"."+input)
}

// requirements are the inputs that an item may ask for: at each step what its doer can give there. A feedback's note is
// needed in any case, its photos are a number.
var requirements = []string{
	"report.description", "report.address", "accept.note", "start.note", "start.photo", "start.place", "arrive.note",
	"arrive.photo", "part.photo", "part.place", "feedback.place", "verify.note", "close.note",
}

// Requirements are the inputs that an item may ask for, as step.input.
func Requirements() []string { return slices.Clone(requirements) }

// ValidRequirement tells whether it is one of them.
func ValidRequirement(s string) bool { return slices.Contains(requirements, s) }
