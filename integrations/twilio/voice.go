package twilio

import (
	"context"
	"net/http"
	"time"

	rest "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
)

// ringFor is in seconds. Most mailboxes pick up after 20 to 30.
const ringFor = 30

func (c *Client) ring(ctx context.Context, m page.Message) (page.Receipt, error) {
	if c.options.VoiceFrom == "" {
		return c.receipt(m, "", failed, "21213", ""), nil // Twilio's own code for a call without a caller
	}
	detect, seconds, post := "Enable", ringFor, http.MethodPost
	params := rest.CreateCallParams{To: &m.To, From: &c.options.VoiceFrom, MachineDetection: &detect, Timeout: &seconds}
	if address := c.callback(m, VoiceStatus); address != nil {
		params.StatusCallback, params.StatusCallbackMethod = address, &post
		params.StatusCallbackEvent = &[]string{"initiated", "ringing", "answered", "completed"}
	}
	// By address, the words are those of the moment of answering; inline they can only be heard, not answered.
	if address := c.callback(m, Voice); address != nil {
		params.Url, params.Method = address, &post
	} else {
		inline := string(c.options.Script.In(m.Language).inline(m.Body))
		params.Twiml = &inline
	}
	created, err := c.api(ctx, nil).CreateCall(&params)
	if err != nil {
		return c.outcome(m, err)
	}
	if value(created.Sid) == "" {
		return page.Receipt{}, fault.New(fault.Unavailable, "twilio took a call and did not name it")
	}
	return c.receipt(m, *created.Sid, value(created.Status), "", value(created.AnsweredBy)), nil
}

func (c *Client) findCall(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	var now clock
	size := recent
	// No filter by date: Twilio's is on the start time, which a call still in the queue does not have.
	params := rest.ListCallParams{To: &m.To, From: &c.options.VoiceFrom, PageSize: &size}
	list, err := c.api(ctx, &now).PageCall(&params, "", "")
	if err != nil {
		return page.Receipt{}, false, trouble(err)
	}
	for _, found := range list.Calls {
		if value(found.Direction) != "outbound-api" || !now.reached(value(found.DateCreated), since) {
			continue
		}
		return c.receipt(m, value(found.Sid), value(found.Status), "", value(found.AnsweredBy)), true, nil
	}
	return page.Receipt{}, false, nil
}

func (c *Client) askCall(ctx context.Context, m page.Message, sid string) (page.Receipt, error) {
	found, err := c.api(ctx, nil).FetchCall(sid, &rest.FetchCallParams{})
	if err != nil {
		return page.Receipt{}, err
	}
	return c.receipt(m, sid, value(found.Status), "", value(found.AnsweredBy)), nil
}
