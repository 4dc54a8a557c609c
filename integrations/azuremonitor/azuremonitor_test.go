package azuremonitor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/integrations/azuremonitor"
)

func hears(t *testing.T, body string) alert.Alert {
	t.Helper()
	all, err := azuremonitor.Decode(alert.Post{Body: []byte(body)})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func TestSeveritiesByAzuresNumbers(t *testing.T) {
	for said, want := range map[string]alert.Severity{
		"Sev0": alert.Critical, "Sev1": alert.Error, "Sev2": alert.Warning, "Sev3": alert.Info, "Sev4": alert.Info,
	} {
		a := hears(t, `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/x/alerts/a","alertRule":"r","severity":"`+said+`","monitorCondition":"Fired"}}}`)
		require.Equal(t, want, a.Severity, said)
		require.Empty(t, a.Warnings)
	}
}

// Each message about an incident of Azure itself is an alert of its own there, and is one trouble here.
func TestAnIncidentOfAzureIsOneTrouble(t *testing.T) {
	common := func(alertID, stage string) alert.Alert {
		return hears(t, `{"schemaId":"azureMonitorCommonAlertSchema","data":{"essentials":{"alertId":"/x/alerts/`+alertID+`","alertRule":"service health","severity":"Sev1","monitorCondition":"Fired",
			"monitoringService":"ServiceHealth","firedDateTime":"2026-01-02T03:04:05Z"},
			"alertContext":{"properties":{"title":"Storage in West Europe","stage":"`+stage+`","trackingId":"TR-1"}}}}`)
	}
	activity := func(stage string) alert.Alert {
		return hears(t, `{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"level":"Warning","eventSource":"ServiceHealth",
			"operationName":"Microsoft.ServiceHealth/incident/action","eventTimestamp":"2026-01-02T03:04:05Z","correlationId":"c-`+stage+`","subscriptionId":"s",
			"properties":{"title":"Storage in West Europe","service":"Storage","stage":"`+stage+`","trackingId":"TR-1"}}}}}`)
	}
	for _, a := range []alert.Alert{common("a-1", "Active"), common("a-2", "Resolved"), activity("Active"), activity("Resolved")} {
		require.Equal(t, "azure/TR-1", a.DedupKey)
		require.Contains(t, a.Title, "Storage in West Europe")
	}
	require.Equal(t, alert.Trigger, activity("Active").Action)
	require.Equal(t, alert.Resolve, activity("Resolved").Action)
	require.Equal(t, alert.Trigger, common("a-1", "Active").Action)
	require.Equal(t, alert.Resolve, common("a-2", "Resolved").Action)
	require.Equal(t, alert.Warning, activity("Active").Severity)
	require.Equal(t, "Storage", activity("Active").Source)
}

func TestAResourceIsIllAndWellAgain(t *testing.T) {
	health := func(now, before string) alert.Alert {
		return hears(t, `{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"level":"Critical","eventSource":"ResourceHealth","correlationId":"c-`+now+`",
			"resourceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/db-1","eventTimestamp":"2026-01-02T03:04:05Z",
			"properties":{"currentHealthStatus":"`+now+`","previousHealthStatus":"`+before+`"}}}}}`)
	}
	ill, well := health("Unavailable", "Available"), health("Available", "Unavailable")
	require.Equal(t, alert.Trigger, ill.Action)
	require.Equal(t, alert.Resolve, well.Action)
	require.Equal(t, ill.DedupKey, well.DedupKey)
	require.Equal(t, "health is Unavailable, was Available (db-1)", ill.Title)
	require.Equal(t, alert.Critical, ill.Severity)
}

func TestWhatSomebodyDidIsTitledByTheOperation(t *testing.T) {
	a := hears(t, `{"schemaId":"Microsoft.Insights/activityLogs","data":{"status":"Activated","context":{"activityLog":{"level":"Informational","eventSource":"Administrative","status":"Succeeded",
		"operationName":"Microsoft.Compute/virtualMachines/delete","correlationId":"c-1","resourceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/db-1",
		"eventTimestamp":"2026-01-02T03:04:05Z","properties":{}}}}}`)
	require.Equal(t, "Microsoft.Compute/virtualMachines/delete Succeeded (db-1)", a.Title)
	require.Equal(t, alert.Info, a.Severity)
	require.Equal(t, "azure/c-1", a.DedupKey)
}

func TestMetricAndLogAlertsWithoutTheCommonSchema(t *testing.T) {
	metric := func(status, value string) alert.Alert {
		return hears(t, `{"schemaId":"AzureMonitorMetricAlert","data":{"version":"2.0","status":"`+status+`","context":{"timestamp":"2026-01-02T03:04:05Z","id":"/s/metricAlerts/Disk","name":"Disk","severity":"1",
			"condition":{"allOf":[{"metricName":"Used","operator":"GreaterThan","threshold":"90","metricValue":`+value+`,"dimensions":[{"name":"LUN","value":"1"}]}]},"resourceName":"db-1"}}}`)
	}
	require.Equal(t, metric("Activated", "97").DedupKey, metric("Deactivated", "12").DedupKey)
	require.Equal(t, alert.Resolve, metric("Deactivated", "12").Action)
	require.Equal(t, "Disk: Used 97, threshold > 90 (db-1)", metric("Activated", "97").Title)
	require.Equal(t, alert.Error, metric("Activated", "97").Severity)

	log := hears(t, `{"schemaId":"Microsoft.Insights/LogAlert","data":{"AlertRuleName":"errors","Severity":"2","ResultCount":7,"WorkspaceId":"w","SearchIntervalEndtimeUtc":"2026-01-02T03:04:05Z",
		"LinkToSearchResults":"https://portal.azure.com/x"}}`)
	require.Equal(t, "errors: search found 7 results", log.Title)
	require.Equal(t, alert.Warning, log.Severity)
	require.Equal(t, "azure/errors/w", log.DedupKey)
}
