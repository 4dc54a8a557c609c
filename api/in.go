package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// MostPost is how many bytes a request of a monitor may hold; a group of some hundred alerts is about half of it.
const MostPost = 2 << 20

// doorway is where dialects come in. The key is in the path: whoever writes a path down writes the route.
const doorway = "/in/:format/:key"

// accepted is our answer to systems that expect no other.
type accepted struct {
	Accepted  int      `json:"accepted"`
	Ignored   int      `json:"ignored"` // alerts that ask for nothing: tests, changes
	DedupKeys []string `json:"dedup_keys"`
	RequestID string   `json:"request_id"` // as in X-Request-Id, the log and on record
}

// said is POST /in/{format}/{key}: a request in the words of some system, with the key of an integration. 202 means that all
// it says is on disk; after any error nothing of it counts and the whole may be sent again.
func (g *gate) said(c echo.Context) error {
	n := slices.IndexFunc(g.Dialects, func(d alert.Dialect) bool { return d.Name == c.Param("format") })
	if n < 0 {
		return fault.New(fault.NotFound, "no such format; there are %s", strings.Join(names(g.Dialects), ", "))
	}
	d := g.Dialects[n]
	taken, err := g.deliver(c, d, c.Param("key"))
	return g.answered(c, d, taken, err)
}

// answered says what became of a request in the words of its sender.
func (g *gate) answered(c echo.Context, d alert.Dialect, taken service.Taken, err error) error {
	if d.Answer == nil {
		if err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, accepted{
			Accepted: len(taken.DedupKeys), Ignored: taken.Ignored, DedupKeys: append([]string{}, taken.DedupKeys...), RequestID: requestID(c),
		})
	}
	answer := d.Answer(taken.DedupKeys, kindly(err))
	if answer.Status >= http.StatusInternalServerError {
		g.Log.ErrorContext(c.Request().Context(), "request not taken", "request", requestID(c), "format", d.Name, "error", err)
	}
	waitIfAsked(c, answer.Status, err)
	return c.Blob(answer.Status, answer.Type, answer.Body)
}

// kindly is an error of this room as one that everybody knows: a dialect that cannot tell what is wrong would say that it is ours,
// and its sender would come again for ever.
func kindly(err error) error {
	var own *refusal
	if !errors.As(err, &own) {
		return err
	}
	if own.status == http.StatusRequestEntityTooLarge {
		return fault.Wrap(fault.TooLarge, err, "request")
	}
	return fault.Wrap(fault.Invalid, err, "request")
}

func (g *gate) deliver(c echo.Context, d alert.Dialect, key string) (service.Taken, error) {
	if err := g.Limits.Event(key, g.Now()); err != nil {
		return service.Taken{}, err
	}
	post, err := g.post(c)
	if err != nil {
		return service.Taken{}, err
	}
	taken, err := g.Intake.Deliver(c.Request().Context(), service.Delivery{Dialect: d, Key: key, Post: post, Trace: requestID(c)})
	return taken, g.unguessed(c, err)
}

// unguessed slows down whoever tries keys, secrets and names that are wrong.
func (g *gate) unguessed(c echo.Context, err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unauthenticated) {
		if slow := g.Limits.Stranger(c.RealIP(), g.Now()); slow != nil {
			return slow
		}
	}
	return err
}

// post is a request in values.
func (g *gate) post(c echo.Context) (alert.Post, error) {
	if err := plain(c.Request()); err != nil {
		return alert.Post{}, err
	}
	body, err := readBody(c, MostPost)
	if err != nil {
		return alert.Post{}, err
	}
	post := alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: body, At: g.Now()}
	for name, values := range c.Request().Header {
		post.Header[strings.ToLower(name)] = values[0]
	}
	for name, values := range c.QueryParams() {
		post.Query[name] = values[0]
	}
	return post, nil
}

func names(dialects []alert.Dialect) []string {
	out := make([]string, len(dialects))
	for n, d := range dialects {
		out[n] = d.Name
	}
	slices.Sort(out)
	return out
}
