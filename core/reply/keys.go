package reply

import (
	"strings"

	"github.com/belayhq/belay/core/fault"
)

// The keys of a telephone, as the words of a call tell them (see core/text).
const (
	KeyAcknowledge = "1"
	KeyEscalate    = "2"
	KeyResolve     = "3"
	KeyRepeat      = "9"
)

// ParseDigit reads a key pressed during a call. The error is Invalid and says, fit to be spoken, which keys there are.
func ParseDigit(key string) (Verb, error) {
	switch strings.TrimSpace(key) {
	case KeyAcknowledge:
		return Acknowledge, nil
	case KeyEscalate:
		return Escalate, nil
	case KeyResolve:
		return Resolve, nil
	case KeyRepeat:
		return Repeat, nil
	}
	return "", fault.New(fault.Invalid, "That key does nothing here. Press %s to acknowledge, %s to escalate, %s to resolve, or %s to hear this again.",
		KeyAcknowledge, KeyEscalate, KeyResolve, KeyRepeat)
}
