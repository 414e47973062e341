// Package audit records who saw, searched, exported, unmasked, changed and granted what, and why: one chain of rows in
// PostgreSQL, each holding the hash of the one before it. What is personal is recorded before it is shown; what is not
// is counted by the minute.
package audit

import (
	"time"
	"unicode/utf8"

	"onepicture/layers"
)

// What was done.
type What string

// The kinds of deeds.
const (
	Read      What = "read"
	Search    What = "search"
	Export    What = "export"
	Unmask    What = "unmask"
	Change    What = "change"
	Grant     What = "grant"
	SignIn    What = "sign_in"
	Refused   What = "refused"
	Retention What = "retention"
)

// Whats are all kinds of deeds.
var Whats = []What{Read, Search, Export, Unmask, Change, Grant, SignIn, Refused, Retention}

// Entry is one deed to be recorded. No field may hold a personal value.
type Entry struct {
	Actor    string // code of an account or a program
	What     What
	Subject  string // person, event, a route, a table
	ID       int64  // of the subject; 0: none or many
	Purpose  string // code of a purpose
	Reason   string // in the actor's words
	Filter   string // what was asked, without the personal values
	Rows     int64
	Position layers.Position // of the picture that was shown; 0: none
	Took     time.Duration
	Request  string // the request's id
	Alert    bool   // the auditor must look at it
}

// Row is an entry as it was recorded.
type Row struct {
	Seq int64
	At  time.Time
	Entry
	Previous, Hash [32]byte
}

// Longest texts, in characters; the same as in the schema.
const (
	maxActor   = 60
	maxSubject = 200
	maxPurpose = 60
	maxReason  = 500
	maxFilter  = 2000
	maxRequest = 100
)

// bounded is the entry with its texts cut to what the table takes: a deed is never left out because its words are long.
func (e Entry) bounded() Entry {
	for _, f := range []struct {
		text *string
		most int
	}{
		{&e.Actor, maxActor}, {&e.Subject, maxSubject}, {&e.Purpose, maxPurpose}, {&e.Reason, maxReason},
		{&e.Filter, maxFilter}, {&e.Request, maxRequest},
	} {
		*f.text = clean(*f.text, f.most)
	}
	if e.Actor == "" {
		e.Actor = "nobody"
	}
	e.Rows, e.ID, e.Took = max(e.Rows, 0), max(e.ID, 0), max(e.Took, 0)
	return e
}

// clean is s as PostgreSQL can hold it: UTF-8 without zero bytes, at most so many characters.
func clean(s string, most int) string {
	out := make([]rune, 0, min(len(s), most))
	for len(s) > 0 && len(out) < most {
		r, n := utf8.DecodeRuneInString(s)
		if r != 0 {
			out = append(out, r)
		}
		s = s[n:]
	}
	return string(out)
}
