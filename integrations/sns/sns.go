// Package sns reads what Amazon SNS posts: alarms of CloudWatch, events of EventBridge, and messages of anybody to a topic.
// Every request must bear a signature of SNS; a subscription is confirmed when it does. Source: docs.aws.amazon.com, "Parsing
// Amazon SNS message formats", "Verifying the signatures of Amazon SNS messages".
package sns

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of SNS. A secret, besides, is the password in the address of the subscription (https://sns:SECRET@…).
func Dialect(outside Fetcher) alert.Dialect {
	g := &greeter{outside: outside}
	return alert.Dialect{Name: "sns", Decode: Decode, Permit: permit, Greet: g.greet}
}

// permit: Amazon signs the messages of all its customers, so only the topic tells whose this is. What the message says of it is
// proved by the signature, afterwards.
func permit(in org.Integration, p alert.Post) error {
	if len(in.Topics) == 0 {
		return nil
	}
	body, err := foreign.Read(p)
	if err != nil {
		return err
	}
	if topic := body.Text("TopicArn"); !slices.Contains(in.Topics, topic) {
		return fault.New(fault.Denied, "TopicArn: %q is none of the topics of this integration", alert.Clip(topic, 200))
	}
	return nil
}

// Decode reads one message, or the records in which a Lambda function has it.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	envelopes := []foreign.Object{body}
	if records := body.List("Records"); len(records) > 0 {
		envelopes = nil
		for _, r := range records {
			envelopes = append(envelopes, r.Inner("Sns"))
		}
	}
	var out []alert.Alert
	for _, e := range envelopes {
		a, err := decode(e)
		if err != nil {
			return nil, err
		}
		a.Client = "Amazon SNS"
		out = append(out, a)
	}
	return out, nil
}

func decode(e foreign.Object) (alert.Alert, error) {
	topic := e.Text("TopicArn")
	switch kind := e.Text("Type"); kind {
	case subscription:
		return notice("SNS asks to confirm the subscription of "+topic, kind, topic, e), nil
	case farewell:
		return notice("SNS says that nobody listens to "+topic+" here any more", kind, topic, e), nil
	case notification:
	case "":
		if e.Has("AlarmName", "detail-type") { // delivered raw
			return message(e, foreign.Object{}, "")
		}
		return alert.Alert{}, fault.Field("Type", "must be Notification, SubscriptionConfirmation or UnsubscribeConfirmation")
	default:
		return alert.Alert{}, fault.Field("Type", "%q is none of Notification, SubscriptionConfirmation, UnsubscribeConfirmation", alert.Clip(kind, 60))
	}
	return message(e.Inner("Message"), e, topic)
}

func notice(title, kind, topic string, e foreign.Object) alert.Alert {
	return alert.Alert{
		Action: alert.Ignore, Title: foreign.Title(title), Status: kind, Source: topic, Severity: alert.Info,
		DedupKey: foreign.Key("sns", topic), OccurredAt: e.Time("Timestamp"),
	}
}

// message is what was published; m is empty when it is no JSON object.
func message(m, e foreign.Object, topic string) (alert.Alert, error) {
	switch {
	case m.Has("AlarmName") && m.Has("NewStateValue"):
		return alarm(m, e), nil
	case m.Has("detail-type"):
		return event(m, e), nil
	}
	title := e.Text("Subject")
	text := e.Text("Message")
	if title == "" {
		title = m.Text("title", "summary", "message", "Message", "description")
	}
	if title == "" {
		title = foreign.FirstLine(text)
	}
	if topic == "" || title == "" {
		return alert.Alert{}, fault.Field("Message", "must say something, and TopicArn to whom")
	}
	a := alert.Alert{
		Action: alert.Trigger, Title: foreign.Title(title), Status: "published", Source: topic[strings.LastIndex(topic, ":")+1:],
		OccurredAt: e.Time("Timestamp"), DedupKey: foreign.Key("sns", topic, title), Severity: alert.Error,
		Details: foreign.Details(map[string]any{"message": alert.Clip(text, 8000), "attributes": e.At("MessageAttributes")}),
	}
	if word := m.Text("severity", "level", "priority"); word != "" {
		a.Severity, a.Warnings = foreign.Severity(word, alert.Error, nil)
	}
	if word := strings.ToLower(m.Text("status", "state")); word == "ok" || word == "resolved" {
		a.Action, a.Status = alert.Resolve, word
	}
	return a, nil
}

// alarm of CloudWatch, of a metric or composite.
func alarm(m, e foreign.Object) alert.Alert {
	name, arn := m.Text("AlarmName"), m.Text("AlarmArn")
	a := alert.Alert{
		Action: alert.Trigger, Status: m.Text("NewStateValue"), Source: foreign.Title(measured(m)),
		OccurredAt: m.Time("StateChangeTime"), Severity: alert.Error,
		DedupKey: foreign.Key("cloudwatch", m.Text("AWSAccountId"), m.Text("Region"), name),
		Links:    foreign.Links(alert.Link{Href: console(arn, name), Text: "Alarm"}),
		Labels: foreign.Labels(map[string]string{
			"account": m.Text("AWSAccountId"), "region": m.Text("Region"), "namespace": m.Text("Trigger.Namespace"), "metric": m.Text("Trigger.MetricName"),
		}),
		Details: foreign.Details(map[string]any{
			"reason": m.Text("NewStateReason"), "description": m.Text("AlarmDescription"), "trigger": m.At("Trigger"), "before": m.Text("OldStateValue"),
			"rule": m.Text("AlarmRule"), "topic": e.Text("TopicArn"),
		}),
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = e.Time("Timestamp")
	}
	title := name
	if description := foreign.FirstLine(m.Text("AlarmDescription")); description != "" && description != name {
		title += ": " + description
	}
	if a.Source != "" && !strings.Contains(title, a.Source) {
		title += " (" + a.Source + ")"
	}
	a.Title = foreign.Title(title)
	a = stated(a)
	if a.Source == "" {
		a.Source = foreign.Title(name)
	}
	return a
}

// stated reads the states of CloudWatch. An alarm without data may be a machine that is gone.
func stated(a alert.Alert) alert.Alert {
	switch a.Status {
	case "OK":
		a.Action = alert.Resolve
	case "INSUFFICIENT_DATA":
		a.Severity, a.Title = alert.Warning, foreign.Title("no data: "+a.Title)
	case "ALARM":
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("state %q is unknown: taken as ALARM", alert.Clip(a.Status, 60)))
	}
	return a
}

// measured is what the alarm watches.
func measured(m foreign.Object) string {
	var all []string
	for _, d := range m.List("Trigger.Dimensions") {
		if value := d.Text("value"); value != "" {
			all = append(all, value)
		}
	}
	if len(all) == 0 {
		return strings.Trim(m.Text("Trigger.Namespace")+" "+m.Text("Trigger.MetricName"), " ")
	}
	return strings.Join(all, ", ")
}

// console is the page of an alarm. Its region is written in its name (ARN) only.
func console(arn, name string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 5 || parts[3] == "" || strings.Trim(parts[3], "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return ""
	}
	return "https://" + parts[3] + ".console.aws.amazon.com/cloudwatch/home?region=" + parts[3] + "#alarmsV2:alarm/" + url.PathEscape(name)
}

// event of EventBridge: alarms of CloudWatch in its form, and whatever else a rule sends to a topic.
func event(m, e foreign.Object) alert.Alert {
	d := m.Inner("detail")
	a := alert.Alert{
		Action: alert.Trigger, Status: d.Text("state.value", "state", "status", "statusCode", "eventTypeCategory"), OccurredAt: m.Time("time"), Severity: alert.Error,
		Source:   foreign.Title(m.Text("resources.0", "source")),
		DedupKey: foreign.Key("eventbridge", m.Text("account"), m.Text("region"), m.Text("source"), m.Text("detail-type"), d.Text("alarmName", "eventArn", "id"), m.Text("resources.0")),
		Labels:   foreign.Labels(map[string]string{"account": m.Text("account"), "region": m.Text("region"), "source": m.Text("source"), "kind": m.Text("detail-type")}),
		Details:  foreign.Details(map[string]any{"detail": d, "topic": e.Text("TopicArn")}),
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = e.Time("Timestamp")
	}
	if name := d.Text("alarmName"); name != "" {
		a.DedupKey = foreign.Key("cloudwatch", m.Text("account"), m.Text("region"), name)
		a.Title = foreign.Title(name + ": " + d.Text("state.reason"))
		a.Links = foreign.Links(alert.Link{Href: console(m.Text("resources.0"), name), Text: "Alarm"})
		return stated(a)
	}
	title := m.Text("detail-type")
	if word := d.Text("title", "eventTypeCode", "message", "description", "state"); word != "" {
		title += ": " + word
	}
	a.Title = foreign.Title(title + " (" + a.Source + ")")
	if strings.EqualFold(d.Text("statusCode"), "closed") {
		a.Action = alert.Resolve
	}
	return a
}
