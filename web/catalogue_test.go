package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
)

var (
	saidOnce  = regexp.MustCompile(`\.t\(("(?:[^"\\]|\\.)*")`)
	saidTwice = regexp.MustCompile(`\.n\([^"]*("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*")`)
	verbs     = regexp.MustCompile(`%(?:\[\d+\])?[a-z]`)
)

// everythingSaid is every text that the pages say, in English: the literals of the sources, and what is chosen by value.
func everythingSaid(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.go", "*.templ"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_templ.go") || strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, p := range []*regexp.Regexp{saidOnce, saidTwice} {
				for _, found := range p.FindAllStringSubmatch(string(source), -1) {
					for _, literal := range found[1:] {
						text, err := strconv.Unquote(literal)
						require.NoError(t, err, literal)
						all = append(all, text)
					}
				}
			}
		}
	}
	for _, p := range places {
		all = append(all, p.Name)
	}
	for _, k := range allKinds() {
		all = append(all, k.word())
	}
	for _, k := range keypad() {
		all = append(all, k.Does)
	}
	for _, c := range []org.Channel{org.SMS, org.Voice, org.Email} {
		for _, m := range mishaps(c) {
			all = append(all, m.Means)
		}
	}
	for _, k := range []fault.Kind{
		fault.Invalid, fault.Unauthenticated, fault.Denied, fault.NotFound, fault.Conflict, fault.TooLarge, fault.Throttled,
		fault.Unavailable, fault.Internal,
	} {
		_, title := statusOf(k)
		all = append(all, title)
	}
	for _, method := range []string{"GET", "POST"} {
		for _, status := range []int{403, 503} {
			all = append(all, consequence(method, status))
		}
	}
	for _, s := range []alert.Severity{alert.Critical, alert.Error, alert.Warning, alert.Info} {
		all = append(all, string(s))
	}
	for _, a := range []alert.Action{alert.Trigger, alert.Acknowledge, alert.Resolve, alert.Ignore} {
		all = append(all, string(a))
	}
	for _, k := range org.Kinds() {
		all = append(all, string(k))
	}
	all = append(all, fates...)
	all = append(all, "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Answer", "Update", "Resolve", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
	slices.Sort(all)
	return slices.Compact(all)
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	said := everythingSaid(t)
	for language, catalogue := range catalogues {
		for _, english := range said {
			translated, ok := catalogue[english]
			if !ok {
				t.Errorf("%s lacks\t%q: \"\",", language, english)
				continue
			}
			want, got := verbs.FindAllString(english, -1), verbs.FindAllString(translated, -1)
			require.Len(t, got, len(want), "%s: %q", language, translated)
		}
		for english := range catalogue {
			if _, found := slices.BinarySearch(said, english); !found {
				t.Errorf("%s says what nobody says any more: %q", language, english)
			}
		}
	}
}
