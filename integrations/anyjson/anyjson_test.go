package anyjson_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/anyjson"
)

func read(m org.Mapping, body string) ([]alert.Alert, error) {
	decode := anyjson.Dialect().Of(org.Integration{Mapping: &m})
	return decode(alert.Post{Body: []byte(body)})
}

func TestAnyJSONBecomesAnAlert(t *testing.T) {
	all, err := read(org.Mapping{
		Each: "body.problems", Title: `item.check + " on " + item.host`, DedupKey: "item.id", Severity: `item.level > 2 ? "critical" : "warning"`,
		Status: "item.state", Source: "item.host", OccurredAt: "item.since", Links: "[item.url]", Labels: "item.tags",
	}, `{"problems":[
		{"check":"disk","host":"db-3","id":17,"level":3,"state":"down","since":1772442000,"url":"https://checks.example/17","tags":{"team":"db"}},
		{"check":"disk","host":"db-4","id":18,"level":1,"state":"ok"}]}`)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, alert.Alert{
		Action: alert.Trigger, Title: "disk on db-3", DedupKey: "17", Severity: alert.Critical, Status: "down", Source: "db-3",
		OccurredAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Links: []alert.Link{{Href: "https://checks.example/17"}}, Labels: alert.Labels{"team": "db"},
		Details: all[0].Details,
	}, all[0])
	require.Equal(t, alert.Resolve, all[1].Action, "ok ends it")
	require.Empty(t, all[1].Links, "what is not there is left out")
}

func TestTheLeastThatIsNeededIsATitle(t *testing.T) {
	all, err := read(org.Mapping{Title: "body.message"}, `{"message":"boiler is cold"}`)
	require.NoError(t, err)
	require.Equal(t, alert.Trigger, all[0].Action)
	require.Equal(t, alert.Error, all[0].Severity)
	require.NotEmpty(t, all[0].DedupKey)

	all, err = read(org.Mapping{Title: "body.message", DedupKey: "int(body.id)"}, `{"message":"x","id":"9007199254740993"}`)
	require.NoError(t, err)
	require.Equal(t, "9007199254740993", all[0].DedupKey, "to the last digit")
}

func TestWhatIsWrongNamesItsField(t *testing.T) {
	for name, c := range map[string]struct {
		m          org.Mapping
		body, says string
	}{
		"no title":       {org.Mapping{Title: "body.message"}, `{}`, "mapping.title: comes to nothing"},
		"no list":        {org.Mapping{Title: "item.x", Each: "body.list"}, `{"list":{}}`, "mapping.each: comes to a mapping, must come to a list"},
		"list not there": {org.Mapping{Title: "item.x", Each: "body.list"}, `{}`, "mapping.each"},
		"of an entry":    {org.Mapping{Title: "item.x", Each: "body"}, `[{"x":"a"},{"x":["b"]}]`, "mapping.title of entry 2: comes to a list"},
		"no JSON":        {org.Mapping{Title: "body.x"}, `x=1`, "the body is not JSON"},
		"deep":           {org.Mapping{Title: "body.x"}, strings.Repeat("[", 5000), "nested more than 64 levels"},
		"long":           {org.Mapping{Title: "item.x", Each: "body"}, "[" + strings.Repeat("1,", 1000) + "1]", "at most 1000"},
		"hostile":        {org.Mapping{Title: `body.all(a, body.all(b, a == b)) ? "x" : "y"`}, "[" + strings.Repeat("1,", 3000) + "1]", "more work than is allowed"},
		"not CEL":        {org.Mapping{Title: `body.`}, `{}`, "mapping.title"},
	} {
		_, err := read(c.m, c.body)
		require.ErrorContains(t, err, c.says, name)
		require.True(t, fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge), name)
	}
	_, err := anyjson.Dialect().Decode(alert.Post{Body: []byte(`{}`)})
	require.ErrorContains(t, err, "mapping: this integration has none")
}

// Each expression is allowed, and a thousand of each would keep a server busy for a minute.
func TestExpressionsTogetherAreBoundedToo(t *testing.T) {
	heavy := "[" + strings.Repeat("body.filter(x, x > 9).size(), ", 4) + "1][4]"
	m := org.Mapping{Each: "body", Title: "'x'", Status: heavy, Source: heavy, DedupKey: heavy, OccurredAt: heavy}
	_, err := read(m, "["+strings.Repeat("7,", 19)+"7]")
	require.NoError(t, err)
	_, err = read(m, "["+strings.Repeat("7,", 999)+"7]")
	require.ErrorContains(t, err, "asks for more work than is allowed for one request")
	require.ErrorContains(t, err, "of entry ")
	require.True(t, fault.Is(err, fault.Invalid))

	// what people write is far from it, also for a thousand entries
	_, err = read(org.Mapping{
		Each: "body", Title: `item.check + " on " + item.host + ": " + item.text`, DedupKey: `item.host + "/" + item.check`, Status: "item.state", Source: "item.host",
		Severity: `item.level > 2 ? "critical" : item.level > 1 ? "warning" : "info"`, Links: "[item.url]", Labels: "item.tags", OccurredAt: `item.?since.orValue("")`,
	}, "["+strings.TrimSuffix(strings.Repeat(`{"check":"disk","host":"db-3","text":"`+strings.Repeat("x", 1000)+`","state":"down","level":3,"url":"https://a.example","tags":{"a":"b","c":"d"}},`, 1000), ",")+"]")
	require.NoError(t, err)
}

// What a body holds besides, however deep, keeps no alert out.
func TestADeepBodyIsReadAsAFlatOne(t *testing.T) {
	deep := strings.Repeat(`{"in":[`, 30) + strings.Repeat("]}", 30)
	all, err := read(org.Mapping{Each: "body.alerts", Title: "item.name", Labels: "item.labels"}, `{"alerts":[{"name":"disk","context":`+deep+`,"labels":{"a":"b"}}],"more":`+deep+`}`)
	require.NoError(t, err)
	require.Equal(t, "disk", all[0].Title)
	all, err = read(org.Mapping{Title: "body.name", Source: `body.context.size() > 0 ? "deep" : "flat"`}, `{"name":"disk","context":`+deep+`}`)
	require.NoError(t, err)
	require.Equal(t, "deep", all[0].Source)
}

func FuzzBodies(f *testing.F) {
	f.Add(`{"message":"x"}`)
	f.Add(`[[[`)
	f.Fuzz(func(t *testing.T, body string) {
		_, _ = read(org.Mapping{Title: "body.message", Links: "body.links", OccurredAt: "body.at", Labels: "body.labels"}, body)
	})
}
