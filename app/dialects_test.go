package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
)

// spoken is how one system says that something broke and that it is well again. In the words of the first, TITLE is what
// becomes the title, SEVERITY its word for how bad it is and 2026-01-02T03:04:05Z when it was; where a system says no such
// thing, it is not there.
type spoken struct{ broke, well string }

// language has a row for every dialect.
var language = map[string]spoken{
	"alertmanager": {
		`{"version":"4","status":"firing","externalURL":"https://am.example","alerts":[{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-1","severity":"SEVERITY"},
			"annotations":{"summary":"TITLE"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"https://prometheus.example/g","fingerprint":"f00d"}]}`,
		`{"version":"4","status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"DiskFull","instance":"db-1","severity":"SEVERITY"},
			"annotations":{"summary":"all is well"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"2026-01-02T03:14:05Z","fingerprint":"f00d"}]}`,
	},
	"azure-monitor": {
		`{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a-1","alertRule":"TITLE","severity":"SEVERITY",
			"monitorCondition":"Fired","configurationItems":["vm-1"],"firedDateTime":"2026-01-02T03:04:05Z"},
			"alertContext":{"condition":{"allOf":[{"metricName":"Percentage CPU","operator":"GreaterThan","threshold":"25","metricValue":97.5}]}}}}`,
		`{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/s/providers/Microsoft.AlertsManagement/alerts/a-1","alertRule":"cpu",
			"severity":"Sev1","monitorCondition":"Resolved","resolvedDateTime":"2026-01-02T03:14:05Z"},"alertContext":{}}}`,
	},
	"datadog": {
		`{"title":"[Triggered on {host:db-1}] TITLE","alert_transition":"Triggered","alert_type":"error","alert_priority":"SEVERITY","alert_scope":"host:db-1","monitor_id":"7",
			"date":"2026-01-02T03:04:05Z","link":"https://app.datadoghq.com/event/1","tags":"env:prod,team:db","body":"it is full"}`,
		`{"title":"[Recovered on {host:db-1}] disk","alert_transition":"Recovered","alert_type":"success","alert_scope":"host:db-1","monitor_id":"7","date":"1767323645000"}`,
	},
	"dynatrace": {
		`{"State":"OPEN","ProblemID":"P-7","PID":"-77_V2","ProblemTitle":"TITLE","ProblemSeverity":"SEVERITY","ImpactedEntity":"host db-1","ProblemURL":"https://dt.example/p",
			"ProblemDetailsJSON":{"id":"-77_V2","startTime":"2026-01-02T03:04:05Z"}}`,
		`{"State":"RESOLVED","ProblemID":"P-7","PID":"-77_V2","ProblemTitle":"slow","ProblemDetailsJSON":{"endTime":1767323645000}}`,
	},
	"elastic": {
		`{"rule":{"id":"r-1","name":"TITLE"},"alert":{"id":"host-a","actionGroup":"threshold met"},"severity":"SEVERITY","date":"2026-01-02T03:04:05Z","kibanaBaseUrl":"https://kibana.example",
			"context":{"value":9}}`,
		`{"rule":{"id":"r-1","name":"errors"},"alert":{"id":"host-a","actionGroup":"recovered"},"date":"2026-01-02T03:14:05Z"}`,
	},
	"gcp-monitoring": {
		`{"version":"1.2","incident":{"incident_id":"0.abc","scoping_project_id":"shop","state":"open","summary":"TITLE","severity":"SEVERITY","started_at":"2026-01-02T03:04:05Z",
			"url":"https://console.cloud.google.com/i","resource_display_name":"db-1","policy_name":"disk"}}`,
		`{"version":"1.2","incident":{"incident_id":"0.abc","scoping_project_id":"shop","state":"closed","started_at":1767323045,"ended_at":1767323645,"policy_name":"disk"}}`,
	},
	"grafana": {
		`{"status":"firing","externalURL":"https://grafana.example/","alerts":[{"status":"firing","labels":{"alertname":"DiskFull","severity":"SEVERITY"},"annotations":{"summary":"TITLE"},
			"startsAt":"2026-01-02T03:04:05Z","fingerprint":"f00d","panelURL":"https://grafana.example/d/x?viewPanel=1","valueString":"[ var='A' value=97 ]"}]}`,
		`{"status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"DiskFull","severity":"SEVERITY"},"endsAt":"2026-01-02T03:14:05Z","fingerprint":"f00d"}]}`,
	},
	"json": {
		`{"title":"TITLE","state":"firing","id":"d-1","host":"db-1","level":"SEVERITY","at":"2026-01-02T03:04:05Z","url":"https://checks.example/d-1"}`,
		`{"title":"disk","state":"resolved","id":"d-1","host":"db-1"}`,
	},
	"newrelic": {
		`{"issueId":"i-1","issueUrl":"https://one.newrelic.com/i-1","title":"TITLE","priority":"SEVERITY","state":"ACTIVATED","createdAt":"2026-01-02T03:04:05Z","impactedEntities":["db-1"]}`,
		`{"issueId":"i-1","title":"disk","priority":"HIGH","state":"CLOSED","closedAt":1767323645000}`,
	},
	"sentry": {
		`{"action":"triggered","data":{"event":{"event_id":"e1","issue_id":"77","title":"TITLE","level":"SEVERITY","datetime":"2026-01-02T03:04:05Z","culprit":"checkout in pay",
			"web_url":"https://sentry.io/organizations/o/issues/77/events/e1/","tags":[["environment","prod"]]},"triggered_rule":"always"}}`,
		`{"action":"resolved","data":{"issue":{"id":"77","title":"boom","level":"error","lastSeen":"2026-01-02T03:14:05Z","project":{"slug":"shop"}}}}`,
	},
	"sns": {
		`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:1:pages","Timestamp":"2026-01-02T03:04:06Z","Message":"{\"AlarmName\":\"disk-db-1\",\"AlarmDescription\":\"TITLE\",` +
			`\"AWSAccountId\":\"1\",\"NewStateValue\":\"ALARM\",\"StateChangeTime\":\"2026-01-02T03:04:05Z\",\"Region\":\"EU (Ireland)\",\"AlarmArn\":\"arn:aws:cloudwatch:eu-west-1:1:alarm:disk-db-1\"}"}`,
		`{"Type":"Notification","MessageId":"n","TopicArn":"arn:aws:sns:eu-west-1:1:pages","Timestamp":"2026-01-02T03:14:06Z","Message":"{\"AlarmName\":\"disk-db-1\",` +
			`\"AWSAccountId\":\"1\",\"NewStateValue\":\"OK\",\"StateChangeTime\":\"2026-01-02T03:14:05.000+0000\",\"Region\":\"EU (Ireland)\"}"}`,
	},
	"freshservice": {
		`{"ticket":{"id":12,"subject":"TITLE","status":2,"priority":"SEVERITY","category":"Hardware","updated_at":"2026-01-02T03:04:05Z","url":"https://acme.freshservice.com/a/tickets/12"}}`,
		`{"freshdesk_webhook":{"ticket_id":"INC-12","ticket_subject":"disk","ticket_status":"Resolved","ticket_priority":"Low"}}`,
	},
	"goalert": {
		`{"summary":"TITLE","details":"it is full","dedup":"disk","severity":"SEVERITY","source":"db-1","timestamp":"2026-01-02T03:04:05Z"}`,
		`summary=well&action=close&dedup=disk`,
	},
	"grafana-oncall": {
		`{"event":{"type":"alert group created","time":"2026-01-02T03:04:05Z"},"alert_group":{"id":"I1","state":"firing","title":"TITLE","severity":"SEVERITY","permalinks":{"web":"https://oncall.example/I1"}},
			"integration":{"name":"shop"},"alert_payload":{}}`,
		`{"event":{"type":"resolve"},"alert_group":{"id":"I1","state":"resolved","title":"disk"},"integration":{"name":"shop"}}`,
	},
	"healthchecks": {
		`{"name":"TITLE","code":"6d9d","status":"down","now":"2026-01-02T03:04:05Z","tags":"db prod","severity":"SEVERITY"}`,
		`name=disk&code=6d9d&status=up`,
	},
	"jira": {
		`{"timestamp":"2026-01-02T03:04:05Z","webhookEvent":"jira:issue_created","issue":{"id":"10","key":"OPS-1","self":"https://jira.example/rest/api/2/issue/10","fields":{"summary":"TITLE",
			"priority":{"name":"SEVERITY"},"status":{"name":"Open","statusCategory":{"key":"new"}},"project":{"key":"OPS","name":"Operations"}}}}`,
		`{"timestamp":1767323645000,"webhookEvent":"jira:issue_updated","issue":{"id":"10","key":"OPS-1","fields":{"summary":"disk","status":{"name":"Done","statusCategory":{"key":"done"}}}}}`,
	},
	"nagios": {
		`{"notification_type":"PROBLEM","host_name":"db-1","service_desc":"Disk","service_state":"SEVERITY","service_output":"TITLE","time":"2026-01-02T03:04:05Z"}`,
		`NAGIOS_NOTIFICATIONTYPE=RECOVERY&NAGIOS_HOSTNAME=db-1&NAGIOS_SERVICEDESC=Disk&NAGIOS_SERVICESTATE=OK`,
	},
	"opsgenie-webhook": {
		`{"action":"Create","alert":{"alertId":"a1","alias":"disk","message":"TITLE","priority":"SEVERITY","entity":"db-1","updatedAt":"2026-01-02T03:04:05Z"},"integrationName":"webhook"}`,
		`{"action":"Close","alert":{"alertId":"a1","alias":"disk","message":"disk","updatedAt":1767323645000000000}}`,
	},
	"pagerduty": {
		`{"event_action":"trigger","dedup_key":"disk","payload":{"summary":"TITLE","source":"db-1","severity":"critical","timestamp":"2026-01-02T03:04:05Z"}}`,
		`{"service_key":"k","event_type":"resolve","incident_key":"disk","description":"disk"}`,
	},
	"pagerduty-webhook": {
		`{"event":{"id":"e","event_type":"incident.triggered","occurred_at":"2026-01-02T03:04:05Z","data":{"id":"P1","type":"incident","title":"TITLE","urgency":"SEVERITY","html_url":"https://acme.pagerduty.com/incidents/P1",
			"service":{"summary":"shop"}}}}`,
		`{"event":{"id":"f","event_type":"incident.resolved","occurred_at":"2026-01-02T03:14:05Z","data":{"id":"P1","title":"disk"}}}`,
	},
	"pingdom": {
		`{"check_id":7,"check_name":"TITLE","check_type":"HTTP","current_state":"DOWN","previous_state":"UP","importance_level":"SEVERITY","state_changed_timestamp":"2026-01-02T03:04:05Z",
			"check_params":{"hostname":"shop.example","full_url":"https://shop.example/"},"description":"HTTP Error 503"}`,
		`{"check_id":7,"check_name":"shop","current_state":"UP","previous_state":"DOWN","state_changed_timestamp":1767323645}`,
	},
	"servicenow": {
		`{"sys_id":"a1","number":"INC1","short_description":"TITLE","state":"1","priority":"SEVERITY","cmdb_ci":{"display_value":"mail-1","value":"x"},"sys_updated_on":"2026-01-02T03:04:05Z"}`,
		`{"incident":{"sys_id":{"value":"a1","display_value":"a1"},"number":"INC1","short_description":"mail","state":{"value":"6","display_value":"Resolved"}}}`,
	},
	"site24x7": {
		`{"MONITORNAME":"TITLE","MONITOR_ID":"123","STATUS":"DOWN","INCIDENT_REASON":"no answer","INCIDENT_TIME_ISO":"2026-01-02T03:04:05Z","MONITORURL":"https://shop.example/"}`,
		`MONITORNAME=shop&MONITOR_ID=123&STATUS=UP`,
	},
	"splunk-oncall": {
		`{"message_type":"SEVERITY","entity_id":"disk","entity_display_name":"TITLE","state_start_time":"2026-01-02T03:04:05Z","hostname":"db-1"}`,
		`{"message_type":"RECOVERY","entity_id":"disk","entity_display_name":"disk"}`,
	},
	"uptime-kuma": {
		`{"heartbeat":{"monitorID":7,"status":0,"time":"2026-01-02T03:04:05Z","msg":"TITLE"},"monitor":{"id":7,"name":"shop","url":"https://shop.example/"},"msg":"[shop] [Down] TITLE"}`,
		`{"heartbeat":{"monitorID":7,"status":1,"time":"2026-01-02 03:14:05","msg":"200 OK"},"monitor":{"id":7,"name":"shop","url":"https://shop.example/"},"msg":"[shop] [Up] 200 OK"}`,
	},
	"zabbix": {
		`{"event_name":"TITLE","event_severity":"SEVERITY","event_value":"1","event_id":"8","trigger_id":"9","host_name":"db-1","zabbix_url":"https://zabbix.example","event_timestamp":"2026-01-02T03:04:05Z"}`,
		`{"event_name":"disk","event_severity":"High","event_value":"0","event_id":"8","trigger_id":"9","host_name":"db-1"}`,
	},
	"zendesk": {
		`{"type":"zen:event-type:ticket.created","time":"2026-01-02T03:04:05Z","subject":"zen:ticket:12","detail":{"id":"12","subject":"TITLE","status":"NEW","priority":"SEVERITY"},"event":{}}`,
		`{"ticket":{"id":12,"title":"disk","status":"solved"}}`,
	},
}

// mapped is how the suite has any JSON read.
var mapped = org.Mapping{Title: "body.title", Status: "body.state", DedupKey: "body.id", Source: "body.host", Severity: "body.level",
	OccurredAt: "body.at", Links: "body.url"}

var received = time.Date(2026, 1, 2, 3, 20, 0, 0, time.UTC)

const occurred = "2026-01-02T03:04:05Z"

// plainly is a system's words with nothing odd about them.
func plainly(words string) string {
	return strings.NewReplacer("TITLE", "disk is full", "SEVERITY", "critical").Replace(words)
}

// understood is what a dialect understands of a body.
func understood(d alert.Dialect, body string) ([]alert.Alert, error) {
	return service.Understand(org.Terms{}, d, org.Integration{ID: "monitors", Mapping: &mapped}, alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: []byte(body), At: received})
}

func hears(t *testing.T, d alert.Dialect, body string) alert.Alert {
	t.Helper()
	all, err := understood(d, body)
	require.NoError(t, err, body)
	require.NotEmpty(t, all)
	return all[0]
}

// everyDialect runs a law for each of them.
func everyDialect(t *testing.T, law func(*testing.T, alert.Dialect, spoken)) {
	t.Helper()
	for _, d := range app.Dialects() {
		t.Run(d.Name, func(t *testing.T) {
			row, ok := language[d.Name]
			require.True(t, ok, "every dialect has a row in the language of this suite")
			law(t, d, row)
		})
	}
}

func TestWhatBrokeAndWhatIsWellAgainAreOneTrouble(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		broke, well := hears(t, d, plainly(row.broke)), hears(t, d, plainly(row.well))
		require.Equal(t, alert.Trigger, broke.Action)
		require.Equal(t, alert.Resolve, well.Action)
		require.NotEmpty(t, broke.DedupKey)
		require.Equal(t, broke.DedupKey, well.DedupKey)
		require.Contains(t, broke.Title, "disk is full")
		require.NotEmpty(t, well.Title)
		require.NotEmpty(t, broke.Source)
		require.NotEmpty(t, broke.Status)
		require.Equal(t, broke, hears(t, d, plainly(row.broke)), "the same words mean the same")
		if strings.Contains(row.broke, occurred) {
			require.Equal(t, occurred, broke.OccurredAt.Format(time.RFC3339))
		}
		if strings.Contains(row.broke, "SEVERITY") {
			require.Equal(t, alert.Critical, broke.Severity)
			require.Empty(t, broke.Warnings)
		}
	})
}

func TestASeverityThatNobodyKnowsIsAnErrorWithAWarning(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		if !strings.Contains(row.broke, "SEVERITY") {
			t.Skip("says nothing of severities")
		}
		a := hears(t, d, strings.NewReplacer("TITLE", "x", "SEVERITY", "frobnicated").Replace(row.broke))
		require.Equal(t, alert.Error, a.Severity)
		require.Contains(t, strings.Join(a.Warnings, "; "), "frobnicated")
	})
}

// everywhere puts a field that nobody knows into every object.
func everywhere(v any, odd any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{"x_new_field": odd}
		for name, one := range v {
			out[name] = everywhere(one, odd)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, one := range v {
			out[i] = everywhere(one, odd)
		}
		return out
	}
	return v
}

// isJSON: some systems speak forms.
func isJSON(body string) bool { return strings.HasPrefix(strings.TrimSpace(body), "{") }

func TestFieldsOfTomorrowChangeNothing(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		if !isJSON(row.broke) {
			t.Skip("does not speak JSON")
		}
		var read any
		require.NoError(t, json.Unmarshal([]byte(plainly(row.broke)), &read))
		want := hears(t, d, plainly(row.broke))
		for _, odd := range []any{nil, "new", 7, true, []any{map[string]any{"a": 1}}, map[string]any{"b": []any{}}, strings.Repeat("long ", 1000)} {
			written, err := json.Marshal(everywhere(read, odd))
			require.NoError(t, err)
			got := hears(t, d, string(written))
			if d.Name == "alertmanager" || d.Name == "grafana" { // there a new label is another alert
				got.DedupKey, got.Labels = want.DedupKey, want.Labels
			}
			got.Details, got.Labels, got.Warnings = want.Details, want.Labels, want.Warnings
			require.Equal(t, want, got)
		}
	})
}

func TestWhatIsNoMessageIsRefusedInWords(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		whole := plainly(row.broke)
		for name, body := range map[string]string{
			"nothing": "", "space": " \n ", "half": whole[:len(whole)/2], "words": "the disk is full", "null": "null", "number": "42", "text": `"x"`, "empty object": "{}",
			"empty list": "[]", "list of numbers": "[1,2]", "list of lists": "[[[]]]", "NUL": "\x00", "not UTF-8": "\xff\xfe{", "two bodies": whole + whole,
			"deep": strings.Repeat(`{"a":`, 500_000), "deep list": strings.Repeat("[", 1_000_000), "wide": "[" + strings.Repeat("{},", 600_000) + "{}]",
		} {
			if !isJSON(whole) && (name == "half" || name == "two bodies") {
				continue
			}
			_, err := understood(d, body)
			require.Error(t, err, name)
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err), "%s: %v", name, err)
			require.Less(t, len(err.Error()), 2000, name)
		}
	})
	_, err := app.Explain(nil, "", "grafana", app.Received(bytes.Repeat([]byte(" "), 10<<20), nil))
	require.True(t, fault.Is(err, fault.TooLarge))
}

// Whoever tries a request in a page hears what the command says, in every format.
func TestATrialSaysWhatTheCommandSays(t *testing.T) {
	trials := &service.Trials{Organisation: nowhere{}, Dialects: app.Dialects(), Most: 1 << 20, Now: func() time.Time { return received }}
	require.Equal(t, app.Formats(), trials.Formats())
	admin := service.Caller{Role: service.Admin}
	for format, row := range language {
		if format == "json" {
			continue // nothing is said there without a mapping
		}
		body := []byte(plainly(row.broke))
		told, err := app.Explain(nil, "", format, alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: body, At: received})
		require.NoError(t, err, format)
		tried, err := trials.Try(admin, service.Trial{Format: format, Header: map[string]string{}, Body: body})
		require.NoError(t, err, format)
		require.Equal(t, told, tried, format)
		require.NotNil(t, tried.Events[0].Route, format)
	}
	_, err := trials.Try(service.Caller{Role: service.Responder}, service.Trial{Format: "grafana", Body: []byte("{}")})
	require.True(t, fault.Is(err, fault.Denied))
}

// nowhere is an organisation to which nothing was applied.
type nowhere struct{}

func (nowhere) Current() policy.Directory { return policy.Directory{} }

// wrongly is a body with one value of another type, for each value in it.
func wrongly(v any, wrong any, say func(any)) {
	var into func(v any, put func(any))
	into = func(v any, put func(any)) {
		put(wrong)
		switch v := v.(type) {
		case map[string]any:
			for name, one := range v {
				into(one, func(x any) {
					clone := map[string]any{}
					for n, o := range v {
						clone[n] = o
					}
					clone[name] = x
					put(clone)
				})
			}
		case []any:
			for i, one := range v {
				into(one, func(x any) {
					clone := slices.Clone(v)
					clone[i] = x
					put(clone)
				})
			}
		}
	}
	into(v, say)
}

func TestWrongTypesBreakNothing(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		if !isJSON(row.broke) {
			t.Skip("does not speak JSON")
		}
		var read any
		require.NoError(t, json.Unmarshal([]byte(plainly(row.broke)), &read))
		for _, wrong := range []any{nil, true, -1.5, "", "odd", []any{}, []any{nil, 1, "x"}, map[string]any{}, map[string]any{"": map[string]any{}}} {
			wrongly(read, wrong, func(v any) {
				written, err := json.Marshal(v)
				require.NoError(t, err)
				all, err := understood(d, string(written))
				sound(t, all, err)
			})
		}
	})
}

// sound is what every answer of a dialect is.
func sound(t *testing.T, all []alert.Alert, err error) {
	t.Helper()
	if err != nil {
		require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err), "%v", err)
		return
	}
	for _, a := range all {
		require.Contains(t, []alert.Action{alert.Trigger, alert.Acknowledge, alert.Resolve, alert.Ignore}, a.Action)
		require.Contains(t, []alert.Severity{alert.Critical, alert.Error, alert.Warning, alert.Info}, a.Severity)
		if a.Action == alert.Trigger {
			require.NotEmpty(t, a.Title)
		}
		if a.Action != alert.Ignore {
			require.NotEmpty(t, a.DedupKey)
		}
		require.LessOrEqual(t, utf8.RuneCountInString(a.DedupKey), 255)
		require.LessOrEqual(t, utf8.RuneCountInString(a.Title), 1024)
		require.False(t, strings.ContainsAny(a.Title, "\n\r\x00"), "%q", a.Title)
		require.True(t, utf8.ValidString(a.Title+a.Source+a.DedupKey+a.Status))
		for _, l := range a.Links {
			require.Regexp(t, `^https?://[^/?#]`, l.Href)
		}
		_, err := json.Marshal(a)
		require.NoError(t, err)
	}
}

func TestTitlesInAnyTongueAndOfAnyLength(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		if !strings.Contains(row.broke, "TITLE") {
			t.Skip("says nothing that would be a title")
		}
		say := func(title string) alert.Alert {
			words := strings.ReplaceAll(row.broke, "SEVERITY", "critical")
			return hears(t, d, strings.ReplaceAll(words, "TITLE", title))
		}
		require.Contains(t, say("Zażółć gęślą jaźń 火事だ 🔥 الحريق").Title, "Zażółć gęślą jaźń 火事だ 🔥 الحريق")
		long := say(strings.Repeat("火", 100_000))
		require.LessOrEqual(t, utf8.RuneCountInString(long.Title), 1024)
		require.Contains(t, long.Title, "火火火")
		if d.Name != "sns" { // JSON in JSON
			sound(t, []alert.Alert{say(`a\u0000b\nc\ud800`)}, nil)
		}
	})
}

func TestTimesInOddForms(t *testing.T) {
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		if !strings.Contains(row.broke, occurred) {
			t.Skip("says nothing of when")
		}
		say := func(form string) time.Time {
			return hears(t, d, strings.ReplaceAll(plainly(row.broke), occurred, form)).OccurredAt
		}
		for _, form := range []string{
			"2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05.000000000Z", "2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05", "2026-01-02 03:04:05", "2026-01-02T03:04:05+0000",
			"1767323045", "1767323045000",
		} {
			require.Equal(t, occurred, say(form).Truncate(time.Second).Format(time.RFC3339), form)
		}
		for _, form := range []string{"yesterday", "0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "-1", "0", "1e400", ""} {
			say(form) // worth less than the alert
		}
	})
}

// Bodies that were cut, doubled, mixed and misspelt, always the same ones: what a fuzzer begins with, on every run of the suite.
func TestNoMutilatedPostBreaksADialect(t *testing.T) {
	var corpus []string
	for _, row := range language {
		corpus = append(corpus, plainly(row.broke), plainly(row.well))
	}
	slices.Sort(corpus)
	odd := []string{"null", "{}", "[]", `""`, "-1e9", "true", "\x00", "\xff", "\\u0000", `"`, "{", "}", "[", "]", ",", ":", "0001-01-01T00:00:00Z", strings.Repeat("9", 400)}
	everyDialect(t, func(t *testing.T, d alert.Dialect, row spoken) {
		dice := rand.New(rand.NewPCG(1, 2))
		for range 1500 {
			body := plainly(row.broke)
			for range 1 + dice.IntN(4) {
				from := dice.IntN(len(body) + 1)
				to := from + dice.IntN(min(40, len(body)-from)+1)
				switch dice.IntN(4) {
				case 0:
					body = body[:from] + body[to:]
				case 1:
					body = body[:to] + body[from:]
				case 2:
					body = body[:from] + odd[dice.IntN(len(odd))] + body[to:]
				case 3:
					other := corpus[dice.IntN(len(corpus))]
					body = body[:from] + other[dice.IntN(len(other)):]
				}
			}
			all, err := understood(d, body)
			sound(t, all, err)
		}
	})
}

func FuzzNoPostBreaksADialect(f *testing.F) {
	all := app.Dialects()
	for n, d := range all {
		f.Add(uint(n), plainly(language[d.Name].broke))
		f.Add(uint(n), plainly(language[d.Name].well))
	}
	f.Fuzz(func(t *testing.T, n uint, body string) {
		got, err := understood(all[n%uint(len(all))], body)
		sound(t, got, err)
	})
}

// fixtures are directories of what these systems really sent, by format.
var fixtures = map[string]string{
	"alertmanager": "alertmanager", "azure-monitor": "azure-monitor", "datadog": "datadog", "dynatrace": "dynatrace", "elastic": "elastic",
	"gcp-monitoring": "gcp-monitoring", "grafana": "grafana", "newrelic": "newrelic", "sentry": "sentry", "sns": "aws-sns",
}

// What others have received from these systems reads as in the golden files, which people have read. BELAY_UPDATE=1 writes
// them anew.
func TestWhatOthersReceivedIsUnderstood(t *testing.T) {
	root := bodies(t)
	for format, dir := range fixtures {
		files, err := filepath.Glob(filepath.Join(root, "monitoring", dir, "*.json*"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, file := range files {
			t.Run(format+"/"+filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				said, err := app.Explain(nil, "", format, alert.Post{Header: map[string]string{}, Query: map[string]string{}, Body: body, At: received})
				require.NoError(t, err)
				for _, e := range said.Events {
					require.NotEmpty(t, e.Title)
					require.NotEmpty(t, e.Source, e.Title)
					require.NotEmpty(t, e.Status, e.Title)
					require.NotEmpty(t, e.DedupKey, e.Title)
					require.False(t, e.OccurredAt.IsZero(), e.Title)
				}
				for i := range said.Events {
					for j := range said.Events[i].Links {
						said.Events[i].Links[j].Href = alert.Clip(said.Events[i].Links[j].Href, 100)
					}
				}
				var got bytes.Buffer
				encoder := json.NewEncoder(&got)
				encoder.SetIndent("", " ")
				encoder.SetEscapeHTML(false)
				require.NoError(t, encoder.Encode(said))
				kept := filepath.Join("..", "integrations", strings.ReplaceAll(format, "-", ""), "testdata", "golden", filepath.Base(file))
				if os.Getenv("BELAY_UPDATE") != "" {
					require.NoError(t, os.MkdirAll(filepath.Dir(kept), 0o755))
					require.NoError(t, os.WriteFile(kept, got.Bytes(), 0o644))
				}
				want, err := os.ReadFile(kept)
				require.NoError(t, err, "BELAY_UPDATE=1 writes it")
				require.Equal(t, string(want), got.String(), fmt.Sprintf("BELAY_UPDATE=1 writes %s anew", kept))
			})
		}
	}
}
