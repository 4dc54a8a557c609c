package twilio

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"

	rest "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// bodyLimit is Twilio's: a longer one is refused with 21617, and a page cut short is better than none.
const bodyLimit = 1600

// recent is how many messages to one number Find looks through. Twilio lists the newest first.
const recent = 50

// trial is what Twilio puts before the body on a trial account.
const trial = "Sent from your Twilio trial account - "

func (c *Client) text(ctx context.Context, m page.Message) (page.Receipt, error) {
	body := clip(m.Body, bodyLimit)
	params := rest.CreateMessageParams{To: &m.To, Body: &body, StatusCallback: c.callback(m, SMSStatus)}
	if c.options.MessagingServiceSID != "" {
		params.MessagingServiceSid = &c.options.MessagingServiceSID
	}
	if c.options.From != "" {
		params.From = &c.options.From
	}
	created, err := c.api(ctx, nil).CreateMessage(&params)
	if err != nil {
		return c.outcome(m, err)
	}
	if value(created.Sid) == "" {
		return page.Receipt{}, fault.New(fault.Unavailable, "twilio took a message and did not name it")
	}
	return c.receipt(m, *created.Sid, value(created.Status), codeOf(created.ErrorCode), ""), nil
}

func (c *Client) findText(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	var now clock
	size := recent
	// No filter by date: Twilio's is on the date sent, which a message still in the queue does not have.
	list, err := c.api(ctx, &now).PageMessage(&rest.ListMessageParams{To: &m.To, PageSize: &size}, "", "")
	if err != nil {
		return page.Receipt{}, false, trouble(err)
	}
	want := letters(clip(m.Body, bodyLimit))
	for _, found := range list.Messages {
		said := letters(strings.TrimPrefix(value(found.Body), trial))
		if value(found.Direction) == "inbound" || said != want || !now.reached(value(found.DateCreated), since) {
			continue
		}
		return c.receipt(m, value(found.Sid), value(found.Status), codeOf(found.ErrorCode), ""), true, nil
	}
	return page.Receipt{}, false, nil
}

func (c *Client) askText(ctx context.Context, m page.Message, sid string) (page.Receipt, error) {
	found, err := c.api(ctx, nil).FetchMessage(sid, &rest.FetchMessageParams{})
	if err != nil {
		return page.Receipt{}, err
	}
	return c.receipt(m, sid, value(found.Status), codeOf(found.ErrorCode), ""), nil
}

// letters leaves what Twilio's smart encoding leaves alone: it replaces punctuation and spaces by plain ones.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// clip shortens to a number of UTF-16 units, the measure that also holds for characters outside the basic plane.
func clip(s string, limit int) string {
	units, room := 0, 0 // room: bytes that fit beside the ellipsis
	for i, r := range s {
		width := 1
		if r > 0xFFFF {
			width = 2
		}
		if units+width <= limit-1 {
			room = i + len(string(r))
		}
		units += width
	}
	if units <= limit {
		return s
	}
	return s[:room] + "…"
}

func codeOf(code *int) string {
	if code == nil || *code == 0 {
		return ""
	}
	return strconv.Itoa(*code)
}
