package twilio_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/integrations/twilio"
)

func TestThePageCallAsksThreeTimesAndHangsUp(t *testing.T) {
	script := twilio.Script{Language: "de-DE", Voice: "Polly.Vicki"}
	got := string(script.Page("Zahlungen & <mehr>", "https://belay.example.com/voice?key=E-1%2Ft1&x=1"))
	gather := `<Gather input="dtmf" numDigits="1" timeout="5" action="https://belay.example.com/voice?key=E-1%2Ft1&amp;x=1" method="POST">` +
		`<Say language="de-DE" voice="Polly.Vicki">Zahlungen &amp; &lt;mehr&gt;</Say></Gather>`
	require.Equal(t, xml.Header+"<Response>"+strings.Repeat(gather, 3)+"<Hangup></Hangup></Response>", got)
}

func TestAnswers(t *testing.T) {
	script := twilio.Script{}
	require.Equal(t, xml.Header+"<Response><Say>Thank you</Say><Hangup></Hangup></Response>", string(script.Say("Thank you")))
	require.Equal(t, xml.Header+"<Response><Message>Ana has it</Message></Response>", string(script.Reply("Ana has it")))
	require.Equal(t, xml.Header+"<Response></Response>", string(script.Reply("")))
	require.Equal(t, xml.Header+"<Response><Hangup></Hangup></Response>", string(script.Hangup()))
}

func TestGermanWordsAreSpokenByAGermanVoice(t *testing.T) {
	german := `<Response><Say language="de-DE">Hallo</Say><Hangup></Hangup></Response>`
	require.Equal(t, xml.Header+german, string(twilio.Script{}.In(tongue.German).Say("Hallo")))
	require.Equal(t, xml.Header+german, string(twilio.Script{Language: "en-GB", Voice: "Polly.Amy"}.In(tongue.German).Say("Hallo")), "a voice knows one language")
	own := twilio.Script{Language: "de-AT", Voice: "Polly.Vicki"}
	require.Equal(t, own, own.In(tongue.German))
	require.Equal(t, own, own.In(""))
}

// Whatever a monitor puts into a title, it stays words.
func TestWordsNeverBecomeVerbs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Just(`</Say><Dial>+1900</Dial>`), rapid.Just("]]>\x00\x1b\xff")).Draw(t, "text")
		for _, document := range [][]byte{
			twilio.Script{}.Page(text, text), twilio.Script{}.Say(text), twilio.Script{}.Reply(text), twilio.Script{Language: text}.Say(text),
		} {
			decoder := xml.NewDecoder(strings.NewReader(string(document)))
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				if start, ok := token.(xml.StartElement); ok {
					require.Contains(t, []string{"Response", "Gather", "Say", "Hangup", "Message"}, start.Name.Local)
				}
			}
		}
	})
}
