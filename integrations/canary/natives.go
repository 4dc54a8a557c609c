package canary

import (
	"net/url"

	"github.com/belayhq/belay/core/org"
)

// Formats of systems that others imitate: their clients know one path, and have the key elsewhere than in it.
const (
	AlertmanagerAPI = "alertmanager-api" // POST /api/v2/alerts, as Prometheus does
	OpsgenieAPI     = "opsgenie-api"     // POST /v2/alerts
	PagerDutyAPI    = "pagerduty-api"    // POST /v2/enqueue
)

// door is where such a client knocks, and with what. No path: it comes in as POST /in/{format}/{key}.
func door(in org.Integration, firing bool) (path string, header map[string]string) {
	header = map[string]string{}
	switch in.Canary.Format {
	case AlertmanagerAPI:
		path, header["Authorization"] = "/api/v2/alerts", "Bearer "+in.Key
		if in.Secret != "" { // which takes the place of the key, and that moves into the path
			path, header["Authorization"] = "/alertmanager/"+url.PathEscape(in.Key)+"/api/v2/alerts", "Bearer "+in.Secret
		}
	case OpsgenieAPI:
		path, header["Authorization"] = "/v2/alerts", "GenieKey "+in.Key
		if !firing {
			path += "/belay-canary/close?identifierType=alias"
		}
		if in.Secret != "" {
			header["X-Belay-Secret"] = in.Secret
		}
	case PagerDutyAPI:
		path = "/v2/enqueue" // its senders can prove no secret
	}
	return path, header
}
