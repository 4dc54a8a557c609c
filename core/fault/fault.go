// Package fault names what can go wrong, once, so that every room can react to the kind instead of the words.
// It knows nothing of HTTP, SQL or Temporal: the rooms at the edge map kinds to status codes and retry rules.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what a machine needs to know about an error.
type Kind string

const (
	Invalid         Kind = "invalid"         // the caller sent something that can never be right
	Unauthenticated Kind = "unauthenticated" // we do not know who asks
	Denied          Kind = "denied"          // we know who asks, and they may not
	NotFound        Kind = "not_found"       // the thing named does not exist
	Conflict        Kind = "conflict"        // the thing exists and its state refuses this
	TooLarge        Kind = "too_large"       // more than we take
	Throttled       Kind = "throttled"       // right, but not now
	Unavailable     Kind = "unavailable"     // something we need does not answer
	Internal        Kind = "internal"        // our fault
)

// Error carries a kind, the words for a human, and, for bad input, the field that is wrong.
type Error struct {
	Kind       Kind
	Field      string // path of the offending field, such as "payload.severity"; empty when no single field is at fault
	Message    string
	RetryAfter time.Duration // how long to wait before trying again; zero when unknown
	Cause      error
}

func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Cause }

// New says what was attempted with what: fault.New(fault.NotFound, "escalation %s", id).
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Field is an Invalid error that names the field and says what would be right.
func Field(field, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a kind. A nil cause stays nil.
func Wrap(kind Kind, cause error, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// Later is a Throttled error with the time after which trying again makes sense.
func Later(after time.Duration, format string, args ...any) error {
	return &Error{Kind: Throttled, Message: fmt.Sprintf(format, args...), RetryAfter: after}
}

// KindOf returns the kind of the outermost fault in the chain; errors that nobody classified are Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a fault of this kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Retryable reports whether the same call may succeed later without anybody changing it.
func Retryable(err error) bool {
	switch KindOf(err) {
	case Throttled, Unavailable, Internal:
		return true
	case Invalid, Unauthenticated, Denied, NotFound, Conflict, TooLarge:
		return false
	}
	return true
}

// RetryAfter returns how long the outermost fault asks to wait; zero when it does not say.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
