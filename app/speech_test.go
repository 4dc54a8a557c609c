package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/app"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/foreign"
	"github.com/belayhq/belay/service"
)

var hear = flag.Bool("hear", false, "write down anew what the dialects heard; then read it")

// speakers are the dialects whose speech is written down here.
func speakers() map[string]alert.Dialect {
	all := map[string]alert.Dialect{}
	for _, d := range app.Dialects() {
		if slices.ContainsFunc(sayings, func(s said) bool { return s.format == d.Name }) {
			all[d.Name] = d
		}
	}
	return all
}

// published bodies of each system, below the directory of fixtures.
var published = map[string][]string{
	"zabbix":            {"monitoring/zabbix/*.json", "monitoring/pagerduty/agent-zabbix-event-v1.json"},
	"nagios":            {"monitoring/nagios/*.json", "monitoring/checkmk/*.json"},
	"uptime-kuma":       {"monitoring/uptime-kuma/*.json"},
	"healthchecks":      {"monitoring/healthchecks/*.json"},
	"pagerduty-webhook": {"monitoring/pagerduty/webhook-*.json"},
	"pagerduty": {"monitoring/pagerduty/events-v2-[act]*.json", "monitoring/pagerduty/events-v2-resolve.json", "monitoring/pagerduty/agent-*.json",
		"monitoring/nagios/*.json"},
	"opsgenie-webhook": {"monitoring/opsgenie/webhook-*.json", "monitoring/opsgenie/api-request-*.json"},
	"splunk-oncall":    {"monitoring/splunk/*.json"},
	"site24x7":         {"monitoring/site24x7/*.json"},
	"pingdom":          {"monitoring/pingdom/*.json"},
	"jira":             {"ticketing/jira/webhook-*.json", "ticketing/jira/zulip-*-v2.json"},
	"servicenow":       {"ticketing/servicenow/incident-*.json", "ticketing/servicenow/rapid7-search-*.json"},
	"zendesk":          {"ticketing/zendesk/*-ticket.json"},
	"freshservice":     {"ticketing/freshservice/*-ticket2.json", "ticketing/freshdesk/*.json"},
}

// mappings are systems without a format of their own: examples/mappings reads them as JSON.
var mappings = []string{
	"coralogix", "freshping", "graylog", "librato", "librenms", "riemann", "rundeck", "sensu", "signalfx", "thinkst-canary", "updown", "uptimerobot",
}

// silent are files that no system posts to anybody, and what they are.
var silent = map[string]string{
	"monitoring/SOURCES.md":                              "says where the files come from",
	"monitoring/opsgenie/api-response-close-alert.json":  "what Opsgenie's API answers",
	"monitoring/opsgenie/api-response-create-alert.json": "what Opsgenie's API answers",
	"monitoring/opsgenie/api-response-get-alert.json":    "what Opsgenie's API answers",
	"monitoring/opsgenie/api-response-get-request.json":  "what Opsgenie's API answers",
	"monitoring/opsgenie/openapi-alerts-trimmed.json":    "describes Opsgenie's API",
	"monitoring/pagerduty/events-v2-response-202.json":   "what PagerDuty answers",
	"monitoring/pagerduty/events-v2-response-400.json":   "what PagerDuty answers",
	"monitoring/pagerduty/openapi-events-v2.json":        "describes PagerDuty's API",
}

// bodies is the directory of what others published; a test that needs it is passed over where it is not.
func bodies(t *testing.T) string {
	t.Helper()
	root := os.Getenv("BELAY_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "fixtures")
	}
	if _, err := os.Stat(root); err != nil {
		t.Skipf("SKIPPED: no fixtures at %s; set BELAY_FIXTURES to the directory of fixtures", root)
	}
	return root
}

// answered is what ticket systems answer when they are asked, or are told: none of it is posted to anybody. Jira's and ServiceNow's
// are read by the tests of their rooms.
var answered = map[string]string{
	"ticketing/zendesk/get-organization.json":                               "an organisation",
	"ticketing/zendesk/get-sla-policies.json":                               "promises",
	"ticketing/zendesk/get-ticket-audits.json":                              "the history of a ticket",
	"ticketing/zendesk/get-trigger.json":                                    "a trigger",
	"ticketing/zendesk/get-user.json":                                       "a person",
	"ticketing/zendesk/get-webhook.json":                                    "a webhook's settings",
	"ticketing/zendesk/post-sla-policies.json":                              "promises",
	"ticketing/zendesk/post-triggers.json":                                  "triggers",
	"ticketing/zendesk/post-webhooks.json":                                  "a webhook's settings",
	"ticketing/freshservice/create-ticket-task2.json":                       "a task of a ticket",
	"ticketing/freshservice/list-all-groups.json":                           "groups",
	"ticketing/freshservice/list-tickets.json":                              "a list of tickets",
	"ticketing/jira/openapi-jira-cloud-v3-trimmed.json":                     "describes Jira's API",
	"ticketing/servicenow/rapid7-get-security-incident-invalid-sys-id.json": "an error",
}

func TestEveryFileOfATicketSystemIsReadOrNamed(t *testing.T) {
	root, heard := bodies(t), map[string]bool{}
	for _, system := range []string{"zendesk", "freshservice"} {
		for _, pattern := range published[system] {
			found, err := filepath.Glob(filepath.Join(root, pattern))
			require.NoError(t, err)
			for _, file := range found {
				name, err := filepath.Rel(root, file)
				require.NoError(t, err)
				heard[filepath.ToSlash(name)] = true
			}
		}
	}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "ticketing", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		rooms := strings.HasPrefix(path, "ticketing/jira/") || strings.HasPrefix(path, "ticketing/servicenow/")
		require.True(t, rooms || heard[path] || answered[path] != "", "%s is read by nobody", path)
		if strings.Contains(path, "openapi") {
			return nil
		}
		_, err = foreign.ReadAll(alert.Post{Body: raw})
		require.NoError(t, err, path)
		return nil
	}))
}

func TestEveryBodyThatOthersPublishedIsHeardOrNamed(t *testing.T) {
	root, known := bodies(t), map[string]bool{}
	note := func(pattern string) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		for _, file := range found {
			name, err := filepath.Rel(root, file)
			require.NoError(t, err)
			known[filepath.ToSlash(name)] = true
		}
	}
	for _, dir := range fixtures {
		note("monitoring/" + dir + "/*.json*")
	}
	for _, patterns := range published {
		for _, pattern := range patterns {
			note(pattern)
		}
	}
	for _, system := range mappings {
		note("monitoring/" + system + "/*.json")
	}
	for file := range silent {
		require.False(t, known[file], "%s is heard, and is said to be no webhook", file)
		note(file)
	}
	require.NoError(t, fs.WalkDir(os.DirFS(root), "monitoring", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			require.True(t, known[path], "%s is heard by no format and no mapping", path)
		}
		return err
	}))
}

// mapping is the integration of examples/mappings for a system.
func mapping(t *testing.T, system string) org.Integration {
	t.Helper()
	var files []blueprint.File
	for _, name := range []string{"quick/quick.yaml", "mappings/" + system + ".yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "examples", name))
		require.NoError(t, err)
		files = append(files, blueprint.File{Path: name, Content: text})
	}
	b, err := blueprint.Load(files, time.LoadLocation)
	require.NoError(t, err)
	in, ok := b.Org.Integrations[id.Integration(system)]
	require.True(t, ok)
	require.NotNil(t, in.Mapping)
	return in
}

func anyJSON(t *testing.T) alert.Dialect {
	t.Helper()
	d, err := app.Dialect("json")
	require.NoError(t, err)
	return d
}

func TestPublishedBodiesAreHeardByTheMappingsOfTheExamples(t *testing.T) {
	root := bodies(t)
	for _, system := range mappings {
		files, err := filepath.Glob(filepath.Join(root, "monitoring", system, "*.json"))
		require.NoError(t, err)
		for _, file := range files {
			t.Run(system+"/"+filepath.Base(file), func(t *testing.T) {
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				alerts, err := service.Understand(org.Terms{}, anyJSON(t), mapping(t, system), alert.Post{Body: body, At: received})
				require.NoError(t, err)
				golden(t, filepath.Join("testdata", "heard", "json", system+"-"+filepath.Base(file)), alerts)
			})
		}
	}
}

// Our own words for what these systems say, so that their ends are tried everywhere.
func TestTheMappingsOfTheExamplesEndWhatTheyBegan(t *testing.T) {
	for system, said := range map[string]spoken{
		"coralogix": {`{"name":"errors","alert_id":"7","alert_action":"trigger","alert_url":"https://c.example/7","fields":[{"key":"severity","value":"CRITICAL"},{"key":"team","value":"shop"}]}`,
			`{"name":"errors","alert_id":"7","alert_action":"resolve","alert_url":"https://c.example/7","fields":[{"key":"severity","value":"CRITICAL"},{"key":"team","value":"shop"}]}`},
		"freshping": {`{"webhook_event_data":{"check_name":"shop","check_state_name":"Not Responding","check_id":585767,"request_url":"https://shop.example"}}`,
			`{"webhook_event_data":{"check_name":"shop","check_state_name":"Available","check_id":585767,"request_url":"https://shop.example"}}`},
		"librato": {`{"alert":{"id":6294535,"name":"cpu"},"trigger_time":1767323045,"violations":{"db-1":[]}}`,
			`{"alert":{"id":6294535,"name":"cpu"},"trigger_time":1767323645,"clear":"normal"}`},
		"librenms": {`{"title":"db-1 is down","hostname":"db-1","device_id":"2","rule_id":"13","state":"1","severity":"critical","timestamp":"2026-01-02 03:04:05"}`,
			`{"title":"db-1 recovered","hostname":"db-1","device_id":"2","rule_id":"13","state":"0","severity":"ok","timestamp":"2026-01-02 03:14:05"}`},
		"riemann": {`{"host":"db-1","service":"disk","state":"critical","time":1767323045,"metric":1}`, `{"host":"db-1","service":"disk","state":"ok"}`},
		"rundeck": {`{"trigger":"failure","status":"failed","execution":{"href":"https://r.example/7","project":"shop","date-started":{"date":"2026-01-02T03:04:05Z"},"job":{"id":"j","name":"backup"}}}`,
			`{"trigger":"success","status":"succeeded","execution":{"href":"https://r.example/8","project":"shop","date-started":{"date":"2026-01-02T03:14:05Z"},"job":{"id":"j","name":"backup"}}}`},
		"sensu": {`{"action":"create","timestamp":1767323045,"client":{"name":"db-1"},"check":{"name":"disk","status":2,"output":"91 %"}}`,
			`{"action":"resolve","timestamp":1767323645,"client":{"name":"db-1"},"check":{"name":"disk","status":0}}`},
		"signalfx": {`{"severity":"Critical","statusExtended":"anomalous","incidentId":"1","messageTitle":"disk","detectorUrl":"https://s.example/1"}`,
			`{"severity":"Critical","statusExtended":"ok","incidentId":"1","messageTitle":"disk"}`},
		"updown": {`[{"event":"check.down","check":{"token":"t","url":"https://shop.example"},"downtime":{"error":"500","started_at":"2026-01-02T03:04:05Z"}}]`,
			`[{"event":"check.up","check":{"token":"t","url":"https://shop.example"},"downtime":{"error":"500","started_at":"2026-01-02T03:04:05Z","ended_at":"2026-01-02T03:14:05Z"}}]`},
		"uptimerobot": {`{"monitorID":"7","monitorURL":"https://shop.example","monitorFriendlyName":"shop","alertType":"1","alertTypeFriendlyName":"Down","alertDateTime":"1767323045"}`,
			`{"monitorID":"7","monitorURL":"https://shop.example","monitorFriendlyName":"shop","alertType":2,"alertTypeFriendlyName":"Up"}`},
	} {
		t.Run(system, func(t *testing.T) {
			hears := func(body string) alert.Alert {
				all, err := service.Understand(org.Terms{}, anyJSON(t), mapping(t, system), alert.Post{Body: []byte(body), At: received})
				require.NoError(t, err)
				require.Len(t, all, 1)
				require.Empty(t, all[0].Warnings)
				return all[0]
			}
			broke, well := hears(said.broke), hears(said.well)
			require.Equal(t, []alert.Action{alert.Trigger, alert.Resolve}, []alert.Action{broke.Action, well.Action})
			require.Equal(t, broke.DedupKey, well.DedupKey)
			require.NotContains(t, broke.DedupKey, "e+", "numbers are written as people write them")
		})
	}
}

// heard is what is written down of an alert: what people and rules go by.
type heard struct {
	Action     alert.Action   `json:"action"`
	DedupKey   string         `json:"dedup_key,omitempty"`
	Title      string         `json:"title"`
	Source     string         `json:"source,omitempty"`
	Status     string         `json:"status,omitempty"`
	Severity   alert.Severity `json:"severity"`
	OccurredAt string         `json:"occurred_at,omitempty"`
	Links      []string       `json:"links,omitempty"`
	Warnings   []string       `json:"warnings,omitempty"`
}

func written(alerts []alert.Alert) []byte {
	var all []heard
	for _, a := range alerts {
		h := heard{Action: a.Action, DedupKey: brief(a.DedupKey), Title: brief(a.Title), Source: a.Source, Status: a.Status, Severity: a.Severity, Warnings: a.Warnings}
		if !a.OccurredAt.IsZero() {
			h.OccurredAt = a.OccurredAt.Format("2006-01-02T15:04:05.999Z07:00")
		}
		for _, l := range a.Links {
			h.Links = append(h.Links, brief(l.Href))
		}
		all = append(all, h)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(all) // values of ours
	return out.Bytes()
}

// brief: texts of others are not repeated at length.
func brief(s string) string {
	if runes := []rune(s); len(runes) > 90 {
		return string(runes[:89]) + "…"
	}
	return s
}

func TestPublishedBodiesAreHeardAsAPersonReadThem(t *testing.T) {
	root := bodies(t)
	for format, patterns := range published {
		var files []string
		for _, pattern := range patterns {
			found, err := filepath.Glob(filepath.Join(root, pattern))
			require.NoError(t, err)
			require.NotEmpty(t, found, pattern)
			files = append(files, found...)
		}
		for _, file := range files {
			name := filepath.Base(filepath.Dir(file)) + "-" + filepath.Base(file)
			t.Run(format+"/"+name, func(t *testing.T) {
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				alerts, err := understood(speakers()[format], string(body))
				require.NoError(t, err)
				golden(t, filepath.Join("testdata", "heard", format, name), alerts)
			})
		}
	}
}

// golden compares what was heard with what is written down of it.
func golden(t *testing.T, file string, alerts []alert.Alert) {
	t.Helper()
	lawful(t, alerts)
	for _, a := range alerts {
		require.NotEmpty(t, a.Title)
		require.NotEmpty(t, a.Source, a.Title)
		require.NotEmpty(t, a.Status, a.Title)
	}
	if *hear {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, written(alerts), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run it with -hear, and read what it wrote")
	require.Equal(t, string(want), string(written(alerts)))
}

// lawful is what holds of every alert that a dialect answers (alert.Dialect).
func lawful(t testing.TB, alerts []alert.Alert) {
	t.Helper()
	require.NotEmpty(t, alerts)
	for _, a := range alerts {
		require.Contains(t, []alert.Action{alert.Trigger, alert.Acknowledge, alert.Resolve, alert.Ignore}, a.Action)
		require.LessOrEqual(t, len([]rune(a.DedupKey)), 255)
		require.LessOrEqual(t, len([]rune(a.Title)), 1024)
		if a.Action == alert.Trigger {
			require.NotEmpty(t, a.Title)
			require.Contains(t, []alert.Severity{alert.Critical, alert.Error, alert.Warning, alert.Info}, a.Severity)
		}
		_, err := json.Marshal(a)
		require.NoError(t, err)
	}
}

// said by a sender, and what must be heard: empty fields are not asked for.
type said struct {
	format, body string
	action       alert.Action
	severity     alert.Severity
	title, key   string
}

// Bodies in the many ways in which the same is said. Two that follow each other with the same key are about one trouble.
var sayings = []said{
	{"zabbix", `{"event_id":"81","event_value":"1","event_update_status":"0","event_name":"High CPU","event_nseverity":"4","host_name":"web-1","trigger_id":"9","zabbix_url":"https://z.example","event_date":"2026.03.01","event_time":"10:00:00"}`, alert.Trigger, alert.Error, "High CPU", "zabbix/trigger/9"},
	{"zabbix", `{"event_id":"81","event_value":"1","event_update_status":"1","event_update_action":"acknowledged, commented","event_name":"High CPU","event_nseverity":"4","trigger_id":"9"}`, alert.Acknowledge, "", "", "zabbix/trigger/9"},
	{"zabbix", `{"event_id":"81","event_value":"1","event_update_status":"1","event_update_action":"commented","event_name":"High CPU","trigger_id":"9"}`, alert.Ignore, "", "", ""},
	{"zabbix", `{"event_id":"81","event_value":"0","event_name":"High CPU","event_nseverity":"4","trigger_id":"9","event_recovery_date":"2026.03.01","event_recovery_time":"10:05:00"}`, alert.Resolve, "", "", "zabbix/trigger/9"},
	{"zabbix", `{"EVENT.ID":"7","TRIGGER.STATUS":"PROBLEM","TRIGGER.NAME":"Disk full","TRIGGER.SEVERITY":"Disaster","HOST.NAME":"db-1","ITEM.VALUE":"{ITEM.VALUE}"}`, alert.Trigger, alert.Critical, "Disk full", "zabbix/event/7"},
	{"zabbix", `{"clock":1789560000,"ns":1,"value":1,"eventid":42,"name":"Agent is away","severity":3,"hosts":[{"host":"db-1","name":"db 1"}],"tags":[{"tag":"team","value":"db"}]}`, alert.Trigger, alert.Warning, "Agent is away", "zabbix/event/42"},
	{"zabbix", `{"clock":1789560300,"ns":1,"value":0,"eventid":43,"p_eventid":42,"name":"Agent is away"}`, alert.Resolve, "", "", "zabbix/event/42"},
	{"zabbix", `{"subject":"Problem: Disk full","hostname":"db-1","status":"PROBLEM","severity":"purple"}`, alert.Trigger, alert.Error, "Problem: Disk full", "zabbix/db-1/Disk full"},
	{"zabbix", `{"subject":"Resolved in 5m: Disk full","hostname":"db-1","status":"RESOLVED"}`, alert.Resolve, "", "", "zabbix/db-1/Disk full"},

	{"nagios", `NAGIOS_HOSTNAME=db-1&NAGIOS_SERVICEDESC=Disk&NAGIOS_SERVICESTATE=WARNING&NAGIOS_NOTIFICATIONTYPE=PROBLEM&NAGIOS_SERVICEOUTPUT=91+%25`, alert.Trigger, alert.Warning, "db-1/Disk is WARNING: 91 %", "nagios/db-1/Disk"},
	{"nagios", `{"host":"db-1","service":"Disk","state":"OK","notification_type":"RECOVERY","output":"20 %"}`, alert.Resolve, "", "", "nagios/db-1/Disk"},
	{"nagios", `{"host.name":"db-1","service.name":"Disk","service.state":"CRITICAL","notification.type":"ACKNOWLEDGEMENT","notification.author":"ana"}`, alert.Acknowledge, "", "", "nagios/db-1/Disk"},
	{"nagios", `{"type":"StateChange","host":"db-1","service":"Disk","state":2.0,"timestamp":1789560000.12,"check_result":{"output":"full"}}`, alert.Trigger, alert.Critical, "db-1/Disk is CRITICAL: full", "nagios/db-1/Disk"},
	{"nagios", `{"HOSTNAME":"db-1","HOSTSTATE":"DOWN","NOTIFICATIONTYPE":"DOWNTIMESTART"}`, alert.Ignore, "", "", ""},
	{"nagios", `{"HOSTNAME":"db-1","HOSTSTATE":"UNREACHABLE","NOTIFICATIONTYPE":"CUSTOM"}`, alert.Trigger, alert.Error, "db-1 is UNREACHABLE", "nagios/db-1"},

	{"uptime-kuma", `{"heartbeat":null,"monitor":null,"msg":"Belay Testing"}`, alert.Ignore, "", "", ""},
	{"uptime-kuma", `{"heartbeat":null,"monitor":null,"msg":"[API][https://a.example] server certificate a.example will be expired in 7 days"}`, alert.Trigger, alert.Warning, "", ""},
	{"uptime-kuma", `{"heartbeat":{"monitor_id":3,"status":3,"msg":"x"},"monitor":{"id":3,"name":"API"},"msg":"[API] [Maintenance] x"}`, alert.Ignore, "", "", "uptime-kuma/3"},
	{"uptime-kuma", `{"msg":"[API] [🔴 Down] connect ECONNREFUSED"}`, alert.Trigger, alert.Critical, "[API] [🔴 Down] connect ECONNREFUSED", "uptime-kuma/API"},
	{"uptime-kuma", `{"msg":"[API] [✅ Up] 200 - OK"}`, alert.Resolve, "", "", "uptime-kuma/API"},

	{"healthchecks", `{"name":"backup","status":"down","code":"6d9d","now":"2026-09-16T12:00:00+00:00","tags":"db prod"}`, alert.Trigger, alert.Critical, "backup is down", "healthchecks/6d9d"},
	{"healthchecks", "name=backup&status=up&code=6d9d", alert.Resolve, "", "", "healthchecks/6d9d"},
	{"healthchecks", `{"name":"backup","status":"grace"}`, alert.Ignore, "", "", ""},

	{"pagerduty-webhook", `{"event":{"event_type":"pagey.ping","data":{"message":"Hello from your friend Pagey!","type":"ping"}}}`, alert.Ignore, "", "", ""},
	{"pagerduty-webhook", `{"event":{"event_type":"incident.reopened","occurred_at":"2026-09-16T12:00:00Z","data":{"id":"P1","title":"again","urgency":"low"}}}`, alert.Trigger, alert.Warning, "again", "pagerduty/P1"},
	{"pagerduty-webhook", `{"messages":[{"event":"incident.resolve","created_on":"2026-09-16T12:00:00Z","incident":{"id":"P1","title":"again"}}]}`, alert.Resolve, "", "", "pagerduty/P1"},
	{"pagerduty", `{"service_key":"k","event_type":"trigger","description":"disk","incident_key":"d1","details":{"severity":"warning","hostname":"db-1"}}`, alert.Trigger, alert.Warning, "disk", "d1"},
	{"pagerduty", `{"service_key":"k","event_type":"resolve","incident_key":"d1"}`, alert.Resolve, "", "", "d1"},
	{"pagerduty", `{"routing_key":"k","payload":{"summary":"deployed 1.2"}}`, alert.Ignore, "", "deployed 1.2", ""},

	{"opsgenie-webhook", `{"action":"Create","alert":{"alertId":"a1","alias":"disk","message":"Disk full","priority":"P1"}}`, alert.Trigger, alert.Critical, "Disk full", "disk"},
	{"opsgenie-webhook", `{"action":"EscalateNext","alert":{"alertId":"a1","alias":"disk","message":"Disk full"}}`, alert.Ignore, "", "", "disk"},
	{"opsgenie-webhook", `{"message":"Disk full","alias":"disk","priority":"P2","entity":"db-1"}`, alert.Trigger, alert.Error, "Disk full", "disk"},

	{"splunk-oncall", `{"message_type":"CRITICAL","entity_id":"db/disk","entity_display_name":"Disk full","state_start_time":1789560000,"vo_annotate.u.Runbook":"https://r.example"}`, alert.Trigger, alert.Critical, "Disk full", "db/disk"},
	{"splunk-oncall", `{"message_type":"acknowledgement","entity_id":"db/disk"}`, alert.Acknowledge, "", "", "db/disk"},
	{"splunk-oncall", `{"message_type":"RECOVERY","entity_id":"db/disk"}`, alert.Resolve, "", "", "db/disk"},
	{"splunk-oncall", `{"message_type":"INFO","entity_id":"db/disk"}`, alert.Ignore, "", "", ""},
	{"splunk-oncall", `{"message_type":"WOBBLY","entity_id":"db/disk"}`, alert.Trigger, alert.Error, "", "db/disk"},

	{"site24x7", `{"MONITORNAME":"shop","MONITOR_ID":123456000,"STATUS":"TROUBLE","INCIDENT_REASON":"slow"}`, alert.Trigger, alert.Warning, "shop is TROUBLE: slow", "site24x7/123456000"},
	{"site24x7", "MONITORNAME=shop&MONITOR_ID=123456000&STATUS=UP", alert.Resolve, "", "", "site24x7/123456000"},

	{"pingdom", `{"check_id":5,"check_name":"shop","check_type":"TRANSACTION","current_state":"FAILING","previous_state":"SUCCESS","importance_level":"LOW"}`, alert.Trigger, alert.Warning, "shop is FAILING", "pingdom/5"},
	{"pingdom", `{"check_id":5,"check_name":"shop","current_state":"SUCCESS","previous_state":"FAILING"}`, alert.Resolve, "", "", "pingdom/5"},

	{"goalert", `{"summary":"Disk full","details":"db-1","dedup":"disk"}`, alert.Trigger, alert.Error, "Disk full", "disk"},
	{"goalert", "summary=Disk+full&action=close&dedup=disk", alert.Resolve, "", "", "disk"},
	{"goalert", `{"AppName":"GoAlert","Type":"Alert","AlertID":7,"Summary":"Disk full","ServiceName":"db"}`, alert.Trigger, alert.Error, "Disk full", "goalert/7"},
	{"goalert", `{"AppName":"GoAlert","Type":"AlertStatus","AlertID":7,"LogEntry":"Closed by Ana"}`, alert.Resolve, "", "", "goalert/7"},

	{"grafana-oncall", `{"event":{"type":"alert group created","time":"2026-09-16T12:00:00Z"},"alert_group":{"id":"I1","state":"firing","title":"Disk full","permalinks":{"web":"https://g.example/I1"}},"alert_payload":{"labels":{"severity":"critical"}},"integration":{"name":"alertmanager"}}`, alert.Trigger, alert.Critical, "Disk full", "grafana-oncall/I1"},
	{"grafana-oncall", `{"event":{"type":"status change"},"alert_group":{"id":"I1","state":"acknowledged","title":"Disk full"}}`, alert.Acknowledge, "", "", "grafana-oncall/I1"},
	{"grafana-oncall", `{"event":{"type":"resolve"},"alert_group":{"id":"I1","state":"resolved","title":"Disk full"}}`, alert.Resolve, "", "", "grafana-oncall/I1"},
	{"grafana-oncall", `{"alert_uid":"u1","title":"Disk full","state":"alerting","link_to_upstream_details":"https://g.example"}`, alert.Trigger, alert.Error, "Disk full", "grafana-oncall/u1"},
	{"grafana-oncall", `{"alert_uid":"u1","title":"Disk full","state":"ok"}`, alert.Resolve, "", "", "grafana-oncall/u1"},

	{"jira", `{"key":"OPS-1","id":"10","self":"https://j.example/rest/api/2/issue/10","fields":{"summary":"Disk","status":{"name":"Open"},"priority":{"name":"Highest"}}}`, alert.Trigger, alert.Critical, "OPS-1: Disk", "jira/10"},
	{"jira", `{"webhookEvent":"jira:issue_updated","issue":{"key":"OPS-1","id":"10","fields":{"summary":"Disk","status":{"name":"Closed"}}}}`, alert.Resolve, "", "", "jira/10"},

	{"servicenow", `{"incident":{"sys_id":"a1","number":"INC1","short_description":"Mail is down","state":{"value":"1","display_value":"New"},"priority":{"value":"1","display_value":"1 - Critical"},"cmdb_ci":{"display_value":"mail-1","value":"x"}}}`, alert.Trigger, alert.Critical, "INC1: Mail is down", "servicenow/a1"},
	{"servicenow", `{"sys_id":"a1","number":"INC1","short_description":"Mail is down","state":"Resolved","priority":"1 - Critical"}`, alert.Resolve, "", "", "servicenow/a1"},
	{"servicenow", `{"sys_id":"a1","number":"INC1","short_description":"Mail is down","state":"2","operation":"update"}`, alert.Ignore, "", "", "servicenow/a1"},
	{"servicenow", `{"records":[{"source":"zabbix","node":"db-1","type":"disk","message_key":"k1","severity":"1","description":"Disk full"}]}`, alert.Trigger, alert.Critical, "Disk full", "servicenow/k1"},
	{"servicenow", `{"source":"zabbix","node":"db-1","type":"disk","message_key":"k1","severity":"0","description":"Disk full"}`, alert.Resolve, "", "", "servicenow/k1"},

	{"zendesk", `{"type":"zen:event-type:ticket.created","time":"2026-09-16T12:00:00Z","subject":"zen:ticket:12","detail":{"id":"12","subject":"No mail","status":"NEW","priority":"URGENT"},"event":{}}`, alert.Trigger, alert.Critical, "#12: No mail", "zendesk/12"},
	{"zendesk", `{"type":"zen:event-type:ticket.comment_added","subject":"zen:ticket:12","detail":{"id":"12","subject":"No mail","status":"OPEN"}}`, alert.Ignore, "", "", "zendesk/12"},
	{"zendesk", `{"ticket":{"id":12,"title":"No mail","status":"Solved","link":"acme.zendesk.com/agent/tickets/12"}}`, alert.Resolve, "", "", "zendesk/12"},
	{"zendesk", `{"ticket_id":"12","title":"No mail","status":"pending"}`, alert.Ignore, "", "", "zendesk/12"},

	{"freshservice", `{"freshdesk_webhook":{"ticket_id":"INC-12","ticket_subject":"No mail","ticket_status":"Open","ticket_priority":"Urgent","triggered_event":"{ticket_action:created}"}}`, alert.Trigger, alert.Critical, "#INC-12: No mail", "freshservice/12"},
	{"freshservice", `{"ticket":{"id":12,"subject":"No mail","status":5,"priority":4}}`, alert.Resolve, "", "", "freshservice/12"},
}

func TestTheSameIsHeardHoweverItIsSaid(t *testing.T) {
	for i, s := range sayings {
		t.Run(fmt.Sprintf("%s/%d", s.format, i), func(t *testing.T) {
			alerts, err := speakers()[s.format].Decode(alert.Post{Body: []byte(s.body)})
			require.NoError(t, err)
			lawful(t, alerts)
			require.Len(t, alerts, 1)
			require.Equal(t, s.action, alerts[0].Action)
			if s.severity != "" {
				require.Equal(t, s.severity, alerts[0].Severity)
			}
			if s.title != "" {
				require.Equal(t, s.title, alerts[0].Title)
			}
			if s.key != "" {
				require.Equal(t, s.key, alerts[0].DedupKey)
			}
		})
	}
}

func TestFieldsThatSystemsMayAddSomeDayBreakNothing(t *testing.T) {
	for i, s := range sayings {
		if !strings.HasPrefix(s.body, "{") {
			continue
		}
		more := `{"__new":{"deep":[1,{"a":null}]},"another":1e400,` + s.body[1:]
		before, err := speakers()[s.format].Decode(alert.Post{Body: []byte(s.body)})
		require.NoError(t, err)
		after, err := speakers()[s.format].Decode(alert.Post{Body: []byte(more)})
		require.NoError(t, err, i)
		require.Equal(t, written(before), written(after))
	}
}

func TestWhatIsNoBodyOfASystemIsRefusedWithItsField(t *testing.T) {
	for name, d := range speakers() {
		for _, body := range []string{"", "{", "[]", "null", "7", `"text"`, `{"a":1}`, `[[]]`, strings.Repeat("[", 20_000), "\x00\xff", "a=b"} {
			_, err := d.Decode(alert.Post{Body: []byte(body)})
			require.Error(t, err, "%s %q", name, brief(body))
			require.Equal(t, fault.Invalid, fault.KindOf(err), "%s %q: %v", name, brief(body), err)
		}
	}
}

func TestSignaturesAreThoseOfEachSystem(t *testing.T) {
	const secret, body, at = "s3cret", `{"event":{}}`, "2026-09-16T12:00:00Z"
	mac := func(text string) []byte {
		m := hmac.New(sha256.New, []byte(secret))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	for name, header := range map[string]map[string]string{
		"pagerduty-webhook": {"x-pagerduty-signature": "v1=00ff,v1=" + hex.EncodeToString(mac(body))},
		"jira":              {"x-hub-signature": "sha256=" + hex.EncodeToString(mac(body))},
		"zendesk": {"x-zendesk-webhook-signature": base64.StdEncoding.EncodeToString(mac(at + body)),
			"x-zendesk-webhook-signature-timestamp": at},
	} {
		d := speakers()[name]
		require.NoError(t, d.Verify(alert.Post{Header: header, Body: []byte(body)}, secret), name)
		for what, forged := range map[string]error{
			"another body":   d.Verify(alert.Post{Header: header, Body: []byte(body + " ")}, secret),
			"another secret": d.Verify(alert.Post{Header: header, Body: []byte(body)}, "other"),
			"no signature":   d.Verify(alert.Post{Body: []byte(body)}, secret),
		} {
			require.Equal(t, fault.Unauthenticated, fault.KindOf(forged), "%s: %s", name, what)
		}
	}
	// Made by openssl dgst -sha256 -hmac s3cret of this body.
	known := alert.Post{Body: []byte("belay"), Header: map[string]string{"x-pagerduty-signature": "v1=7f53d6204fad1425023a69eba13102e757cc8159fb0bb4348a5c4e52739f3f45"}}
	require.NoError(t, speakers()["pagerduty-webhook"].Verify(known, secret))
}

func FuzzDialects(f *testing.F) {
	for _, s := range sayings {
		f.Add(s.format, s.body)
	}
	all := speakers()
	f.Fuzz(func(t *testing.T, format, body string) {
		d, ok := all[format]
		if !ok {
			return
		}
		alerts, err := d.Decode(alert.Post{Body: []byte(body), Query: map[string]string{}})
		if err != nil {
			require.Contains(t, []fault.Kind{fault.Invalid, fault.TooLarge}, fault.KindOf(err))
			return
		}
		lawful(t, alerts)
		again, err := d.Decode(alert.Post{Body: []byte(body), Query: map[string]string{}})
		require.NoError(t, err)
		require.Equal(t, alerts, again, "the same body reads the same")
	})
}
