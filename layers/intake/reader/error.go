package reader

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// The classes of errors: a closed set.
const (
	ClassEncoding  = "encoding"  // bytes that are not text of the declared encoding, or NUL
	ClassColumns   = "columns"   // wrong number of columns, or a bad header
	ClassQuote     = "quote"     // quotes of CSV
	ClassJSON      = "json"      // not JSON, or not the JSON that the format asks for
	ClassDuplicate = "duplicate" // a key twice in one JSON object
	ClassGeometry  = "geometry"  // coordinates that make no geometry
	ClassNumber    = "number"    // not a number, or beyond its range
	ClassDate      = "date"      // a date that does not exist
	ClassSize      = "size"      // beyond one of the Limits
	ClassTruncated = "truncated" // ends too early
	ClassFormat    = "format"    // not a file of this format, or a kind of it that is not read
	ClassArchive   = "archive"   // damaged or deceitful compression
	ClassOption    = "option"    // Options that do not fit the file
	ClassEmpty     = "empty"     // nothing in it
	ClassIO        = "io"        // the system's error
)

// RowError says why one record cannot be read. Reason is a sentence safe to show: it never repeats a value of the
// file, at most its kind and length.
type RowError struct {
	Column string // "" when it is about the whole record
	Class  string
	Reason string
}

func (e *RowError) Error() string {
	if e.Column != "" {
		return "column " + e.Column + ": " + e.Reason
	}
	return e.Reason
}

// FileError says why reading cannot go on.
type FileError struct {
	File   string // base name
	Row    int64  // as Row.Number; 0 when no row is concerned
	Offset int64  // bytes into the decompressed text or the .shp; 0 when not known
	Class  string
	Reason string // safe to show
	Err    error  // the cause, or nil
}

func (e *FileError) Error() string {
	if e.Row > 0 {
		return fmt.Sprintf("%s: row %d: %s", e.File, e.Row, e.Reason)
	}
	return e.File + ": " + e.Reason
}

// Unwrap gives the cause.
func (e *FileError) Unwrap() error { return e.Err }

// fault is an error before it is known to which row or file it belongs.
type fault struct {
	class, reason string
	column        string
	cause         error
}

func (f *fault) Error() string { return f.reason }
func (f *fault) Unwrap() error { return f.cause }

func fail(class, format string, args ...any) *fault {
	return &fault{class: class, reason: fmt.Sprintf(format, args...)}
}

func (f *fault) because(err error) *fault {
	f.cause = err
	return f
}

func (f *fault) in(column string) *fault {
	f.column = column
	return f
}

func (f *fault) row() *RowError {
	return &RowError{Column: f.column, Class: f.class, Reason: f.reason}
}

// fileError places an error in a file. What the system says of a path is not repeated: only the base name is shown.
func fileError(name string, row, offset int64, err error) *FileError {
	var done *FileError
	if errors.As(err, &done) {
		return done
	}
	e := &FileError{File: filepath.Base(name), Row: row, Offset: offset, Class: ClassIO, Reason: "the file cannot be read", Err: err}
	var f *fault
	switch {
	case errors.As(err, &f):
		e.Class, e.Reason, e.Err = f.class, f.reason, f.cause
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Class, e.Reason = ClassTruncated, "the file ends too early"
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		e.Reason = "there is no such file"
	case errors.Is(err, os.ErrPermission):
		e.Reason = "reading the file is not permitted"
	}
	return e
}

// copy keeps a shared fault unchanged.
func (f *fault) copy() *fault {
	g := *f
	return &g
}
