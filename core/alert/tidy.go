package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What an alert may take. The request as it came is kept beside it.
const (
	longestTitle   = 1024 // characters
	longestKey     = 255
	longestLabel   = 1024
	longestHref    = 2048
	mostLinks      = 20
	mostLabels     = 200
	mostWarnings   = 20
	mostDetailsLen = 64 << 10 // bytes of JSON
)

// Tidy is the alert as everything behind the door may rely on: a known severity, a title on one line, a dedup key that fits,
// links that lead to web pages. What had to be changed for it is said in the warnings.
func (a Alert) Tidy() Alert {
	if a.Source = oneLine(a.Source); a.Source == "" {
		a.Source = a.Client
	}
	a.Title = Clip(oneLine(a.Title), longestTitle)
	if a.Title == "" && a.Action == Trigger {
		a.Title = "alert without a title"
		if a.Source != "" {
			a.Title += " from " + oneLine(a.Source)
		}
	}
	a.Source = Clip(oneLine(a.Source), longestTitle)
	a.Status = Clip(oneLine(a.Status), longestKey)
	a.Client = Clip(oneLine(a.Client), longestTitle)
	a.DedupKey = fitting(a.DedupKey)
	switch a.Severity {
	case Critical, Error, Warning, Info:
	case "":
		a.Severity = Error
	default:
		a.warn("severity %q is unknown: taken as error", Clip(string(a.Severity), 80))
		a.Severity = Error
	}
	a.ClientURL = web(a.ClientURL)
	a.links()
	a.images()
	a.labels()
	if written, err := json.Marshal(a.Details); err != nil || len(written) > mostDetailsLen {
		a.Details = nil
		a.warn("the details are longer than %d bytes: they are kept with the request only", mostDetailsLen)
	}
	if len(a.Warnings) > mostWarnings {
		a.Warnings = a.Warnings[:mostWarnings:mostWarnings]
	}
	return a
}

func (a *Alert) warn(format string, args ...any) {
	a.Warnings = append(a.Warnings[:len(a.Warnings):len(a.Warnings)], fmt.Sprintf(format, args...))
}

func (a *Alert) links() {
	var out []Link
	seen := map[string]bool{}
	for _, l := range a.Links {
		href := web(l.Href)
		if href == "" || seen[href] || len(out) == mostLinks {
			continue
		}
		seen[href] = true
		out = append(out, Link{Href: href, Text: Clip(oneLine(l.Text), longestKey)})
	}
	a.Links = out
}

func (a *Alert) images() {
	var out []Image
	for _, i := range a.Images {
		if i.Source, i.Href = web(i.Source), web(i.Href); strings.HasPrefix(i.Source, "https:") && len(out) < mostLinks {
			out = append(out, i)
		}
	}
	a.Images = out
}

func (a *Alert) labels() {
	if len(a.Labels) == 0 {
		a.Labels = nil
		return
	}
	out := Labels{}
	for name, value := range a.Labels {
		if len(a.Labels) <= mostLabels {
			out[Clip(Clean(name), longestKey)] = Clip(Clean(value), longestLabel)
		}
	}
	if len(out) == 0 {
		a.warn("more than %d labels: they are kept with the request only", mostLabels)
		out = nil
	}
	a.Labels = out
}

// fitting keeps a key that is too long apart from others that begin as it does.
func fitting(key string) string {
	key = strings.TrimSpace(Clean(key))
	if utf8.RuneCountInString(key) <= longestKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return Clip(key, longestKey-33) + "#" + hex.EncodeToString(sum[:16])
}

// Clean is text that can be stored and shown: UTF-8 without NUL.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// oneLine has no line breaks, no other control characters and no runs of space.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, Clean(text))
	return strings.Join(strings.Fields(text), " ")
}

// Clip is the beginning of a text: so many characters at most, the last one an ellipsis where something is missing.
func Clip(text string, most int) string {
	runes, cut := 0, 0
	for at := range text {
		if runes == most-1 {
			cut = at
		}
		if runes++; runes > most {
			return text[:cut] + "…"
		}
	}
	return text
}

// web is an address that may be shown as a link, or nothing: no scripts, no files.
func web(address string) string {
	address = strings.TrimSpace(address)
	scheme, rest, _ := strings.Cut(address, "://")
	odd := func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '"' || r == '<' || r == '>' || r == '\\' || r == utf8.RuneError
	}
	if scheme != "http" && scheme != "https" || len(address) > longestHref || strings.ContainsFunc(address, odd) {
		return ""
	}
	if rest == "" || strings.ContainsRune("/?#:", rune(rest[0])) {
		return ""
	}
	return address
}
