// Package azuremonitor reads alerts of Azure Monitor: the common alert schema, and the schemas of their own that metric
// alerts, classic alerts, log alerts and activity log alerts have without it. Source: learn.microsoft.com, "Common alert
// schema" and "Non-common alert schema definitions".
package azuremonitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/foreign"
)

// Dialect of Azure Monitor. Action groups sign nothing that could be checked with a secret: the key must do.
func Dialect() alert.Dialect { return alert.Dialect{Name: "azure-monitor", Decode: Decode} }

// severities by Azure's numbers and by the levels of its activity log.
var severities = map[string]alert.Severity{
	"sev0": alert.Critical, "sev1": alert.Error, "sev2": alert.Warning, "sev3": alert.Info, "sev4": alert.Info,
	"0": alert.Critical, "1": alert.Error, "2": alert.Warning, "3": alert.Info, "4": alert.Info,
	"informational": alert.Info, "verbose": alert.Info,
}

// Decode reads one alert.
func Decode(p alert.Post) ([]alert.Alert, error) {
	body, err := foreign.Read(p)
	if err != nil {
		return nil, err
	}
	data := body.Inner("data")
	if len(data) == 0 {
		data = body
	}
	var a alert.Alert
	switch {
	case data.Has("context.activityLog"):
		a, err = activity(data)
	case data.Has("essentials"), data.Has("alertContext"):
		a, err = common(data)
	case data.Has("context"):
		a, err = classic(data)
	case data.Has("AlertRuleName", "SearchQuery"):
		a, err = log(data)
	default:
		return nil, fault.Field("data", "must hold essentials (the common alert schema), context, or AlertRuleName")
	}
	if err != nil {
		return nil, err
	}
	a.Client = "Azure Monitor"
	return []alert.Alert{a}, nil
}

// common is the common alert schema. Of a fragment without essentials what is there is taken.
func common(data foreign.Object) (alert.Alert, error) {
	e, c := data.Inner("essentials"), data.Inner("alertContext")
	conditions := c.List("condition.allOf")
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     e.Text("monitorCondition"),
		Source:     foreign.Title(strings.Join(e.Texts("configurationItems"), ", ")),
		OccurredAt: e.Time("firedDateTime"),
		Labels: foreign.Labels(map[string]string{
			"rule": e.Text("alertRule"), "signal": e.Text("signalType"), "service": e.Text("monitoringService"), "targets": strings.Join(e.Texts("alertTargetIDs"), ", "),
		}),
		Details: foreign.Details(map[string]any{
			"description": e.Text("description"), "condition": c.At("condition"), "properties": c.At("properties"), "custom": data.At("customProperties"),
			"query": c.Text("SearchQuery"), "results": c.Text("ResultCount"), "threshold": c.Text("Threshold"), "targets": e.At("alertTargetIDs"),
		}),
		Links: foreign.Links(
			alert.Link{Href: e.Text("investigationLink"), Text: "Investigate"},
			alert.Link{Href: portal(e.Text("alertId")), Text: "Alert"},
			alert.Link{Href: first(conditions, "linkToSearchResultsUI"), Text: "Results"},
			alert.Link{Href: c.Text("LinkToFilteredSearchResultsUI", "LinkToSearchResults"), Text: "Results"},
			alert.Link{Href: c.Text("LinkToSearchResultsAPI"), Text: "Results (API)"},
		),
	}
	if a.Source == "" {
		a.Source = foreign.Title(where(c, conditions))
	}
	if a.OccurredAt.IsZero() {
		a.OccurredAt = c.Time("condition.windowEndTime", "SearchIntervalEndtimeUtc", "eventTimestamp", "Timestamp")
	}
	told := said(conditions)
	if told == "" && c.Has("ResultCount") {
		told = strings.TrimSpace("search found " + c.Text("ResultCount") + " results, threshold " + strings.ToLower(c.Text("Operator")) + " " + c.Text("Threshold"))
	}
	if told == "" {
		told = c.Text("properties.title", "properties.defaultLanguageTitle", "operationName")
	}
	a.Title = titled(e.Text("alertRule"), e.Text("description"), told, a.Source)
	a.DedupKey = foreign.Key("azure", tail(e.Text("alertId")))
	if e.Text("alertId") == "" {
		a.DedupKey = foreign.Key("azure", e.Text("originAlertId"))
	}
	if tracking := c.Text("properties.trackingId"); tracking != "" { // each message about one event of the service is an alert of its own
		a.DedupKey = foreign.Key("azure", tracking)
	}
	if a.DedupKey == "azure" {
		a.DedupKey = foreign.Key("azure", e.Text("alertRule"), c.Text("conditionType", "AlertType"), first(conditions, "metricName"), a.Source, c.Text("WorkspaceId"))
		a.Warnings = append(a.Warnings, "essentials.alertId is missing: the rule, the metric and the resource tell this alert from others")
	}
	if a.DedupKey == "azure" {
		return a, fault.Field("data.essentials.alertId", "must say which alert this is")
	}
	var unknown []string
	a.Severity, unknown = foreign.Severity(severity(e, c), alert.Error, severities)
	a.Warnings = append(a.Warnings, unknown...)
	switch strings.ToLower(a.Status) {
	case "resolved", "deactivated":
		a.Action = alert.Resolve
		if at := e.Time("resolvedDateTime"); !at.IsZero() {
			a.OccurredAt = at
		}
	case "fired", "activated":
	case "":
		a.Warnings = append(a.Warnings, "essentials.monitorCondition is missing: taken as Fired")
		a.Status = "Fired"
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("monitorCondition %q is unknown: taken as Fired", alert.Clip(a.Status, 60)))
	}
	if over(c.Inner("properties")) {
		a.Action = alert.Resolve
	}
	return a, nil
}

func severity(e, c foreign.Object) string {
	if s := e.Text("severity"); s != "" {
		return s
	}
	return c.Text("SeverityDescription", "level")
}

// over: events of the service, and the health of a resource, come to an end in an alert that is fired as well.
func over(properties foreign.Object) bool {
	stage := strings.ToLower(properties.Text("stage"))
	return stage == "resolved" || stage == "complete" || strings.EqualFold(properties.Text("currentHealthStatus"), "Available")
}

// classic alerts, and metric alerts without the common schema.
func classic(data foreign.Object) (alert.Alert, error) {
	c := data.Inner("context")
	name := c.Text("name", "AlertRuleName")
	id := c.Text("id", "AlertId")
	if id == "" && name == "" {
		return alert.Alert{}, fault.Field("context.id", "must say which rule speaks")
	}
	conditions := c.List("condition.allOf")
	if len(conditions) == 0 {
		conditions = []foreign.Object{c.Inner("condition")}
	}
	a := alert.Alert{
		Action:     alert.Trigger,
		Status:     data.Text("status"),
		Source:     foreign.Title(c.Text("resourceName", "resourceId", "resourceGroupName")),
		OccurredAt: c.Time("timestamp"),
		DedupKey:   foreign.Key("azure", tail(id), c.Text("resourceName"), dimensions(conditions)),
		Labels: foreign.Labels(map[string]string{
			"rule": name, "resource_group": c.Text("resourceGroupName"), "resource_type": c.Text("resourceType"), "region": c.Text("resourceRegion"),
		}),
		Links: foreign.Links(alert.Link{Href: c.Text("portalLink"), Text: "Resource"}),
		Details: foreign.Details(map[string]any{
			"description": c.Text("description"), "condition": c.At("condition"), "properties": data.At("properties"), "resource": c.Text("resourceId"),
		}),
	}
	a.Title = titled(name, c.Text("description"), said(conditions), a.Source)
	a.Severity, a.Warnings = foreign.Severity(c.Text("severity"), alert.Error, severities)
	return stated(a, "status"), nil
}

// stated reads Activated and Resolved.
func stated(a alert.Alert, field string) alert.Alert {
	switch strings.ToLower(a.Status) {
	case "resolved", "deactivated":
		a.Action = alert.Resolve
	case "activated", "fired":
	default:
		a.Warnings = append(a.Warnings, fmt.Sprintf("%s %q is unknown: taken as Activated", field, alert.Clip(a.Status, 60)))
	}
	return a
}

// log alerts without the common schema.
func log(data foreign.Object) (alert.Alert, error) {
	name := data.Text("AlertRuleName")
	a := alert.Alert{
		Action: alert.Trigger, Status: "Fired",
		Source:     foreign.Title(data.Text("AffectedConfigurationItems.0", "WorkspaceId", "ApplicationId", "ResourceId")),
		OccurredAt: data.Time("SearchIntervalEndtimeUtc", "SearchIntervalEndTimeUtc"),
		DedupKey:   foreign.Key("azure", name, data.Text("WorkspaceId", "ApplicationId")),
		Links:      foreign.Links(alert.Link{Href: data.Text("LinkToFilteredSearchResultsUI", "LinkToSearchResults"), Text: "Results"}),
		Details: foreign.Details(map[string]any{
			"description": data.Text("Description"), "query": data.Text("SearchQuery"), "results": data.Text("ResultCount"), "threshold": data.Text("AlertThresholdValue"),
		}),
	}
	told := ""
	if n := data.Text("ResultCount"); n != "" {
		told = "search found " + n + " results"
	}
	a.Title = titled(name, data.Text("Description"), told, "")
	a.Severity, a.Warnings = foreign.Severity(data.Text("Severity"), alert.Error, severities)
	if a.DedupKey == "azure" {
		return a, fault.Field("data.AlertRuleName", "must say which rule speaks")
	}
	return a, nil
}

// activity log alerts: what was done to a resource, how it is, what happens to a service of Azure.
func activity(data foreign.Object) (alert.Alert, error) {
	o := data.Inner("context.activityLog")
	p := o.Inner("properties")
	id := p.Text("trackingId")
	if id == "" && p.Has("currentHealthStatus") {
		id = tail(o.Text("resourceId")) + "/health"
	}
	if id == "" {
		id = o.Text("correlationId", "operationId", "eventDataId")
	}
	if id == "" {
		return alert.Alert{}, fault.Field("data.context.activityLog.correlationId", "must tell this from others")
	}
	a := alert.Alert{
		Action: alert.Trigger, Status: data.Text("status"), DedupKey: foreign.Key("azure", id),
		Source:     foreign.Title(base(o.Text("resourceId"), p.Text("service"), p.Text("impactedServices"), o.Text("resourceGroupName"), o.Text("subscriptionId"))),
		OccurredAt: o.Time("eventTimestamp", "submissionTimestamp"),
		Labels:     foreign.Labels(map[string]string{"source": o.Text("eventSource"), "operation": o.Text("operationName"), "level": o.Text("level"), "channel": o.Text("channels")}),
		Details:    foreign.Details(map[string]any{"properties": p, "description": o.Text("description"), "caller": o.Text("caller"), "resource": o.Text("resourceId")}),
	}
	told := p.Text("title", "defaultLanguageTitle", "details")
	if health := p.Text("currentHealthStatus"); health != "" {
		told = "health is " + health + ", was " + p.Text("previousHealthStatus")
	}
	if told == "" {
		told = strings.TrimSpace(o.Text("operationName") + " " + o.Text("status"))
	}
	a.Title = titled("", "", told, a.Source)
	a.Severity, a.Warnings = foreign.Severity(o.Text("level"), alert.Error, severities)
	a = stated(a, "status")
	if over(p) {
		a.Action = alert.Resolve
	}
	return a, nil
}

// titled: the rule, what is said of it, what was measured, and where.
func titled(rule, description, told, source string) string {
	name := rule
	for _, more := range []string{foreign.FirstLine(description), told} {
		if more != "" && !strings.Contains(name, more) {
			name = strings.TrimPrefix(name+": "+more, ": ")
		}
	}
	if name == "" {
		name = "Azure Monitor alert"
	}
	if source != "" && !strings.Contains(strings.ToLower(name), strings.ToLower(source)) {
		name += " (" + source + ")"
	}
	return foreign.Title(name)
}

// operators as they are read.
var operators = map[string]string{
	"greaterthan": ">", "greaterthanorequal": "≥", "greaterorlessthan": "≷", "lessthan": "<", "lessthanorequal": "≤", "equals": "=", "equal": "=",
}

// said is what the first condition measured: "Percentage CPU 7.7, threshold > 25".
func said(conditions []foreign.Object) string {
	for _, c := range conditions {
		metric := c.Text("metricName", "metricMeasureColumn", "webTestName")
		if metric == "" {
			continue
		}
		if value := c.Text("metricValue"); value != "" {
			metric += " " + value
		}
		operator := c.Text("operator")
		if known, ok := operators[strings.ToLower(strings.ReplaceAll(operator, " ", ""))]; ok {
			operator = known
		}
		if threshold := c.Text("threshold"); threshold != "" {
			metric += ", threshold " + strings.TrimSpace(operator+" "+threshold)
		}
		return metric
	}
	return ""
}

func first(conditions []foreign.Object, name string) string {
	for _, c := range conditions {
		if text := c.Text(name); text != "" {
			return text
		}
	}
	return ""
}

func where(c foreign.Object, conditions []foreign.Object) string {
	if items := c.Texts("AffectedConfigurationItems"); len(items) > 0 {
		return strings.Join(items, ", ")
	}
	if name := first(conditions, "webTestName"); name != "" {
		return name
	}
	for _, condition := range conditions {
		for _, d := range condition.List("dimensions") {
			if value := d.Text("value"); value != "" {
				return value
			}
		}
	}
	return first(conditions, "metricNamespace")
}

// dimensions tell apart what one rule watches.
func dimensions(conditions []foreign.Object) string {
	pairs := map[string]string{}
	for _, c := range conditions {
		for _, d := range c.List("dimensions") {
			pairs[d.Text("name")] = base(d.Text("value"))
		}
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		all = append(all, name+"="+pairs[name])
	}
	return strings.Join(all, ",")
}

// tail of an identifier of Azure, in which case means nothing. That of an alert is its last part alone.
func tail(id string) string {
	id = strings.ToLower(strings.Trim(id, "/"))
	if rest, last := id[:strings.LastIndex(id, "/")+1], id[strings.LastIndex(id, "/")+1:]; strings.HasSuffix(rest, "/alerts/") {
		return last
	}
	return id
}

// base is the last part of the first of the names that is one.
func base(names ...string) string {
	for _, name := range names {
		if name = strings.Trim(name, "/ "); name != "" {
			return name[strings.LastIndex(name, "/")+1:]
		}
	}
	return ""
}

// portal leads to an alert in Azure's portal.
func portal(alertID string) string {
	if alertID == "" || strings.ContainsAny(alertID, "<> \"") {
		return ""
	}
	return "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring/AlertDetailsTemplateBlade/alertId/" + strings.ReplaceAll(alertID, "/", "%2F")
}
