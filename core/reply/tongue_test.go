package reply_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/reply"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/internal/tonguetest"
)

func TestWhatGermansType(t *testing.T) {
	ack := func(n int64, rest string) reply.Reply {
		return reply.Reply{Verb: reply.Acknowledge, Number: n, Rest: rest}
	}
	for said, want := range map[string]reply.Reply{
		"übernehmen 42":                  ack(42, ""),
		"Übernehmen":                     ack(0, ""),
		"ÜBERNEHME E-42!":                ack(42, ""),
		"uebernehmen 42":                 ack(42, ""),
		"42 übernommen":                  ack(42, ""),
		"übernehmen42":                   ack(42, ""),
		"42übernehmen":                   ack(42, ""),
		"ich übernehme":                  ack(0, ""),
		"Ich übernehme 42.":              ack(42, ""),
		"übernehmen Nr. 42":              ack(42, ""),
		"ok 42":                          ack(42, ""),
		"42 ok":                          ack(42, ""),
		"OK":                             ack(0, ""),
		"okay":                           ack(0, ""),
		"bestätige 42 bin unterwegs":     ack(42, "bin unterwegs"),
		"quittiert 42":                   ack(42, ""),
		"u\u0308bernehmen 42":            ack(42, ""), // as some phones write it: a letter and its dots
		"übernehmen alle":                {Verb: reply.Acknowledge, All: true},
		"gelöst 42":                      {Verb: reply.Resolve, Number: 42},
		"geloest":                        {Verb: reply.Resolve},
		"behoben 42 es war DNS":          {Verb: reply.Resolve, Number: 42, Rest: "es war DNS"},
		"erledigt 42":                    {Verb: reply.Resolve, Number: 42},
		"gelöst alles":                   {Verb: reply.Resolve, All: true},
		"eskalieren 42":                  {Verb: reply.Escalate, Number: 42},
		"Eskaliere 42 brauche DBA":       {Verb: reply.Escalate, Number: 42, Rest: "brauche DBA"},
		"notiz 42 Platte ist nicht voll": {Verb: reply.Note, Number: 42, Rest: "Platte ist nicht voll"},
		"ruhe 42 30m":                    {Verb: reply.Snooze, Number: 42, For: 30 * time.Minute},
		"ruhe 42 für 2 Stunden":          {Verb: reply.Snooze, Number: 42, For: 2 * time.Hour},
		"ruhe 90 Minuten":                {Verb: reply.Snooze, For: 90 * time.Minute},
		"ruhe 42 1 Tag":                  {Verb: reply.Snooze, Number: 42, For: 24 * time.Hour},
		"stand":                          {Verb: reply.Status},
		"hilfe":                          {Verb: reply.Help},
		"stopp":                          {Verb: reply.Stop},
		// English stays understood, whoever types it.
		"ack 42":     ack(42, ""),
		"resolve 42": {Verb: reply.Resolve, Number: 42},
	} {
		t.Run(said, func(t *testing.T) {
			got, err := reply.Parse(said)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// German denies at the end: a sentence that begins with a verb is not yet a yes.
func TestAGermanNoIsNotAYes(t *testing.T) {
	for _, said := range []string{
		"übernehme 42 nicht", "übernehmen 42 kann ich leider nicht", "ich übernehme nicht", "ich übernehme 42 nicht", "ich kann nicht",
		"übernehme ich nicht", "ok 42 aber nicht jetzt", "gelöst 42 ist es noch nicht", "42 nicht gelöst", "erledigt 42 ist hier keiner", "42 übernehme ich nicht",
		"ok, sehe ich mir morgen an", "ok danke", "gelöst war das gestern", "übernehmen bitte Ben", "ok, don't", "eskalieren 42 bitte nicht", "nicht übernehmen 42",
	} {
		_, err := reply.Parse(said)
		require.True(t, fault.Is(err, fault.Invalid), said)
	}
}

func TestWhatIsSaidToReplyIsSaidInGermanToo(t *testing.T) {
	for _, form := range tonguetest.Sentences(t, ".", "reply.go", "keys.go") {
		if form == "Reply ack " || form == " or resolve " || form == ", esc " {
			continue // parts of one sentence, which is looked at below
		}
		require.True(t, text.Retold(tongue.German, sampled(form)), sampled(form))
	}
	for _, said := range []string{"", "42", "gelöst später", "note", "note 42", "snooze", "snooze 42", "ack 42 43", "ack 0", "ack the first E-42", strings.Repeat("a", 1601)} {
		_, err := reply.Parse(said)
		require.Error(t, err)
		german := text.Retell(tongue.German, err.Error())
		require.NotEqual(t, err.Error(), german)
		require.LessOrEqual(t, text.Segments(german), 1, "one text message: %s", german)
		require.NotContains(t, german, "Reply")
	}
	require.Equal(t, 1, utf8.RuneCountInString("ü"))
}

// sampled is a form as it is said: what is asked for by "note%s" is a number with its space.
func sampled(form string) string {
	form = strings.NewReplacer("note%s", "note 7", "snooze%s", "snooze 7").Replace(form)
	return tonguetest.Filled(form, "Reply ack 7, esc 7 or resolve 7.")
}
