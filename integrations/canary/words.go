package canary

import (
	"strings"
	"time"

	"github.com/belayhq/belay/core/org"
)

// title by which humans know it, in the words of every system.
const title = "Canary of Belay: nobody has to do anything"

// pair is how a system says that something fires, and that it is well again. NOW is an instant of RFC 3339, TITLE the title,
// KEY, in what PagerDuty's clients say, the key of the integration.
type pair struct{ firing, resolved string }

// words has a row for every format in which a canary can speak, but for json: only its integration knows that.
var words = map[string]pair{
	"alertmanager": {
		`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW","endsAt":"0001-01-01T00:00:00Z","fingerprint":"cana"}]}`,
		`{"version":"4","status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW","endsAt":"NOW","fingerprint":"cana"}]}`,
	},
	AlertmanagerAPI: {
		`[{"labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW"}]`,
		`[{"labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW","endsAt":"NOW"}]`,
	},
	"azure-monitor": {
		`{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/belay/canary","alertRule":"TITLE","severity":"Sev0","monitorCondition":"Fired","firedDateTime":"NOW"},"alertContext":{}}}`,
		`{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/subscriptions/belay/canary","alertRule":"TITLE","severity":"Sev0","monitorCondition":"Resolved","resolvedDateTime":"NOW"},"alertContext":{}}}`,
	},
	"datadog": {
		`{"title":"[Triggered] TITLE","alert_transition":"Triggered","alert_type":"error","alert_priority":"P1","alert_scope":"belay","monitor_id":"1","date":"NOW"}`,
		`{"title":"[Recovered] TITLE","alert_transition":"Recovered","alert_type":"success","alert_scope":"belay","monitor_id":"1","date":"NOW"}`,
	},
	"dynatrace": {
		`{"State":"OPEN","ProblemID":"P-1","PID":"belay-canary","ProblemTitle":"TITLE","ProblemSeverity":"AVAILABILITY","ProblemDetailsJSON":{"startTime":"NOW"}}`,
		`{"State":"RESOLVED","ProblemID":"P-1","PID":"belay-canary","ProblemTitle":"TITLE","ProblemDetailsJSON":{"endTime":"NOW"}}`,
	},
	"elastic": {
		`{"rule":{"id":"belay-canary","name":"TITLE"},"alert":{"id":"belay","actionGroup":"fired"},"severity":"critical","date":"NOW"}`,
		`{"rule":{"id":"belay-canary","name":"TITLE"},"alert":{"id":"belay","actionGroup":"recovered"},"date":"NOW"}`,
	},
	"freshservice": {
		`{"ticket":{"id":1,"subject":"TITLE","status":2,"priority":4,"updated_at":"NOW"}}`,
		`{"ticket":{"id":1,"subject":"TITLE","status":4,"priority":4,"updated_at":"NOW"}}`,
	},
	"gcp-monitoring": {
		`{"version":"1.2","incident":{"incident_id":"belay-canary","scoping_project_id":"belay","state":"open","summary":"TITLE","severity":"CRITICAL","started_at":"NOW","policy_name":"canary"}}`,
		`{"version":"1.2","incident":{"incident_id":"belay-canary","scoping_project_id":"belay","state":"closed","summary":"TITLE","ended_at":"NOW","policy_name":"canary"}}`,
	},
	"goalert": {
		`{"summary":"TITLE","dedup":"belay-canary"}`,
		`{"summary":"TITLE","dedup":"belay-canary","action":"close"}`,
	},
	"grafana": {
		`{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW","fingerprint":"cana"}]}`,
		`{"status":"resolved","alerts":[{"status":"resolved","labels":{"alertname":"BelayCanary","severity":"critical"},"annotations":{"summary":"TITLE"},"startsAt":"NOW","endsAt":"NOW","fingerprint":"cana"}]}`,
	},
	"grafana-oncall": {
		`{"event":{"type":"alert group created","time":"NOW"},"alert_group":{"id":"BELAYCANARY","state":"firing","title":"TITLE"},"alert_payload":{}}`,
		`{"event":{"type":"resolve","time":"NOW"},"alert_group":{"id":"BELAYCANARY","state":"resolved","title":"TITLE"},"alert_payload":{}}`,
	},
	"healthchecks": {
		`{"name":"TITLE","code":"belay-canary","status":"down","now":"NOW"}`,
		`{"name":"TITLE","code":"belay-canary","status":"up","now":"NOW"}`,
	},
	"jira": {
		`{"webhookEvent":"jira:issue_created","issue":{"id":"1","key":"BELAY-1","fields":{"summary":"TITLE","priority":{"name":"Highest"},"status":{"name":"Open","statusCategory":{"key":"new"}}}}}`,
		`{"webhookEvent":"jira:issue_updated","issue":{"id":"1","key":"BELAY-1","fields":{"summary":"TITLE","priority":{"name":"Highest"},"status":{"name":"Done","statusCategory":{"key":"done"}}}}}`,
	},
	"nagios": {
		`{"notification_type":"PROBLEM","host_name":"belay","service_desc":"canary","service_state":"CRITICAL","service_output":"TITLE","time":"NOW"}`,
		`{"notification_type":"RECOVERY","host_name":"belay","service_desc":"canary","service_state":"OK","service_output":"TITLE","time":"NOW"}`,
	},
	"newrelic": {
		`{"issueId":"belay-canary","title":"TITLE","priority":"CRITICAL","state":"ACTIVATED","createdAt":"NOW"}`,
		`{"issueId":"belay-canary","title":"TITLE","priority":"CRITICAL","state":"CLOSED","closedAt":"NOW"}`,
	},
	OpsgenieAPI: {
		`{"message":"TITLE","alias":"belay-canary","priority":"P1","source":"belay"}`,
		`{"source":"belay"}`,
	},
	"opsgenie-webhook": {
		`{"action":"Create","alert":{"alertId":"belay-canary","alias":"belay-canary","message":"TITLE","priority":"P1","updatedAt":"NOW"}}`,
		`{"action":"Close","alert":{"alertId":"belay-canary","alias":"belay-canary","message":"TITLE","priority":"P1","updatedAt":"NOW"}}`,
	},
	"pagerduty": {
		`{"event_action":"trigger","dedup_key":"belay-canary","payload":{"summary":"TITLE","source":"belay","severity":"critical","timestamp":"NOW"}}`,
		`{"event_action":"resolve","dedup_key":"belay-canary"}`,
	},
	PagerDutyAPI: {
		`{"routing_key":"KEY","event_action":"trigger","dedup_key":"belay-canary","payload":{"summary":"TITLE","source":"belay","severity":"critical","timestamp":"NOW"}}`,
		`{"routing_key":"KEY","event_action":"resolve","dedup_key":"belay-canary"}`,
	},
	"pagerduty-webhook": {
		`{"event":{"id":"1","event_type":"incident.triggered","occurred_at":"NOW","data":{"id":"BELAYCANARY","type":"incident","title":"TITLE","urgency":"high"}}}`,
		`{"event":{"id":"2","event_type":"incident.resolved","occurred_at":"NOW","data":{"id":"BELAYCANARY","type":"incident","title":"TITLE","urgency":"high"}}}`,
	},
	"pingdom": {
		`{"check_id":1,"check_name":"TITLE","check_type":"HTTP","current_state":"DOWN","previous_state":"UP","importance_level":"HIGH","state_changed_utc_time":"NOW"}`,
		`{"check_id":1,"check_name":"TITLE","check_type":"HTTP","current_state":"UP","previous_state":"DOWN","importance_level":"HIGH","state_changed_utc_time":"NOW"}`,
	},
	"sentry": {
		`{"action":"triggered","data":{"event":{"event_id":"1","issue_id":"belay-canary","title":"TITLE","level":"fatal","datetime":"NOW"},"triggered_rule":"canary"}}`,
		`{"action":"resolved","data":{"issue":{"id":"belay-canary","title":"TITLE","level":"fatal","lastSeen":"NOW"}}}`,
	},
	"servicenow": {
		`{"sys_id":"belaycanary","number":"INC0000001","short_description":"TITLE","state":"1","priority":"1"}`,
		`{"sys_id":"belaycanary","number":"INC0000001","short_description":"TITLE","state":"6","priority":"1"}`,
	},
	"site24x7": {
		`{"MONITORNAME":"TITLE","MONITOR_ID":"belay-canary","STATUS":"DOWN","INCIDENT_TIME_ISO":"NOW"}`,
		`{"MONITORNAME":"TITLE","MONITOR_ID":"belay-canary","STATUS":"UP","INCIDENT_TIME_ISO":"NOW"}`,
	},
	"splunk-oncall": {
		`{"message_type":"CRITICAL","entity_id":"belay-canary","entity_display_name":"TITLE","state_start_time":"NOW"}`,
		`{"message_type":"RECOVERY","entity_id":"belay-canary","entity_display_name":"TITLE","state_start_time":"NOW"}`,
	},
	"uptime-kuma": {
		`{"heartbeat":{"monitorID":1,"status":0,"time":"NOW","msg":"TITLE"},"monitor":{"id":1,"name":"TITLE"},"msg":"TITLE"}`,
		`{"heartbeat":{"monitorID":1,"status":1,"time":"NOW","msg":"TITLE"},"monitor":{"id":1,"name":"TITLE"},"msg":"TITLE"}`,
	},
	"zabbix": {
		`{"event_name":"TITLE","event_severity":"Disaster","event_value":"1","event_id":"1","trigger_id":"belay-canary","host_name":"belay"}`,
		`{"event_name":"TITLE","event_severity":"Disaster","event_value":"0","event_id":"1","trigger_id":"belay-canary","host_name":"belay"}`,
	},
	"zendesk": {
		`{"type":"zen:event-type:ticket.created","time":"NOW","subject":"zen:ticket:1","detail":{"id":"1","subject":"TITLE","status":"NEW","priority":"URGENT"},"event":{}}`,
		`{"type":"zen:event-type:ticket.status_changed","time":"NOW","subject":"zen:ticket:1","detail":{"id":"1","subject":"TITLE","status":"SOLVED","priority":"URGENT"},"event":{}}`,
	},
}

// body is what the system of an integration would send. Not ok: nobody knows its words.
func body(c org.Canary, firing bool, at time.Time) (string, bool) {
	said, known := words[c.Format]
	if c.Bodies != nil {
		said, known = pair{c.Bodies.Firing, c.Bodies.Resolved}, true
	}
	if firing {
		said.resolved = said.firing
	}
	return strings.NewReplacer("TITLE", title, "NOW", at.UTC().Format(time.RFC3339)).Replace(said.resolved), known
}
