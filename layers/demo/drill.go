package demo

import (
	"maps"
	"slices"
	"time"

	"onepicture/layers/demo/city"
)

// silentDays is how many whole days the source of a drill says nothing.
const silentDays = 7

// EventSources are the sources that events of the invented city come from.
func EventSources() []string { return slices.Sorted(maps.Values(sourceOfChannel)) }

// lastHeard is the end of the last day on which the source of a drill delivered.
func (o *Options) lastHeard() time.Time {
	y, m, d := o.Now.Date()
	return time.Date(y, m, d-silentDays, 0, 0, -1, 0, o.Now.Location())
}

// unheard tells that an event happened, but that nobody was told.
func (o *Options) unheard(e city.Event) bool {
	return sourceOfChannel[e.Channel] == o.Silent && e.ReportedAt.After(o.lastHeard())
}
