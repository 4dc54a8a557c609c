package reply_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/reply"
)

func TestWhatPeopleType(t *testing.T) {
	ack := func(n int64, rest string) reply.Reply {
		return reply.Reply{Verb: reply.Acknowledge, Number: n, Rest: rest}
	}
	for text, want := range map[string]reply.Reply{
		"ack 42":                             ack(42, ""),
		"ACK 42":                             ack(42, ""),
		"Ack":                                ack(0, ""),
		"a 42":                               ack(42, ""),
		"a":                                  ack(0, ""),
		"take 42":                            ack(42, ""),
		"acknowledge E-42":                   ack(42, ""),
		"42 ack":                             ack(42, ""),
		"e-42 ack":                           ack(42, ""),
		"E42 ack.":                           ack(42, ""),
		"#42 ack":                            ack(42, ""),
		"ack #42":                            ack(42, ""),
		"ack42":                              ack(42, ""),
		"42ack":                              ack(42, ""),
		"ack:42":                             ack(42, ""),
		"ack-42":                             ack(42, ""),
		"ack - 42":                           ack(42, ""),
		"ack E–42":                           ack(42, ""), // the dash that phones put in
		"  ack\t 42 \r\n":                    ack(42, ""),
		"ack\u00a042":                        ack(42, ""),
		"\ufeffack\u202f42\u200b":            ack(42, ""),
		"“ack 42”":                           ack(42, ""),
		"'ack 42'":                           ack(42, ""),
		"\"Ack 42!!\"":                       ack(42, ""),
		"(ack 42).":                          ack(42, ""),
		"ack, 42":                            ack(42, ""),
		"ack 042":                            ack(42, ""),
		"ack number 42":                      ack(42, ""),
		"ａｃｋ　４２":                             ack(42, ""), // full width, from a Japanese keyboard
		"👍":                                  ack(0, ""),
		"👍🏽 👍🏽":                              ack(0, ""),
		"👍\ufe0f":                            ack(0, ""),
		"ack 42 👍":                           ack(42, ""),
		"👍 ack 42":                           ack(42, ""),
		"ack 42 on my way":                   ack(42, "on my way"),
		"ack, looking at it!":                ack(0, "looking at it!"),
		"ack\n42":                            ack(42, ""),
		"ack\nSent from my phone":            ack(0, "Sent from my phone"),
		"> [P1] E-41 …\nack 42":              ack(42, ""),
		"ack 42 db2 is down":                 ack(42, "db2 is down"),
		"ack 9223372036854775807":            ack(9223372036854775807, ""),
		"resolve 42":                         {Verb: reply.Resolve, Number: 42},
		"Res":                                {Verb: reply.Resolve},
		"close":                              {Verb: reply.Resolve},
		"42 closed it was DNS":               {Verb: reply.Resolve, Number: 42, Rest: "it was DNS"},
		"resolve\nSent from afar":            {Verb: reply.Resolve, Rest: "Sent from afar"},
		"esc 42":                             {Verb: reply.Escalate, Number: 42},
		"escalate 42 need a DBA":             {Verb: reply.Escalate, Number: 42, Rest: "need a DBA"},
		"escalate please":                    {Verb: reply.Escalate, Rest: "please"},
		"note 42 Disk is full.":              {Verb: reply.Note, Number: 42, Rest: "Disk is full."},
		"note restarted  db 2":               {Verb: reply.Note, Rest: "restarted db 2"},
		"42 note ask Ana":                    {Verb: reply.Note, Number: 42, Rest: "ask Ana"},
		"NOTE 42 готово":                     {Verb: reply.Note, Number: 42, Rest: "готово"},
		"snooze 42 30m":                      {Verb: reply.Snooze, Number: 42, For: 30 * time.Minute},
		"snooze 30m":                         {Verb: reply.Snooze, For: 30 * time.Minute},
		"snooze 30m 42":                      {Verb: reply.Snooze, Number: 42, For: 30 * time.Minute},
		"snooze 30 minutes":                  {Verb: reply.Snooze, For: 30 * time.Minute},
		"42 snooze for 1h30m":                {Verb: reply.Snooze, Number: 42, For: 90 * time.Minute},
		"snooze 42 1h 30m lunch":             {Verb: reply.Snooze, Number: 42, For: 90 * time.Minute, Rest: "lunch"},
		"snooze 42 2 Hours":                  {Verb: reply.Snooze, Number: 42, For: 2 * time.Hour},
		"snooze E-42 1 day":                  {Verb: reply.Snooze, Number: 42, For: 24 * time.Hour},
		"snooze 42 45s":                      {Verb: reply.Snooze, Number: 42, For: 45 * time.Second},
		"status":                             {Verb: reply.Status},
		"42 status":                          {Verb: reply.Status, Number: 42},
		"status 42?":                         {Verb: reply.Status, Number: 42},
		"help":                               {Verb: reply.Help},
		"HELP!":                              {Verb: reply.Help},
		"?":                                  {Verb: reply.Help},
		"STOP":                               {Verb: reply.Stop},
		"stop.":                              {Verb: reply.Stop},
		"Unsubscribe":                        {Verb: reply.Stop},
		"start":                              {Verb: reply.Start},
		"UNSTOP":                             {Verb: reply.Start},
		strings.Repeat(" ", 1593) + "ack 42": ack(42, ""),
	} {
		t.Run(text, func(t *testing.T) {
			got, err := reply.Parse(text)
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestWhatIsNotAnAnswerIsAnsweredInWords(t *testing.T) {
	const general = "Reply ack, esc or resolve, and then the number in the message."
	for text, want := range map[string]string{
		"":                         "There is nothing in that. " + general,
		" \n\u00a0 ":               "There is nothing in that. " + general,
		"!!!":                      "There is nothing in that. " + general,
		"👎":                        "There is nothing in that. " + general,
		"👍👎":                       "There is nothing in that. " + general,
		"👍 great":                  "I did not understand that. " + general,
		"👍 42":                     "What about 42? Reply ack 42, esc 42 or resolve 42.",
		"42":                       "What about 42? Reply ack 42, esc 42 or resolve 42.",
		"42 what is this":          "I did not understand that. Reply ack 42, esc 42 or resolve 42.",
		"don't ack 42":             "I did not understand that. " + general,
		"stop 42":                  "I did not understand that. " + general,
		"take care":                "I did not understand that, so I did nothing. " + general,
		"close, but not there yet": "I did not understand that, so I did nothing. " + general,
		"a moment please":          "I did not understand that, so I did nothing. " + general,
		"resolve later":            "I did not understand that, so I did nothing. " + general,
		"Liked “[P1] E-42 …”":      "I did not understand that. " + general,
		"ack 42 43":                "One number at a time, please, such as: ack 42",
		"ack 42, 43":               "One number at a time, please, such as: ack 42",
		"resolve 42 and E-43":      "One number at a time, please, such as: resolve 42",
		"ack the first one E-42":   "I did not understand that, so I did nothing. Put the number right after ack.",
		"ack 0":                    "There is no number 0. Use the one in the message, the digits after E-.",
		"ack 99999999999999999999": "There is no number 999999999999.... Use the one in the message, the digits after E-.",
		"note":                     "Say what to note, such as: note looking into it",
		"note 42":                  "Say what to note, such as: note 42 looking into it",
		"note 42 …":                "Say what to note, such as: note 42 looking into it",
		"snooze":                   "Say for how long, such as: snooze 30m or snooze 2h",
		"snooze 42":                "Say for how long, such as: snooze 42 30m or snooze 42 2h",
		"snooze 42 45":             "Say for how long, such as: snooze 42 30m or snooze 42 2h",
		"snooze 42 0m":             "Say for how long, such as: snooze 42 30m or snooze 42 2h",
		"snooze 42 999999999999h":  "Say for how long, such as: snooze 42 30m or snooze 42 2h",
		strings.Repeat("a", 1601):  "That is too long: 1600 characters at most. " + general,
	} {
		t.Run(text, func(t *testing.T) {
			_, err := reply.Parse(text)
			require.True(t, fault.Is(err, fault.Invalid))
			require.EqualError(t, err, want)
			require.LessOrEqual(t, len(want), 160, "one text message")
		})
	}
}

func TestTheKeysOfATelephone(t *testing.T) {
	for key, want := range map[string]reply.Verb{
		"1": reply.Acknowledge, "2": reply.Escalate, "3": reply.Resolve, "9": reply.Repeat, " 1 ": reply.Acknowledge,
	} {
		got, err := reply.ParseDigit(key)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, key := range []string{"", "4", "0", "11", "*", "#", "ack"} {
		_, err := reply.ParseDigit(key)
		require.True(t, fault.Is(err, fault.Invalid), key)
		require.ErrorContains(t, err, "Press 1 to acknowledge")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"ack 42", "snooze 42 1h30m", "👍🏽", "note 42 \u202eabc", "e-9 res", "ack\xff42", "a#e-1", "snooze 1d1d1d", "> x\r\n42ack"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := reply.Parse(text)
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			require.Equal(t, reply.Reply{}, got)
			require.LessOrEqual(t, utf8.RuneCountInString(err.Error()), 160)
			return
		}
		require.NotEmpty(t, got.Verb)
		require.GreaterOrEqual(t, got.Number, int64(0))
		require.Equal(t, got.Verb == reply.Snooze, got.For > 0)
		if got.Verb == reply.Note {
			require.NotEmpty(t, got.Rest)
		}
		require.NotContains(t, got.Rest, "\n")
		again, err := reply.Parse("  " + strings.ToUpper(text) + " ")
		if utf8.RuneCountInString(text) < reply.Longest-2 && isASCII(text) {
			require.NoError(t, err)
			require.Equal(t, got.Verb, again.Verb)
			require.Equal(t, got.Number, again.Number)
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func TestAllIsAWordOfItsOwn(t *testing.T) {
	for text, want := range map[string]reply.Reply{
		"ack all":            {Verb: reply.Acknowledge, All: true},
		"Ack ALL!":           {Verb: reply.Acknowledge, All: true},
		"resolve everything": {Verb: reply.Resolve, All: true},
		"close all":          {Verb: reply.Resolve, All: true},
		"esc all":            {Verb: reply.Escalate, All: true},
		"ack all good":       {Verb: reply.Acknowledge, Rest: "all good"},
		"ack 42 all":         {Verb: reply.Acknowledge, Number: 42, Rest: "all"},
	} {
		got, err := reply.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"all", "close all but one", "all ack"} {
		_, err := reply.Parse(text)
		require.Error(t, err, text)
	}
}
