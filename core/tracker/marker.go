package tracker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// Marker names the entries of a timeline that a note holds: looked for when nobody knows whether the note arrived.
type Marker struct {
	Correlation string
	From, To    int // sequence numbers, both included
}

// Seal is a key that only we know. Whoever can write into a ticket can write a marker, but not seal it: entries that nobody
// has noted must not pass for noted.
type Seal []byte

// Mark is how a marker stands in a note: "[belay-E-42-1f2e3d4c5b6a 3-9 0123456789abcdef]".
func (s Seal) Mark(m Marker) string { return fmt.Sprintf("[%s %s]", m.plain(), s.of(m)) }

func (m Marker) plain() string { return fmt.Sprintf("%s %d-%d", m.Correlation, m.From, m.To) }

func (s Seal) of(m Marker) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte("ticket note\x00" + m.plain()))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// A marker is found in whatever a system made of our text.
var marked = regexp.MustCompile(`\[(belay-E-[0-9]+-[0-9a-f]{12}) ([0-9]{1,9})-([0-9]{1,9}) ([0-9a-f]{16})\]`)

// Last is the highest entry of this correlation that any of the texts holds under our seal; 0: none.
func (s Seal) Last(correlation string, texts ...string) int {
	last := 0
	for _, text := range texts {
		for _, found := range marked.FindAllStringSubmatch(text, -1) {
			from, wrong := strconv.Atoi(found[2])
			to, bad := strconv.Atoi(found[3])
			m := Marker{Correlation: found[1], From: from, To: to}
			if wrong != nil || bad != nil || m.Correlation != correlation || !hmac.Equal([]byte(s.of(m)), []byte(found[4])) {
				continue
			}
			last = max(last, to)
		}
	}
	return last
}

// Unmarked is a text in which nobody finds a marker: what people say is none.
func Unmarked(text string) string { return marked.ReplaceAllString(text, "($1 $2-$3)") }
