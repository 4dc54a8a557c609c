package escalation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/internal/tonguetest"
)

// Whatever an escalation answers, tells or records is English, and is said again to whoever reads another language: a
// sentence that is added here is added there.
func TestWhateverAnEscalationSaysIsSaidInGermanToo(t *testing.T) {
	pieces := map[string]string{ // of sentences that are put together
		" is called": "tier 2%s", " is called again": "tier 2%s", " reaches nobody": "tier 2%s", ": no answer in time": "tier 2%s",
		" from ": "tier 2: no answer in time%sAna", ", after ": "Ana has it%sBen", "the managers of ": "%sAna", "reopened by ": "%sAna",
		"stood down: ": "%sresolved by Ana", "outside hours of cover until ": "%s2026-01-05 12:00 UTC", "a condition cannot be evaluated: ": "%sx",
		"vendor ": "%sAcme", "; the webhook is not told: this ticket has been watched since before webhooks were known": "it went back and forth between teams%s",
	}
	for _, form := range tonguetest.Sentences(t, ".") {
		switch {
		case strings.HasPrefix(form, "- ") || strings.HasPrefix(form, "**"), // for Temporal's UI
			strings.HasPrefix(form, "2006-") || strings.HasPrefix(form, "15:04"),
			strings.HasSuffix(form, "is not in the blueprint"),      // a fault of ours
			form == "%s %s by %s (%s)",                              // "paged" or "informed", see below
			form == "everybody again",                               // what comes next is said by the pages
			form == "%s (%s)", form == "%s by %s", form == "%s: %s": // of names, of what comes next, of what others said
			continue
		}
		said := tonguetest.Filled(form, "E-7")
		if whole, ok := pieces[form]; ok {
			said = strings.Replace(whole, "%s", form, 1)
		}
		require.True(t, text.Retold(tongue.German, said), "%q", said)
	}
	for _, said := range []string{"Ana paged by sms (mobile)", "Ana informed by voice (call)", "schedule cards (ana) skipped: away", "sms to Ana (mobile): delivered"} {
		require.True(t, text.Retold(tongue.German, said), "%q", said)
	}
}
