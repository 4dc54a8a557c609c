package blueprint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/belayhq/belay/core/org"
)

// Patterns are shared with the published schema, so that an editor and the loader refuse the same words.
const (
	identPattern    = `^[a-z0-9][a-z0-9._-]{0,63}$`
	durationPattern = `^([0-9]{1,6}d([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?|[0-9]{1,6}h([0-9]{1,6}m)?([0-9]{1,6}s)?|[0-9]{1,6}m([0-9]{1,6}s)?|[0-9]{1,6}s)$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	dayDatePattern  = `^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$`
	momentPattern   = `^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?$`
	clockPattern    = `^[0-9]{2}:[0-9]{2}$`
	spanPattern     = `^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$`
	daysPattern     = `^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$`
	phonePattern    = `^\+[1-9][0-9]{6,14}$`
	mailPattern     = `^[^\s@<>(),;:"\\]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`
	webPattern      = `^https?://[^\s]+$`
	keyPattern      = `^[A-Za-z0-9._~-]{16,255}$`
)

// longest is more than any promise or rotation of this trade.
const longest = 366 * 24 * time.Hour

// duration reads "15m", "5s", "1h30m", "2d": whole numbers of days (24 h), hours, minutes and seconds, largest first.
func duration(text string) (time.Duration, bool) {
	rest, total := text, time.Duration(0)
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		amount, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, ok := number(amount)
		if !ok || len(amount) > 6 {
			return 0, false
		}
		// Beyond twice the longest it is too long, however long: 999999d would wrap around.
		total += time.Duration(min(n, int(2*longest/unit.length))) * unit.length
		rest = after
	}
	return total, text != "" && rest == ""
}

// number reads plain ASCII digits.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, digits) != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// date reads "2026-12-24".
func date(text string) (org.Date, bool) {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return org.Date{}, false
	}
	return org.Date{Year: at.Year(), Month: at.Month(), Day: at.Day()}, true
}

// yearly reads "12-24": the same day of every year. 29 February is a day too.
func yearly(text string) (org.Date, bool) {
	at, ok := date("2024-" + text)
	at.Year = 0
	return at, ok
}

// moment reads a local date or time in the zone, or an absolute time with its offset.
func moment(text string, zone *time.Location) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), true
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// clock reads "09:00" … "24:00".
func clock(text string) (org.ClockTime, bool) {
	left, right, _ := strings.Cut(text, ":")
	hours, okHours := number(left)
	minutes, okMinutes := number(right)
	if !okHours || !okMinutes || len(left) != 2 || len(right) != 2 {
		return 0, false
	}
	at := org.ClockTime(hours*60 + minutes)
	return at, minutes < 60 && at <= 24*60
}

// span reads "09:00-17:00" within one day.
func span(text string) (org.Span, bool) {
	from, until, _ := strings.Cut(text, "-")
	a, okFrom := clock(from)
	b, okUntil := clock(until)
	return org.Span{From: a, Until: b}, okFrom && okUntil && a < b
}

// days reads "mon" or "mon-fri"; "fri-mon" wraps around the weekend.
func days(text string) ([]time.Weekday, bool) {
	from, until, ranged := strings.Cut(text, "-")
	if !ranged {
		until = from
	}
	first, okFirst := weekday(from)
	last, okLast := weekday(until)
	if !okFirst || !okLast {
		return nil, false
	}
	list := []time.Weekday{first}
	for day := first; day != last; {
		day = (day + 1) % 7
		list = append(list, day)
	}
	return list, true
}

func weekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if text == shortDay(day) {
			return day, true
		}
	}
	return 0, false
}

func shortDay(day time.Weekday) string { return strings.ToLower(day.String()[:3]) }

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func ident(text string) bool {
	return len(text) >= 1 && len(text) <= 64 && strings.Trim(text, lower+digits+"._-") == "" && strings.Trim(text[:1], lower+digits) == ""
}

func secret(text string) bool {
	return len(text) >= 16 && len(text) <= 255 && strings.Trim(text, lower+upper+digits+"._~-") == ""
}

func e164(text string) bool {
	number, plus := strings.CutPrefix(text, "+")
	return plus && len(number) >= 7 && len(number) <= 15 && strings.Trim(number, digits) == "" && number[0] != '0'
}

// phone says what is wrong with a number, or nothing. E.164: a plus, the country code, at most 15 digits (ITU-T E.164).
func phone(text string) string {
	if !e164(text) {
		bare := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "").Replace(text)
		if e164(bare) {
			return fmt.Sprintf("is not in E.164 form (write %q)", bare)
		}
		return `is not a phone number in E.164 form (write a plus, the country code and the number, "+12125550123")`
	}
	parsed, err := phonenumbers.Parse(text, "ZZ")
	if err != nil {
		return "is not a phone number: no country has this code (write a plus and the country code first)"
	}
	if !phonenumbers.IsPossibleNumber(parsed) {
		return fmt.Sprintf("has the wrong length for country code +%d", parsed.GetCountryCode())
	}
	return ""
}

// address says what is wrong with an address for its channel, or nothing.
func address(channel org.Channel, text string) string {
	switch channel {
	case org.SMS, org.Voice:
		return phone(text)
	case org.Email:
		if len(text) > 254 || !regexp.MustCompile(mailPattern).MatchString(text) {
			return `is not an e-mail address (write "name@example.com")`
		}
		return ""
	case org.Webhook:
		return web(text)
	}
	return "has no channel"
}

// web says what is wrong with a URL, or nothing. It is stricter than RFC 3986, so that every reader sees the same host.
func web(text string) string {
	const example = `is not a URL (write "https://hooks.example.com/belay")`
	scheme, rest, found := strings.Cut(text, "://")
	if !found || len(text) > 2000 || strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\\<>\"{}|^`", c) }) {
		return example
	}
	if scheme != "https" && scheme != "http" {
		return "must be an https or http URL"
	}
	authority, path := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, path = rest[:at], rest[at:]
	}
	if strings.Contains(authority, "@") {
		return "must not carry a user and password"
	}
	host, port := authority, ""
	if at := strings.LastIndexByte(authority, ':'); at >= 0 {
		host, port = authority[:at], authority[at+1:]
		if n, ok := number(port); !ok || n < 1 || n > 65535 {
			return "has no port number from 1 to 65535 behind its colon"
		}
	}
	if !hostname(host) || !escaped(path) {
		return example
	}
	return ""
}

// hostname is a name or an IPv4 address: labels of letters, digits and inner hyphens. IPv6 literals are refused: nobody
// writes them into a blueprint, and they are the favourite way around address rules.
func hostname(host string) bool {
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, lower+upper+digits+"-") != "" || strings.Trim(label, "-") != label {
			return false
		}
	}
	return len(host) <= 253
}

// escaped reports whether every percent sign starts two hexadecimal digits.
func escaped(path string) bool {
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			continue
		}
		if i+2 >= len(path) || strings.Trim(path[i+1:i+3], digits+"abcdefABCDEF") != "" {
			return false
		}
	}
	return true
}
