package beacon_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/beacon"
)

func TestANoteArrivesWithItsKey(t *testing.T) {
	var heard *http.Request
	var note beacon.Note
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		heard = r
		_ = json.NewDecoder(r.Body).Decode(&note)
	}))
	defer receiver.Close()
	sent := beacon.Note{Text: "Temporal cannot be asked", Key: "watchdog/1", Status: "firing", At: time.Now().UTC().Truncate(time.Second)}
	require.NoError(t, beacon.Client{}.Post(t.Context(), receiver.URL+"/hook", sent))
	require.Equal(t, sent, note)
	require.Equal(t, "watchdog/1", heard.Header.Get("Idempotency-Key"))
}

func TestAPingUsesTheMethodThatTheSwitchWants(t *testing.T) {
	var methods []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { methods = append(methods, r.Method) }))
	defer receiver.Close()
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		require.NoError(t, beacon.Client{}.Ping(t.Context(), method, receiver.URL))
	}
	require.Equal(t, []string{"POST", "GET"}, methods)
}

func TestAnAddressIsNotRepeatedInErrors(t *testing.T) {
	answer := http.StatusServiceUnavailable
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		}
		w.WriteHeader(answer)
	}))
	at := receiver.URL + "/hook/hunter2"
	for status, kind := range map[int]fault.Kind{503: fault.Unavailable, 429: fault.Unavailable, 404: fault.Denied, 302: fault.Denied} {
		answer = status
		err := beacon.Client{}.Post(t.Context(), at, beacon.Note{})
		require.True(t, fault.Is(err, kind), "%d: %v", status, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
	receiver.Close()
	err := beacon.Client{}.Post(t.Context(), at, beacon.Note{})
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	require.NotContains(t, err.Error(), "hunter2")
}
