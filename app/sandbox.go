package app

import (
	"strings"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
)

// Classify reads a status as Twilio says it, or as page.Status does: people who play a carrier know either.
func Classify(channel org.Channel, status, code string) (page.Status, page.Class, string) {
	switch page.Status(status) {
	case page.Machine:
		return page.Machine, page.Dead, "a mailbox picked up"
	case page.OptedOut:
		return page.OptedOut, page.Barred, "the person said STOP"
	case page.Accepted, page.Delivered, page.Answered, page.Undelivered, page.Busy, page.NoAnswer, page.Failed:
	}
	return twilio.Classify(channel, strings.ReplaceAll(status, "_", "-"), code)
}
