package model

import "math"

// Underway says that the last day that is known is only half over, as it is on the average while it runs: its events
// count, half of its exposure does not.
func (s *State) Underway() {
	f := s.params.Calendar.Factor(s.Day-1) / 2
	s.all.days -= f
	s.year.days -= f
	s.faded.days -= f * fade(1, s.params.HalfLife)
	s.recent.days -= f * math.Exp(-1/s.params.tau())
}
