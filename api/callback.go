package api

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/service"
)

// Twilio is how its callbacks are verified, read and answered (integrations/twilio).
type Twilio struct {
	// PublicURL is where Twilio reaches us.
	PublicURL string
	// Verify proves that Twilio sent this request; its body has been read.
	Verify func(r *http.Request, body []byte) error
	// Status, Inbound and Call read forms.
	Status  func(form url.Values) (page.Receipt, error)
	Inbound func(form url.Values) (service.Inbound, error)
	Call    func(form url.Values) (service.Call, error)
	// Gather, Say, Hangup and Reply write TwiML.
	Gather func(l tongue.Language, text, action string) []byte
	Say    func(l tongue.Language, text string) []byte
	Hangup func() []byte
	Reply  func(text string) []byte

	Replies  *service.Replies
	Receipts *service.Receipts
}

// mostCallback is far more than Twilio sends.
const mostCallback = 64 << 10

const gatherPath = "/callbacks/twilio/voice-gather"

func (g *gate) callbacks(e *echo.Echo) {
	t := g.Twilio
	e.POST("/callbacks/twilio/sms", g.signed(t.sms), g.watched)
	e.POST("/callbacks/twilio/voice", g.signed(t.voice), g.watched)
	e.POST(gatherPath, g.signed(t.voice), g.watched)
	e.POST("/callbacks/twilio/status", g.signed(g.status), g.watched)
}

// signed lets through what the carrier signed. A copy of a signed request is harmless: what it says was said before.
func (g *gate) signed(next func(c echo.Context, form url.Values) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		body, err := readBody(c, mostCallback)
		if err != nil {
			return err
		}
		if err := g.Twilio.Verify(c.Request(), body); err != nil {
			return refuse(http.StatusForbidden, "", "not signed by Twilio")
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return refuse(http.StatusBadRequest, "", "not a form")
		}
		return next(c, form)
	}
}

func (t *Twilio) sms(c echo.Context, form url.Values) error {
	in, err := t.Inbound(form)
	if err != nil {
		return err
	}
	text, err := t.Replies.SMS(c.Request().Context(), in)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/xml; charset=utf-8", t.Reply(text))
}

// voice says what a call is about and takes the key that was pressed. A mailbox hears nothing: it cannot answer, and
// the status callback tells the ladder.
func (t *Twilio) voice(c echo.Context, form url.Values) error {
	call, err := t.Call(form)
	if err != nil {
		return err
	}
	call.Key = c.QueryParam("key")
	twiml := t.Hangup
	if !call.Machine || call.Digits != "" {
		twiml = func() []byte { return t.speech(t.Replies.Voice(c.Request().Context(), call), call.Key) }
	}
	return c.Blob(http.StatusOK, "text/xml; charset=utf-8", twiml())
}

func (t *Twilio) speech(s service.Speech, key string) []byte {
	if !s.Listen {
		return t.Say(s.Language, s.Text)
	}
	return t.Gather(s.Language, s.Text, t.PublicURL+gatherPath+"?key="+url.QueryEscape(key))
}

func (g *gate) status(c echo.Context, form url.Values) error {
	receipt, err := g.Twilio.Status(form)
	if err != nil {
		return err
	}
	receipt.Key = c.QueryParam("key")
	if receipt.At.IsZero() {
		receipt.At = g.Now()
	}
	if err := g.Twilio.Receipts.Take(c.Request().Context(), receipt); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// Gateway is how the callbacks of a generic provider are proved and read (integrations/gateway).
type Gateway struct {
	// Read takes the query of the address, and the body with its Content-Type.
	Read     func(query url.Values, kind string, body []byte) (page.Receipt, error)
	Receipts *service.Receipts
}

// report takes what a generic provider says about a message.
func (g *gate) report(c echo.Context) error {
	body, err := readBody(c, mostCallback)
	if err != nil {
		return err
	}
	receipt, err := g.Gateway.Read(c.QueryParams(), c.Request().Header.Get(echo.HeaderContentType), body)
	if fault.Is(err, fault.Unauthenticated) {
		return refuse(http.StatusForbidden, "", "not an address that we gave")
	}
	if err != nil {
		return err
	}
	receipt.At = g.Now()
	if err := g.Gateway.Receipts.Take(c.Request().Context(), receipt); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
