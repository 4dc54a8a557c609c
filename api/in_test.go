package api_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// plainWords is a dialect of which each line is an alert: "trigger key title".
func plainWords(p alert.Post) ([]alert.Alert, error) {
	var out []alert.Alert
	for line := range strings.Lines(string(p.Body)) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(words) < 3 {
			return nil, fault.Field("line", "%q is not three words", line)
		}
		out = append(out, alert.Alert{Action: alert.Action(words[0]), DedupKey: words[1], Title: words[2], Source: p.Header["x-from"] + p.Query["from"]})
	}
	return out, nil
}

func dialects(h *house) {
	h.options.Dialects = []alert.Dialect{
		{Name: "words", Decode: plainWords},
		{Name: "sealed", Decode: plainWords, Verify: func(p alert.Post, secret string) error {
			return alert.Signs("X-Seal", p.Header["x-seal"], p.Body, secret)
		}},
		{Name: "curt", Decode: plainWords, Answer: func(dedup []string, err error) alert.Answer {
			if err != nil {
				return alert.Answer{Status: http.StatusTeapot, Type: "text/plain", Body: []byte("no")}
			}
			return alert.Answer{Status: http.StatusOK, Type: "text/plain", Body: []byte(strings.Join(dedup, ","))}
		}},
	}
}

const door = "/in/words/" + servicetest.Key

func TestEverythingARequestSaysIsOnRecordBeforeItIsAccepted(t *testing.T) {
	h := newHouse(t, dialects)
	body := "trigger a disk full\nignore b a test\nresolve c well again\n"
	got := h.as("", "POST", door, body, "X-From", "here")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	trace := got.header.Get("X-Request-Id")
	require.NotEmpty(t, trace)
	require.JSONEq(t, `{"accepted":2,"ignored":1,"dedup_keys":["a","c"],"request_id":"`+trace+`"}`, got.body)
	events := h.inbox.Events()
	require.Len(t, events, 2)
	for _, e := range events {
		require.Equal(t, body, string(e.Raw), "the request as it came")
		require.Equal(t, trace, e.Trace)
		require.Equal(t, "words", e.Format)
		require.Equal(t, "here", e.Alert.Source)
	}
	require.NotEqual(t, events[0].ReceivedAt, events[1].ReceivedAt, "the record tells events apart by their instant")
	require.NotContains(t, h.log.String(), servicetest.Key, "a key is a secret, also in a path")
}

func TestARequestIsTakenWholeOrNotAtAll(t *testing.T) {
	h := newHouse(t, dialects)
	for name, c := range map[string]struct {
		path, body string
		status     int
		field      string
	}{
		"unknown format":   {"/in/smoke/" + servicetest.Key, "trigger a x", 404, ""},
		"unknown key":      {"/in/words/nobody-has-this-key", "trigger a x", 404, ""},
		"second line":      {door, "trigger a x\nbroken", 422, "line"},
		"no dedup key":     {door, "trigger a x\ntrigger  x", 422, ""},
		"ten megabytes":    {door, strings.Repeat("x", 10<<20), 413, ""},
		"too many alerts":  {door, strings.Repeat("trigger a x\n", 2001), 413, ""},
		"what nobody asks": {door, "explode a x", 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.as("", "POST", c.path, c.body)
			require.Equal(t, c.field, got.problem(c.status))
			require.NotContains(t, got.body, servicetest.Key)
			require.Equal(t, got.header.Get("X-Request-Id"), got.json()["request_id"])
		})
	}
	h.as("", "GET", door, "").problem(http.StatusMethodNotAllowed)
	h.as("", "POST", door, "trigger a x", "Content-Encoding", "gzip").problem(http.StatusUnsupportedMediaType)
	require.Empty(t, h.inbox.Events())

	h.inbox.Broken = fault.Wrap(fault.Unavailable, errors.New("connection refused"), "write")
	away := h.as("", "POST", door, "trigger a x")
	away.problem(http.StatusServiceUnavailable)
	require.NotEmpty(t, away.header.Get("Retry-After"))
}

func TestOneKeyHasItsShareOfTheDoor(t *testing.T) {
	h := newHouse(t, dialects, func(h *house) { h.options.Limits = &service.Limits{Events: 1} })
	for range 5 {
		require.Equal(t, http.StatusAccepted, h.as("", "POST", door, "trigger a x").status)
	}
	slow := h.as("", "POST", door, "trigger a x")
	slow.problem(http.StatusTooManyRequests)
	require.Equal(t, "1", slow.header.Get("Retry-After"))
}

func TestKeysAndSecretsAreNotGuessedQuickly(t *testing.T) {
	h := newHouse(t, dialects)
	status := 0
	for n := 0; n < 200 && status != http.StatusTooManyRequests; n++ {
		status = h.as("", "POST", "/in/words/guess"+strconv.Itoa(n), "trigger a x").status
	}
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", door, "trigger a x").status, "whoever has a key is not kept out by those who guess")
}

func TestADialectAnswersInItsOwnWords(t *testing.T) {
	h := newHouse(t, dialects)
	got := h.as("", "POST", "/in/curt/"+servicetest.Key, "trigger a x\ntrigger b y")
	require.Equal(t, []any{200, "a,b", "text/plain"}, []any{got.status, got.body, got.header.Get("Content-Type")})
	require.Equal(t, http.StatusTeapot, h.as("", "POST", "/in/curt/"+servicetest.Key, "?").status)
}

func TestWhoHasASecretMustProveIt(t *testing.T) {
	company := servicetest.Company()
	in := company.Integrations["payments-events"]
	in.Secret = "a secret of sixteen"
	company.Integrations = map[id.Integration]org.Integration{"payments-events": in}
	h := newHouse(t, dialects, func(h *house) {
		h.options.Intake.Organisation = servicetest.Organisation{Directory: policy.Directory{Revision: "rev1", Org: company}}
	})
	const body = "trigger a x"
	h.as("", "POST", door, body).problem(http.StatusUnauthorized)
	h.as("", "POST", door, body, "Authorization", "Bearer another").problem(http.StatusUnauthorized)
	h.as("", "POST", "/in/sealed/"+servicetest.Key, body, "Authorization", "Bearer "+in.Secret).problem(http.StatusUnauthorized)
	h.as("", "POST", "/in/sealed/"+servicetest.Key, body, "X-Seal", "00ff").problem(http.StatusUnauthorized)
	require.Equal(t, http.StatusBadRequest, h.as("", "POST", "/v2/enqueue", trigger).status, "no way around it")
	require.Empty(t, h.inbox.Events())

	require.Equal(t, http.StatusAccepted, h.as("", "POST", door, body, "Authorization", "Bearer "+in.Secret).status)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", door, body, "X-Belay-Secret", in.Secret).status)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", door, body, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("grafana:"+in.Secret))).status)
	require.Equal(t, http.StatusAccepted, h.as("", "POST", "/in/sealed/"+servicetest.Key, body, "X-Seal", sealOf(body, in.Secret)).status)
	require.Len(t, h.inbox.Events(), 4)
	require.NotContains(t, h.log.String(), in.Secret)
}

// A sender comes again after what is our fault, and not after what is its own.
func TestWhatIsRefusedAtTheDoorIsTheSendersFaultInEveryTongue(t *testing.T) {
	h := newHouse(t, func(h *house) {
		h.options.Dialects = []alert.Dialect{{Name: "curt", Decode: plainWords, Answer: func(_ []string, err error) alert.Answer {
			return alert.Answer{Status: map[fault.Kind]int{fault.Invalid: 400, fault.TooLarge: 413}[fault.KindOf(err)], Type: "text/plain"}
		}}}
	})
	require.Equal(t, 413, h.as("", "POST", "/in/curt/"+servicetest.Key, strings.Repeat("x", api.MostPost+1)).status)
	require.Equal(t, 400, h.as("", "POST", "/in/curt/"+servicetest.Key, "x", "Content-Encoding", "gzip").status)
}

// Who may not be heard is asked nothing, and nobody is asked about it: a subscription would be confirmed.
func TestWhoIsNotHeardIsNotGreeted(t *testing.T) {
	greeted := 0
	h := newHouse(t, func(h *house) {
		h.options.Dialects = []alert.Dialect{{
			Name: "choosy", Decode: plainWords,
			Permit: func(in org.Integration, p alert.Post) error {
				if p.Header["x-topic"] != string(in.ID) {
					return fault.New(fault.Denied, "TopicArn: none of ours")
				}
				return nil
			},
			Greet: func(context.Context, alert.Post) error { greeted++; return nil },
		}}
	})
	h.as("", "POST", "/in/choosy/"+servicetest.Key, "trigger a x", "X-Topic", "another").problem(http.StatusForbidden)
	require.Zero(t, greeted)
	require.Empty(t, h.inbox.Events())
	require.Equal(t, http.StatusAccepted, h.as("", "POST", "/in/choosy/"+servicetest.Key, "trigger a x", "X-Topic", "payments-events").status)
	require.Equal(t, 1, greeted)
}

func sealOf(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}
