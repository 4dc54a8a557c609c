package foreign_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

func read(t *testing.T, body string) foreign.Object {
	t.Helper()
	o, err := foreign.Read(alert.Post{Body: []byte(body)})
	require.NoError(t, err)
	return o
}

func TestAFieldIsFoundUnderEachOfItsNames(t *testing.T) {
	o := read(t, `{"EVENT.ID": 7, "host": {"Display-Name": " db-1 "}, "alerts": [{"up": false}], "blank": " ", "nothing": null}`)
	for path, want := range map[string]string{
		"EVENT.ID": "", "event_id": "7", "eventId": "7", "host.display_name": "db-1", "alerts.0.up": "false",
		"alerts.1.up": "", "blank": "", "nothing": "", "host": "", "host.display_name.more": "",
	} {
		require.Equal(t, want, o.Text(path), path)
	}
	require.Equal(t, "7", o.Text("blank", "nothing", "event_id"))
}

func TestFormsAndJSONReadAlike(t *testing.T) {
	require.Equal(t, "a & b", read(t, "summary=a+%26+b&action=close").Text("summary"))
	require.Equal(t, "down", read(t, "payload=%7B%22state%22%3A%22down%22%7D").Text("state"))
	require.Equal(t, "down", read(t, "\ufeff {\"state\":\"down\"}\n").Text("state"))
}

func TestATextOfManyLinesBetweenQuotesIsRead(t *testing.T) {
	o := read(t, "{\"text\": \"disk\n\tfull \\\"now\\\"\", \"n\": 1}")
	require.Equal(t, "disk\n\tfull \"now\"", o.Text("text"))
}

func TestWhatIsNoBodyIsRefused(t *testing.T) {
	for _, body := range []string{"", "  ", "{", "[]", "[1]", "nonsense", `{"a":1} {"b":2}`, "%zz=1", `[{"a":1},{"b":2}]`} {
		_, err := foreign.Read(alert.Post{Body: []byte(body)})
		require.True(t, fault.Is(err, fault.Invalid), "%q: %v", body, err)
	}
}

func TestInstantsAreReadInWhateverWayTheyAreWritten(t *testing.T) {
	want := time.Date(2026, 9, 16, 12, 0, 0, 0, time.UTC)
	for _, said := range []string{
		"2026-09-16T12:00:00Z", "2026-09-16T14:00:00+0200", "2026-09-16T14:00:00.000+02:00", "2026-09-16 12:00:00", "2026.09.16 12:00:00",
		"1789560000", "1789560000000", "1789560000000000", "1789560000000000000", "1789560000.0", "1.78956e9",
		"Wed, 16 Sep 2026 14:00:00 +0200", "September 16, 2026 12:00 PM UTC",
	} {
		require.Equal(t, want, foreign.Time(said), said)
	}
	for _, said := range []string{"", "soon", "0", "-1", "0001-01-01T00:00:00Z", "99999999999999999999", "NaN", "Inf", "7"} {
		require.Zero(t, foreign.Time(said), said)
	}
}

func TestASeverityThatNobodyKnowsIsAnErrorWithAWarning(t *testing.T) {
	own := map[string]alert.Severity{"high": alert.Critical}
	for said, want := range map[string]alert.Severity{
		"CRITICAL": alert.Critical, "high": alert.Critical, "Warn": alert.Warning, "1 - Critical": alert.Critical, "P2 (high)": alert.Error,
		"Not classified": alert.Warning, "": alert.Info,
	} {
		got, warnings := foreign.Severity(said, alert.Info, own)
		require.Equal(t, want, got, said)
		require.Empty(t, warnings, said)
	}
	got, warnings := foreign.Severity("purple", alert.Info, own)
	require.Equal(t, alert.Error, got)
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "purple")
}

func TestKeysThatAreTooLongStayApart(t *testing.T) {
	long := strings.Repeat("ä", 400)
	one, other := foreign.Key("zabbix", long+"1"), foreign.Key("zabbix", long+"2")
	require.Equal(t, 255, utf8.RuneCountInString(one))
	require.NotEqual(t, one, other)
	require.Equal(t, "zabbix/7", foreign.Key("zabbix", " ", "7"))
}

func TestLinksLeadToTheWebOnly(t *testing.T) {
	require.Equal(t, []alert.Link{{Href: "https://a.example/1", Text: "one"}}, foreign.Links(
		alert.Link{Href: "javascript:alert(1)"}, alert.Link{Href: "https://a.example/1", Text: "one"},
		alert.Link{Href: "/relative"}, alert.Link{}, alert.Link{Href: "https://a.example/1"}))
}

func FuzzReadAll(f *testing.F) {
	f.Add(`{"a":"b"}`)
	f.Add("a=b&c=d")
	f.Add("payload=%7B%22state%22%3A1%7D")
	f.Add("[{\"a\":\"\\\\\n\"}]")
	f.Fuzz(func(t *testing.T, body string) {
		all, err := foreign.ReadAll(alert.Post{Body: []byte(body)})
		if err != nil {
			require.True(t, fault.Is(err, fault.Invalid))
			return
		}
		for _, o := range all {
			_, err := json.Marshal(foreign.Details(o))
			require.NoError(t, err)
			require.NotContains(t, o.Text("a"), "\x00")
		}
	})
}

// Whole numbers stay whole: an ID must not lose its end.
func TestJSONForExpressionsIsExact(t *testing.T) {
	v, err := foreign.JSON([]byte("\ufeff" + ` {"id": 9007199254740993, "share": 0.5, "list": [1, null, true, "x"], "huge": 1e400}`))
	require.NoError(t, err)
	require.Equal(t, map[string]any{"id": int64(9007199254740993), "share": 0.5, "list": []any{int64(1), nil, true, "x"}, "huge": "1e400"}, v)
	for _, odd := range []string{"", "{", `{"a":1} {"b":2}`, strings.Repeat("[", 100)} {
		_, err := foreign.JSON([]byte(odd))
		require.Error(t, err, odd)
	}
}
