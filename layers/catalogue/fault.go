package catalogue

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Classes of faults, for a reader's own language.
const (
	ClassFile      = "file"      // it cannot be read at all
	ClassHeader    = "header"    // a column is missing, unknown or there twice
	ClassCells     = "cells"     // a row is not what the format asks for
	ClassEmpty     = "empty"     // a value must be given
	ClassNumber    = "number"    // a number is none, or beyond its bounds
	ClassCode      = "code"      // characters that a code may not have
	ClassTwice     = "twice"     // the code stands in another row already
	ClassChoice    = "choice"    // the value is none of the possible ones
	ClassReference = "reference" // what is referred to is not known
	ClassLong      = "long"      // too many characters
	ClassText      = "text"      // characters that have no place in a text
	ClassDate      = "date"      // a day is none
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File   string
	Row    int    // line of a CSV, row of a sheet; 0: the file as a whole
	Column string // empty: the whole row
	Class  string
	Reason string // in English
}

// Error tells where and what.
func (f *Fault) Error() string {
	where := f.File
	if f.Row > 0 {
		where += fmt.Sprintf(", line %d", f.Row)
		if f.Column != "" {
			where += ", column " + f.Column
		}
	}
	return where + ": " + f.Reason
}

// Faults are all that is wrong, in the order of the file.
type Faults []*Fault

// Error has a line for each.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// err sorts the faults; nil when there is none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	slices.SortStableFunc(f, func(a, b *Fault) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Row-b.Row)
	})
	return f
}

func (r Row) fault(column, class, format string, args ...any) *Fault {
	return &Fault{r.file, r.line, column, class, fmt.Sprintf(format, args...)}
}
