package grafana_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/grafana"
)

const secret = "a secret of the contact point"

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestGrafanaProvesItselfByEveryWayItHas(t *testing.T) {
	const body = `{"alerts":[]}`
	for name, header := range map[string]map[string]string{
		"signature":          {"x-grafana-alerting-signature": sign(body)},
		"signature and time": {"x-grafana-alerting-signature": sign("1741089600:" + body), "x-grafana-alerting-timestamp": "1741089600"},
		"bearer":             {"authorization": "Bearer " + secret},
	} {
		require.NoError(t, grafana.Verify(alert.Post{Header: header, Body: []byte(body)}, secret), name)
	}
	for name, header := range map[string]map[string]string{
		"nothing":             {},
		"another body's":      {"x-grafana-alerting-signature": sign("{}")},
		"another time's":      {"x-grafana-alerting-signature": sign("1741089600:" + body), "x-grafana-alerting-timestamp": "1741089601"},
		"no hexadecimal":      {"x-grafana-alerting-signature": "zz"},
		"a wrong one besides": {"x-grafana-alerting-signature": "00", "authorization": "Bearer " + secret},
	} {
		require.True(t, fault.Is(grafana.Verify(alert.Post{Header: header, Body: []byte(body)}, secret), fault.Unauthenticated), name)
	}
}

func TestStatesOfLegacyAlerting(t *testing.T) {
	for state, want := range map[string]alert.Action{
		"alerting": alert.Trigger, "no_data": alert.Trigger, "ok": alert.Resolve, "pending": alert.Ignore, "paused": alert.Ignore, "odd": alert.Trigger,
	} {
		all, err := grafana.Decode(alert.Post{Body: []byte(`{"ruleId":7,"ruleName":"load","orgId":1,"state":"` + state + `","tags":{"severity":"warning","host":"web-1"}}`)})
		require.NoError(t, err)
		require.Equal(t, want, all[0].Action, state)
		require.Equal(t, "grafana/1/7/load", all[0].DedupKey)
		require.Equal(t, alert.Warning, all[0].Severity)
		require.Equal(t, "web-1", all[0].Source)
		require.Equal(t, state == "odd", len(all[0].Warnings) > 0)
	}
}

func TestARuleThatGotNoDataIsCalledByItsName(t *testing.T) {
	all, err := grafana.Decode(alert.Post{Body: []byte(`{"alerts":[{"status":"firing","labels":{"alertname":"DatasourceNoData","rulename":"disk of db-1"},"annotations":{}}]}`)})
	require.NoError(t, err)
	require.Equal(t, "NoData of disk of db-1", all[0].Title)
}
