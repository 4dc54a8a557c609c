package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	return answer.Body.String()
}

func TestTheSameMetricWithOtherTagsIsOneFamily(t *testing.T) {
	m := NewMetrics()
	root := m.Temporal().WithTags(map[string]string{"namespace": "default"})
	root.Counter("temporal_request").Inc(2)
	root.WithTags(map[string]string{"operation": "PollWorkflowTaskQueue"}).Counter("temporal_request").Inc(1)
	root.WithTags(map[string]string{"unheard_of": "x", "task_queue": "none"}).Gauge("temporal_worker_task_slots_available").Update(7)
	root.Timer("temporal_request_latency").Record(20 * time.Millisecond)

	text := scrape(t, m)
	require.Regexp(t, `temporal_request\{.*namespace="default".*operation="".*\} 2`, text)
	require.Regexp(t, `temporal_request\{.*operation="PollWorkflowTaskQueue".*\} 1`, text)
	require.Regexp(t, `temporal_worker_task_slots_available\{.*task_queue="".*\} 7`, text)
	require.Regexp(t, `temporal_request_latency_seconds_bucket\{.*le="0.025"\} 1`, text)
}

func TestANameOfTwoShapesDoesNotBreakTheOthers(t *testing.T) {
	m := NewMetrics()
	m.Temporal().Counter("odd.name").Inc(1)
	m.Temporal().Gauge("odd.name").Update(9)
	require.Contains(t, scrape(t, m), "odd_name")
}

func TestRequestsAreCountedByRouteNotByPath(t *testing.T) {
	m := NewMetrics()
	m.Request(http.MethodGet, "/v1/escalations/:id", 200, time.Millisecond)
	m.Request("BREW", "", 404, time.Millisecond)
	text := scrape(t, m)
	require.Contains(t, text, `belay_http_request_seconds_count{method="GET",route="/v1/escalations/:id",status="200"} 1`)
	require.Contains(t, text, `belay_http_request_seconds_count{method="other",route="none",status="404"} 1`)
}
