package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

// Opsgenie is its Alert API v2 for clients that were built for it. The API key is the key of an integration.
type Opsgenie struct {
	Create   alert.Dialect       // reads the body of a new alert
	Alias    func(string) string // the dedup key that Create makes of an alias; nil: the alias itself
	Monitors *service.Monitors
	// Ping hears the heartbeat with a name, of the integration with this key. fault.NotFound. nil: there are no heartbeats.
	Ping func(ctx context.Context, key, name string, p alert.Post) error
}

// opsgenie mounts its paths as clients have them: some put the whole host before /v2, some a prefix.
func (g *gate) opsgenie(e *echo.Echo) {
	for _, prefix := range []string{"", "/opsgenie"} {
		alerts := prefix + "/v2/alerts"
		e.POST(alerts, g.genie(g.genieCreate), g.watched)
		e.GET(alerts, g.genie(g.genieList), g.watched)
		e.GET(alerts+"/requests/:request", g.genie(g.genieRequest), g.watched)
		e.GET(alerts+"/:identifier", g.genie(g.genieGet), g.watched)
		e.DELETE(alerts+"/:identifier", g.genie(g.genieEvent("Delete", alert.Resolve)), g.watched)
		e.POST(alerts+"/:identifier/acknowledge", g.genie(g.genieEvent("Acknowledge", alert.Acknowledge)), g.watched)
		e.POST(alerts+"/:identifier/close", g.genie(g.genieEvent("Close", alert.Resolve)), g.watched)
		e.POST(alerts+"/:identifier/notes", g.genie(g.genieNote), g.watched)
		e.POST(alerts+"/:identifier/snooze", g.genie(g.genieSnooze), g.watched)
		e.POST(alerts+"/:identifier/escalate", g.genie(g.genieEscalate), g.watched)
		// Alertmanager repeats in these what it has just said in a new Create: the words are kept, and ask for nothing.
		e.PUT(alerts+"/:identifier/message", g.genie(g.genieUpdate("UpdateMessage")), g.watched)
		e.PUT(alerts+"/:identifier/description", g.genie(g.genieUpdate("UpdateDescription")), g.watched)
		// GET is how Opsgenie's own clients ping. What it needs is a header that no browser sends along.
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch} {
			e.Add(method, prefix+"/v2/heartbeats/:name/ping", g.genie(g.geniePing), g.watched)
		}
	}
}

// asked is one request in Opsgenie's words.
type asked struct {
	service.Delivery
	began time.Time
	echo  echo.Context
}

// genie reads a request, asks what it is for, and says what was wrong as Opsgenie does.
func (g *gate) genie(do func(asked) (status int, answer map[string]any, err error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := asked{began: g.Now(), echo: c}
		name := ownName(c)
		status, answer, err := g.genied(&r, name, do)
		if fault.Is(err, fault.Unauthenticated) { // what is not found is often only not there yet
			err = g.unguessed(c, err)
		}
		if err != nil {
			status, answer = refusedByGenie(err)
			if status >= http.StatusInternalServerError {
				g.Log.ErrorContext(c.Request().Context(), "request not done", "request", requestID(c), "route", c.Path(), "error", err)
			}
			waitIfAsked(c, status, err)
		}
		answer["requestId"] = name
		answer["took"] = g.Now().Sub(r.began).Seconds()
		return c.JSON(status, answer)
	}
}

// ownName names a request so that no other has its name: here it tells alerts and words apart, and a caller who names its requests
// may use one name for many. Its own comes first, for those who look for it.
func ownName(c echo.Context) string {
	given := c.Request().Header.Get(echo.HeaderXRequestID)
	if given != requestID(c) {
		return requestID(c) // ours already
	}
	return given + "." + rand.Text()
}

func (g *gate) genied(r *asked, name string, do func(asked) (int, map[string]any, error)) (int, map[string]any, error) {
	scheme, key, _ := strings.Cut(r.echo.Request().Header.Get(echo.HeaderAuthorization), " ")
	if key = strings.TrimSpace(key); !strings.EqualFold(scheme, "GenieKey") || key == "" {
		return 0, nil, fault.New(fault.Unauthenticated, "send the key of an integration: Authorization: GenieKey …")
	}
	if err := g.Limits.Event(key, g.Now()); err != nil {
		return 0, nil, err
	}
	post, err := g.post(r.echo)
	if err != nil {
		return 0, nil, err
	}
	r.Delivery = service.Delivery{Dialect: g.Opsgenie.Create, Key: key, Post: post, Trace: name}
	return do(*r)
}

// processing is the answer to what was taken.
func processing() map[string]any { return map[string]any{"result": "Request will be processed"} }

func (g *gate) genieCreate(r asked) (int, map[string]any, error) {
	decode := r.Dialect.Decode
	r.Dialect.Decode = func(p alert.Post) ([]alert.Alert, error) {
		alerts, err := decode(p)
		for n := range alerts {
			alerts[n].Status = "Create"
			if alerts[n].DedupKey == "" {
				alerts[n].DedupKey = r.Trace // one without an alias is like no other
			}
		}
		return alerts, err
	}
	return g.genieDelivers(r)
}

func (g *gate) genieDelivers(r asked) (int, map[string]any, error) {
	_, err := g.Intake.Deliver(r.echo.Request().Context(), r.Delivery)
	if fault.Is(err, fault.NotFound) { // no integration has this key
		err = fault.Wrap(fault.Unauthenticated, err, "deliver")
	}
	return http.StatusAccepted, processing(), err
}

// genieEvent is what is said of an alert by its state: it goes the way of all events, in their order.
func (g *gate) genieEvent(about string, action alert.Action) func(asked) (int, map[string]any, error) {
	return func(r asked) (int, map[string]any, error) {
		name, err := g.named(r)
		if err != nil {
			return 0, nil, err
		}
		said := alert.Alert{Action: action, DedupKey: name.Dedup, Status: about, Severity: alert.Error}
		if name.ID != "" {
			e, err := g.Opsgenie.Monitors.Find(r.echo.Request().Context(), r.Delivery, name)
			if err != nil {
				return 0, nil, err
			}
			said.DedupKey, said.Title = e.DedupKey, e.Title
		}
		body, err := r.body()
		if err != nil {
			return 0, nil, err
		}
		said.Details = body.details()
		r.Dialect.Decode = func(alert.Post) ([]alert.Alert, error) { return []alert.Alert{said}, nil }
		return g.genieDelivers(r)
	}
}

func (g *gate) genieNote(r asked) (int, map[string]any, error) {
	body, err := r.body()
	if err != nil {
		return 0, nil, err
	}
	if strings.TrimSpace(body.Note) == "" {
		return 0, nil, fault.Field("note", "can not be empty")
	}
	return g.genieSays(r, "AddNote", contract.Note, contract.Word{Note: body.Note})
}

func (g *gate) genieSnooze(r asked) (int, map[string]any, error) {
	body, err := r.body()
	if err != nil {
		return 0, nil, err
	}
	until, err := time.Parse(time.RFC3339, body.EndTime)
	if err != nil {
		return 0, nil, fault.Field("endTime", "must be an instant like 2026-09-16T12:00:00Z, not %q", body.EndTime)
	}
	return g.genieSays(r, "Snooze", contract.Snooze, contract.Word{Until: until, Note: body.Note})
}

func (g *gate) genieEscalate(r asked) (int, map[string]any, error) {
	body, err := r.body()
	if err != nil {
		return 0, nil, err
	}
	return g.genieSays(r, "EscalateNext", contract.Escalate, contract.Word{Note: body.Note})
}

func (g *gate) genieSays(r asked, about, verb string, w contract.Word) (int, map[string]any, error) {
	name, err := g.named(r)
	if err != nil {
		return 0, nil, err
	}
	_, err = g.Opsgenie.Monitors.Say(r.echo.Request().Context(), r.Delivery, name, about, verb, w)
	return http.StatusAccepted, processing(), err
}

// genieUpdate keeps new words for an alert.
func (g *gate) genieUpdate(about string) func(asked) (int, map[string]any, error) {
	return func(r asked) (int, map[string]any, error) {
		name, err := g.named(r)
		if err != nil {
			return 0, nil, err
		}
		if _, err := r.body(); err != nil {
			return 0, nil, err
		}
		_, err = g.Opsgenie.Monitors.Keep(r.echo.Request().Context(), r.Delivery, name, about)
		return http.StatusAccepted, processing(), err
	}
}

// doings of a request as its status tells them.
var doings = map[string]string{
	"Create": "Created alert", "Acknowledge": "Acknowledged alert", "Close": "Closed alert", "Delete": "Deleted alert",
	"AddNote": "Added note to alert", "Snooze": "Snoozed alert", "EscalateNext": "Escalated alert to next",
	"UpdateMessage": "Updated message of alert", "UpdateDescription": "Updated description of alert",
}

func (g *gate) genieRequest(r asked) (int, map[string]any, error) {
	asked, in, err := g.Opsgenie.Monitors.Asked(r.echo.Request().Context(), r.Delivery, r.echo.Param("request"))
	if err != nil {
		return 0, nil, err
	}
	if asked.SettledAt.IsZero() {
		r.echo.Response().Header().Set("X-Opsgenie-Errortype", "RequestNotProcessed") // its clients ask again
		return 0, nil, fault.New(fault.NotFound, "Request not found. It might not be processed, yet.")
	}
	done := asked.Escalation != "" || asked.Alert.Action == alert.Ignore
	data := map[string]any{
		"success": done, "isSuccess": done, "action": asked.Alert.Status, "processedAt": asked.SettledAt, "integrationId": in.ID,
		"alias": asked.DedupKey, "alertId": asked.Escalation, "status": doings[asked.Alert.Status],
	}
	if !done {
		data["status"] = "Alert does not exist"
	}
	return http.StatusOK, map[string]any{"data": data}, nil
}

func (g *gate) genieGet(r asked) (int, map[string]any, error) {
	name, err := g.named(r)
	if err != nil {
		return 0, nil, err
	}
	e, err := g.Opsgenie.Monitors.Find(r.echo.Request().Context(), r.Delivery, name)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"data": genieAlert(e)}, nil
}

// genieList is the one alert that a query names; a key of an integration lists nothing else.
func (g *gate) genieList(r asked) (int, map[string]any, error) {
	field, alias, found := strings.Cut(r.echo.QueryParam("query"), ":")
	if alias = strings.Trim(strings.TrimSpace(alias), `"`); !found || strings.TrimSpace(field) != "alias" || alias == "" {
		return 0, nil, fault.Field("query", "must name one alert: alias:…")
	}
	e, err := g.Opsgenie.Monitors.Find(r.echo.Request().Context(), r.Delivery, service.Name{Dedup: g.alias(alias)})
	if fault.Is(err, fault.NotFound) {
		return http.StatusOK, map[string]any{"data": []any{}}, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"data": []any{genieAlert(e)}}, nil
}

func genieAlert(e service.Escalation) map[string]any {
	status := "open"
	if e.State == escalation.ResolvedP || e.State == escalation.Closed {
		status = "closed"
	}
	number, _ := e.ID.Number() // it has one
	data := map[string]any{
		"id": e.ID, "tinyId": strconv.FormatInt(number, 10), "alias": e.DedupKey, "message": e.Title, "status": status,
		"acknowledged": !e.AcknowledgedAt.IsZero(), "isSeen": !e.AcknowledgedAt.IsZero(), "snoozed": !e.SnoozedUntil.IsZero(),
		"count": e.Repeats + 1, "createdAt": e.OpenedAt, "source": e.Alert.Source, "owner": e.AcknowledgedBy, "priority": e.Priority,
		"tags": []string{}, "integration": map[string]any{"id": e.Integration, "name": e.Integration, "type": "API"},
	}
	if !e.SnoozedUntil.IsZero() {
		data["snoozedUntil"] = e.SnoozedUntil
	}
	return data
}

func (g *gate) geniePing(r asked) (int, map[string]any, error) {
	if g.Opsgenie.Ping == nil {
		return 0, nil, fault.New(fault.NotFound, "Heartbeat with name [%s] does not exist", clip(r.echo.Param("name")))
	}
	err := g.unguessed(r.echo, g.Opsgenie.Ping(r.echo.Request().Context(), r.Key, r.echo.Param("name"), r.Post))
	return http.StatusAccepted, map[string]any{"result": "PONG - Heartbeat received"}, err
}

func (g *gate) alias(said string) string {
	if g.Opsgenie.Alias == nil {
		return said
	}
	return g.Opsgenie.Alias(said)
}

// named is the alert that a request is about: by id unless it says otherwise.
func (g *gate) named(r asked) (service.Name, error) {
	identifier := r.echo.Param("identifier")
	if r.echo.Request().URL.RawPath != "" { // the router then leaves parameters escaped, as %2F and %3A are
		plain, err := url.PathUnescape(identifier)
		if err != nil {
			return service.Name{}, fault.Field("identifier", "%q is not escaped as paths are", clip(identifier))
		}
		identifier = plain
	}
	switch kind := r.echo.QueryParam("identifierType"); kind {
	case "alias":
		return service.Name{Dedup: g.alias(identifier)}, nil
	case "", "id":
		return service.Name{ID: id.Escalation(identifier)}, nil
	case "tiny":
		return service.Name{ID: id.Escalation("E-" + identifier)}, nil
	default:
		return service.Name{}, fault.Field("identifierType", "%q is none of id, alias, tiny", clip(kind))
	}
}

// genieBody is what requests about an alert may say.
type genieBody struct {
	User    string `json:"user"`
	Source  string `json:"source"`
	Note    string `json:"note"`
	EndTime string `json:"endTime"`
}

func (b genieBody) details() map[string]any {
	details := map[string]any{}
	for name, value := range map[string]string{"user": b.User, "source": b.Source, "note": b.Note} {
		if value != "" {
			details[name] = value
		}
	}
	return details
}

func (r asked) body() (genieBody, error) {
	var b genieBody
	if len(strings.TrimSpace(string(r.Post.Body))) == 0 {
		return b, nil
	}
	if err := json.Unmarshal(r.Post.Body, &b); err != nil {
		return b, fault.Wrap(fault.Invalid, err, "read the body as JSON")
	}
	return b, nil
}

// refusedByGenie is an error in Opsgenie's words. Its clients come again after 429 and 5xx.
func refusedByGenie(err error) (int, map[string]any) {
	var own *refusal
	if errors.As(err, &own) {
		return own.status, map[string]any{"message": own.Error()}
	}
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		return http.StatusUnauthorized, map[string]any{"message": "Could not authenticate"}
	case fault.Denied:
		return http.StatusForbidden, map[string]any{"message": "You are not authorized for this operation"}
	case fault.NotFound:
		return http.StatusNotFound, map[string]any{"message": err.Error()}
	case fault.Invalid, fault.Conflict:
		answer := map[string]any{"message": "Request body is not processable. Please check the errors."}
		var wrong *fault.Error
		if errors.As(err, &wrong) && wrong.Field != "" {
			answer["errors"] = map[string]string{wrong.Field: wrong.Message}
			return http.StatusUnprocessableEntity, answer
		}
		answer["message"] = err.Error()
		return http.StatusUnprocessableEntity, answer
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge, map[string]any{"message": err.Error()}
	case fault.Throttled:
		return http.StatusTooManyRequests, map[string]any{"message": "You are making too many requests!"}
	case fault.Unavailable:
		return http.StatusServiceUnavailable, map[string]any{"message": "Not processed, please retry"}
	case fault.Internal:
	}
	return http.StatusInternalServerError, map[string]any{"message": "Not processed, please retry"}
}
