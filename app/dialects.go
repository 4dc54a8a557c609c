package app

import (
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/alertmanager"
	"github.com/belayhq/belay/integrations/anyjson"
	"github.com/belayhq/belay/integrations/azuremonitor"
	"github.com/belayhq/belay/integrations/datadog"
	"github.com/belayhq/belay/integrations/dynatrace"
	"github.com/belayhq/belay/integrations/elastic"
	"github.com/belayhq/belay/integrations/freshservice"
	"github.com/belayhq/belay/integrations/gcpmonitoring"
	"github.com/belayhq/belay/integrations/goalert"
	"github.com/belayhq/belay/integrations/grafana"
	"github.com/belayhq/belay/integrations/grafanaoncall"
	"github.com/belayhq/belay/integrations/healthchecks"
	"github.com/belayhq/belay/integrations/jira"
	"github.com/belayhq/belay/integrations/nagios"
	"github.com/belayhq/belay/integrations/newrelic"
	"github.com/belayhq/belay/integrations/opsgenie"
	"github.com/belayhq/belay/integrations/outbound"
	"github.com/belayhq/belay/integrations/pagerduty"
	"github.com/belayhq/belay/integrations/pingdom"
	"github.com/belayhq/belay/integrations/sentry"
	"github.com/belayhq/belay/integrations/servicenow"
	"github.com/belayhq/belay/integrations/site24x7"
	"github.com/belayhq/belay/integrations/sns"
	"github.com/belayhq/belay/integrations/splunkoncall"
	"github.com/belayhq/belay/integrations/uptimekuma"
	"github.com/belayhq/belay/integrations/zabbix"
	"github.com/belayhq/belay/integrations/zendesk"
)

// askWithin is how long Amazon may take to answer.
const askWithin = 8 * time.Second

// Dialects are the formats that POST /in/{format}/{key} understands, by name.
func Dialects() []alert.Dialect {
	all := []alert.Dialect{
		alertmanager.Dialect(),
		anyjson.Dialect(),
		azuremonitor.Dialect(),
		datadog.Dialect(),
		dynatrace.Dialect(),
		elastic.Dialect(),
		gcpmonitoring.Dialect(),
		grafana.Dialect(),
		newrelic.Dialect(),
		sentry.Dialect(),
		sns.Dialect(sns.Outside{Client: outbound.New(outbound.Options{Timeout: askWithin})}),
		freshservice.Dialect(),
		goalert.Dialect(),
		grafanaoncall.Dialect(),
		healthchecks.Dialect(),
		jira.Dialect(),
		nagios.Dialect(),
		opsgenie.Webhook(),
		pagerduty.Dialect(),
		pagerduty.Webhook(),
		pingdom.Dialect(),
		servicenow.Dialect(),
		site24x7.Dialect(),
		splunkoncall.Dialect(),
		uptimekuma.Dialect(),
		zabbix.Dialect(),
		zendesk.Dialect(),
	}
	slices.SortFunc(all, func(a, b alert.Dialect) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Dialect of a format. fault.Invalid, with the names that there are.
func Dialect(name string) (alert.Dialect, error) {
	for _, d := range Dialects() {
		if d.Name == name {
			return d, nil
		}
	}
	return alert.Dialect{}, fault.Field("format", "%q is none of %s", name, strings.Join(Formats(), ", "))
}

// Formats are the names of the dialects.
func Formats() []string {
	var names []string
	for _, d := range Dialects() {
		names = append(names, d.Name)
	}
	return names
}
