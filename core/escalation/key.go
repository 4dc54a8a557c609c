package escalation

import (
	"strconv"
	"strings"

	"github.com/belayhq/belay/core/id"
)

// Recipient is what the key of a message says by itself: for whom it was, and within what.
type Recipient struct {
	Escalation id.Escalation
	Vendor     id.Vendor // empty: not within a vendor's engagement
	Number     int       // of the engagement
	Person     id.Person
	Method     id.Method
}

// ReadKey takes the key of a message apart: "E-42/t1/ana/mobile/3", "E-42/told/ana/mail/7",
// "E-42/v/acmecloud.1/t1/vik/desk/2"; or that of what a webhook was told, "E-42/hook/resolve-p1/9", which names nobody. Whatever else is no key of a message.
func ReadKey(key string) (Recipient, bool) {
	parts := strings.Split(key, "/")
	r := Recipient{Escalation: id.Escalation(parts[0])}
	if _, err := r.Escalation.Number(); err != nil {
		return Recipient{}, false
	}
	parts = parts[1:]
	if len(parts) > 2 && parts[0] == "v" {
		dot := strings.LastIndex(parts[1], ".")
		number, err := strconv.Atoi(parts[1][dot+1:])
		if dot < 1 || err != nil || number < 1 {
			return Recipient{}, false
		}
		r.Vendor, r.Number, parts = id.Vendor(parts[1][:dot]), number, parts[2:]
	}
	if len(parts) == 3 && parts[0] == "hook" && parts[1] != "" && r.Vendor == "" {
		_, notNumber := strconv.Atoi(parts[2])
		return r, notNumber == nil
	}
	if len(parts) != 4 || parts[1] == "" || parts[2] == "" {
		return Recipient{}, false
	}
	tier, paged := strings.CutPrefix(parts[0], "t")
	_, notTier := strconv.Atoi(tier)
	_, notNumber := strconv.Atoi(parts[3])
	if notNumber != nil || parts[0] != "told" && (!paged || notTier != nil) {
		return Recipient{}, false
	}
	r.Person, r.Method = id.Person(parts[1]), id.Method(parts[2])
	return r, true
}
