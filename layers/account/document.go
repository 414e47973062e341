package account

import (
	"fmt"
	"strings"
	"time"
)

// Document is docs/roles.md: what the table of rules says.
func Document() string {
	var b strings.Builder
	b.WriteString("# Roles\n\nGenerated from `layers/account/role.go`, the only place that decides it. A role is granted on a place (with all below\n" +
		"it), for a time, by somebody, for a reason; an account's scope is what its grants allow together.\n\n" +
		"How far a role sees: *own* is the place of the grant with all below it, *town* the town around it, *city* the whole city\n" +
		"around it. Where single records are seen, counts are too. *The department's* records are those of the events that\n" +
		"the department of the grant answers for now (decision 0041). Counts of people beyond one's records are rounded numbers\n" +
		"(decision 0018).\n\n" +
		"| role | 中文 | what for | people | sites | events |\n|---|---|---|---|---|---|\n")
	for i := range Rules {
		r := &Rules[i]
		fmt.Fprintf(&b, "| `%s` %s | %s | %s | %s | %s | %s |\n", r.Role, r.NameEn, r.Name, r.AboutEn, r.Person, r.Site, r.Event)
	}
	b.WriteString("\n| role | may | k | session ends idle, at most | held with others | service keys | given by |\n|---|---|---|---|---|---|---|\n")
	for i := range Rules {
		r := &Rules[i]
		may := []string{}
		for _, w := range RightWords {
			if r.Rights.Has(w.Right) {
				may = append(may, w.En)
			}
		}
		if len(may) == 0 {
			may = append(may, "change nothing")
		}
		k, with, key, by := "10", "yes", "no", "administrators of the place"
		if r.Whole {
			by = "administrators of everything"
		}
		switch {
		case r.Person == (Sees{}):
			k = "–"
		case r.Unit:
			k = "5 within one town, else 10"
		}
		switch {
		case r.Alone:
			with = "never"
		case r.Separate:
			with = "not with those who see records of people"
		}
		if r.Key {
			key = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s, %s | %s | %s | %s |\n", r.Role, strings.Join(may, "; "), k, span(r.Idle), span(r.Absolute), with, key, by)
	}
	return b.String()
}

var whereNames = [...]string{Nowhere: "–", Own: "own", Town: "town", City: "city"}

// String is the reach in words.
func (s Sees) String() string {
	switch {
	case s == (Sees{}):
		return "nothing"
	case s.Owned > Nowhere:
		return "counts: " + whereNames[s.Counts] + "; records: the department's in " + whereNames[s.Owned]
	case s.Records == Nowhere:
		return "counts: " + whereNames[s.Counts]
	}
	return "counts: " + whereNames[s.Counts] + "; records: " + whereNames[s.Records]
}

func span(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
