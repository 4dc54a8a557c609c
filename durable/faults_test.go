package durable

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/belayhq/belay/core/fault"
)

func TestAFaultKeepsItsKindOnTheWire(t *testing.T) {
	kinds := []fault.Kind{
		fault.Invalid, fault.Unauthenticated, fault.Denied, fault.NotFound, fault.Conflict, fault.TooLarge,
		fault.Throttled, fault.Unavailable, fault.Internal,
	}
	for _, kind := range kinds {
		sent := fmt.Errorf("page ana: %w", fault.New(kind, "carrier said no"))
		var failure *temporal.ApplicationError
		if !errors.As(Failure(sent), &failure) {
			t.Fatalf("%s: not an application error", kind)
		}
		if failure.NonRetryable() == fault.Retryable(sent) {
			t.Errorf("%s: non-retryable is %t", kind, failure.NonRetryable())
		}
		back := fromFailure(failure)
		if fault.KindOf(back) != kind || back.Error() != "page ana: carrier said no" {
			t.Errorf("%s came back as %s %q", kind, fault.KindOf(back), back)
		}
	}
}

func TestAThrottledFaultIsNotRetriedTooEarly(t *testing.T) {
	var failure *temporal.ApplicationError
	if !errors.As(Failure(fault.Later(7*time.Second, "slow down")), &failure) {
		t.Fatal("not an application error")
	}
	if failure.NextRetryDelay() != 7*time.Second || failure.NonRetryable() {
		t.Fatalf("delay %s, non-retryable %t", failure.NextRetryDelay(), failure.NonRetryable())
	}
}

func TestErrorsWithAMeaningOfTheirOwnPassUntouched(t *testing.T) {
	for _, err := range []error{
		nil,
		context.Canceled,
		errors.New("nobody classified this"),
		temporal.NewCanceledError(),
		temporal.NewNonRetryableApplicationError("mine", "custom", nil),
		fmt.Errorf("around: %w", temporal.NewApplicationError("mine", "custom")),
	} {
		if got := Failure(err); !errors.Is(got, err) || (got == nil) != (err == nil) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestARejectionInTemporalsWordsIsInvalidInput(t *testing.T) {
	var failure *temporal.ApplicationError
	if !errors.As(temporal.NewApplicationError("unknown update dance", ""), &failure) {
		t.Fatal("not an application error")
	}
	if err := fromFailure(failure); !fault.Is(err, fault.Invalid) {
		t.Fatalf("got %s", fault.KindOf(err))
	}
}

func TestSubjectsReadAsPeopleSpeak(t *testing.T) {
	for workflow, want := range map[string]string{
		"escalation/E-42":         "escalation E-42",
		"vendor/E-42/acmecloud/1": "the engagement of acmecloud in E-42",
		"something":               "workflow something",
		"":                        "workflow ",
		"vendor/E-42":             "workflow vendor/E-42",
	} {
		if got := subject(workflow); got != want {
			t.Errorf("%q: got %q, want %q", workflow, got, want)
		}
	}
}
