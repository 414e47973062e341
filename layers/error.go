package layers

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Code is a closed set of what can go wrong; each has one HTTP status.
type Code string

// The codes.
const (
	CodeInvalid         Code = "invalid"         // the request or a field of it; 422
	CodeNotFound        Code = "not_found"       // or not within the scope: the two are not told apart; 404
	CodeUnauthenticated Code = "unauthenticated" // nobody has signed in, or the session is over; 401
	CodeForbidden       Code = "forbidden"       // 403
	CodeConflict        Code = "conflict"        // the state has changed meanwhile; 409
	CodeUnavailable     Code = "unavailable"     // try again; 503
	CodeTooMany         Code = "too_many"        // asked too often: wait; 429
	CodeTooLarge        Code = "too_large"       // 413
	CodeInternal        Code = "internal"        // 500
)

// Error is the one error that crosses floors towards a user: a code, a sentence safe to show, and the field that it
// is about. The cause is for the log.
type Error struct {
	Code       Code
	Message    string // safe to show: no personal value, no SQL
	Field      string // "" or the path of the field
	RetryAfter time.Duration
	Cause      error
}

func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Invalid says that a field is wrong and how.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CheckText refuses what is no text (UTF-8 without NUL, which PostgreSQL cannot keep) or longer than so many characters.
func CheckText(field, text string, most int) error {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return Invalid(field, "is not valid text")
	case utf8.RuneCountInString(text) > most:
		return Invalid(field, "is longer than %d characters", most)
	}
	return nil
}

// NotFound says that there is no such thing within the scope.
func NotFound(what string) *Error {
	return &Error{Code: CodeNotFound, Message: "no such " + what}
}

// Unavailable says to try again after a while.
func Unavailable(after time.Duration, message string, cause error) *Error {
	return &Error{Code: CodeUnavailable, Message: message, RetryAfter: after, Cause: cause}
}

// Forbidden says what the scope does not allow.
func Forbidden(message string) *Error { return &Error{Code: CodeForbidden, Message: message} }

// TooMany says to wait before asking again.
func TooMany(after time.Duration, message string) *Error {
	return &Error{Code: CodeTooMany, Message: message, RetryAfter: after}
}

// CodeOf is the code of an error; CodeInternal for those that are not of this type.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
