package twilio

import (
	"encoding/xml"
	"strings"

	"github.com/belayhq/belay/core/tongue"
)

// Script writes TwiML: what is said on a call, and answers to an SMS. Text is escaped; characters that XML cannot hold
// become U+FFFD.
type Script struct {
	Language string // of the words, such as "en-GB"; empty: Twilio's default
	Voice    string // such as "Polly.Amy"; empty: Twilio's default
}

// In is the script for words in another language than its own.
func (s Script) In(l tongue.Language) Script {
	switch l {
	case tongue.German:
		if !strings.HasPrefix(s.Language, "de") {
			s.Language, s.Voice = "de-DE", ""
		}
	case tongue.English, "":
	}
	return s
}

// sayLimit keeps a call short and below what Twilio speaks in one go (4096 characters).
const sayLimit = 1500

// inlineLimit is Twilio's for the Twiml parameter of a call.
const inlineLimit = 4000

// times a page is said: once and repeated twice, for those who wake up meanwhile.
const times = 3

type response struct {
	XMLName xml.Name `xml:"Response"`
	Verbs   []any
}

type say struct {
	XMLName  xml.Name `xml:"Say"`
	Language string   `xml:"language,attr,omitempty"`
	Voice    string   `xml:"voice,attr,omitempty"`
	Loop     int      `xml:"loop,attr,omitempty"`
	Text     string   `xml:",chardata"`
}

type gather struct {
	XMLName xml.Name `xml:"Gather"`
	Input   string   `xml:"input,attr"`
	Digits  int      `xml:"numDigits,attr"`
	Timeout int      `xml:"timeout,attr"` // seconds of silence
	Action  string   `xml:"action,attr"`
	Method  string   `xml:"method,attr"`
	Say     say
}

type hangup struct {
	XMLName xml.Name `xml:"Hangup"`
}

type message struct {
	XMLName xml.Name `xml:"Message"`
	Text    string   `xml:",chardata"`
}

// Page says text, three times at most, and waits for one key each time; the key is posted to action. Without a key
// the call ends.
func (s Script) Page(text, action string) []byte {
	var verbs []any
	for range times {
		verbs = append(verbs, gather{
			Input: "dtmf", Digits: 1, Timeout: 5, Action: action, Method: "POST", Say: s.say(text, sayLimit),
		})
	}
	return write(append(verbs, hangup{})...)
}

// Say says text and ends the call.
func (s Script) Say(text string) []byte { return write(s.say(text, sayLimit), hangup{}) }

// Hangup ends the call.
func (s Script) Hangup() []byte { return write(hangup{}) }

// Reply answers an SMS; an empty text answers nothing.
func (s Script) Reply(text string) []byte {
	if text == "" {
		return write()
	}
	return write(message{Text: clip(text, bodyLimit)})
}

// inline fits into the parameter of a call, also when every character had to be escaped.
func (s Script) inline(text string) []byte {
	for limit := sayLimit; ; limit = limit * 3 / 4 {
		words := s.say(text, limit)
		words.Loop = times
		if document := write(words, hangup{}); len(document) <= inlineLimit || limit < 2 {
			return document
		}
	}
}

func (s Script) say(text string, limit int) say {
	return say{Language: s.Language, Voice: s.Voice, Text: clip(text, limit)}
}

func write(verbs ...any) []byte {
	document, err := xml.Marshal(response{Verbs: verbs})
	if err != nil {
		// Only types that cannot be written make this fail, and there are none above.
		return []byte(xml.Header + "<Response></Response>")
	}
	return append([]byte(xml.Header), document...)
}
