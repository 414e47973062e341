package dispatch

import "time"

// startClock begins the clock of the handling.
func (w *work) startClock() {
	w.new.clock, w.new.due = &w.now, w.deadline(w.now)
}

// deadline is when an event of the new state's item and level is due whose clock begins at a moment; nil: never.
func (w *work) deadline(from time.Time) *time.Time {
	it := w.picture.Catalogue().Item(w.new.item)
	if it == nil {
		return w.old.due
	}
	due := from.Add(time.Duration(it.DeadlineHours) * time.Hour)
	return &due
}

// moveDue moves the deadline by the time for which the clock stood still.
func (w *work) moveDue(since *time.Time) {
	if w.old.due == nil || since == nil {
		return
	}
	due := w.old.due.Add(w.now.Sub(*since))
	w.new.due = &due
}
