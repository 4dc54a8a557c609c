package app

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
)

// Metrics is what /metrics answers: this process, its HTTP requests, and what Temporal's SDK counts.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	reached  *prometheus.GaugeVec
	switches *prometheus.CounterVec
	pages    *prometheus.CounterVec
	digests  *prometheus.CounterVec
	together prometheus.Counter
	tickets  ticketLag

	mu       sync.Mutex
	families map[string]*family
}

// seconds from a millisecond to a minute: an SMS gateway and a workflow task both lie in it.
func seconds() []float64 {
	return []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
}

// NewMetrics is empty but for the process itself.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "belay_http_request_seconds", Help: "Time to answer an HTTP request.", Buckets: seconds(),
		}, []string{"method", "route", "status"}),
		reached: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "belay_reachable", Help: "1 when what this process depends on answered the last time it was asked.",
		}, []string{"what"}),
		switches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "belay_carrier_switched_total", Help: "How often a channel went over from one provider to another.",
		}, []string{"channel", "from", "to"}),
		pages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "belay_pages_total", Help: "Pages that were to leave: alone and at once, or gathered for a digest.",
		}, []string{"left"}),
		digests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "belay_digests_total", Help: "Digests by what their carrier made of them.",
		}, []string{"class"}),
		together: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "belay_digest_pages_total", Help: "Pages that digests told of.",
		}),
		families: map[string]*family{},
	}
	m.tickets = newTicketLag(m.registry)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests, m.reached, m.switches, m.pages, m.digests, m.together)
	return m
}

// Handler answers in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Rules shows by which behaviour version escalations are opened now: during a rollout the lowest that a worker knows.
func (m *Metrics) Rules(now func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "belay_rules", Help: "Behaviour version of escalations opened now: the newest that every worker knows.",
	}, func() float64 { return float64(now()) }))
}

// Request counts one answered request. The route is the pattern ("/v1/escalations/:id"), never the path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(known(method), route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Reached notes whether something we depend on answered.
func (m *Metrics) Reached(what string, yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	m.reached.WithLabelValues(what).Set(value)
}

// Switched counts a channel that is carried by another provider from now on.
func (m *Metrics) Switched(channel org.Channel, from, to string) {
	m.switches.WithLabelValues(string(channel), from, to).Inc()
}

// Page is part of service.Meter.
func (m *Metrics) Page(alone bool) {
	left := "gathered"
	if alone {
		left = "alone"
	}
	m.pages.WithLabelValues(left).Inc()
}

// Digest is part of service.Meter.
func (m *Metrics) Digest(class page.Class, pages int) {
	m.digests.WithLabelValues(string(class)).Inc()
	m.together.Add(float64(pages))
}

// known keeps invented methods from becoming series of their own.
func known(method string) string {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	if slices.Contains(methods, method) {
		return method
	}
	return "other"
}

// Temporal is the handler for Temporal's SDK.
func (m *Metrics) Temporal() client.MetricsHandler { return tagged{metrics: m} }

// shape of a metric.
type shape string

const (
	counting shape = "counter"
	gauging  shape = "gauge"
	timing   shape = "timer"
)

// family is one metric, of one shape.
type family struct {
	counter *prometheus.CounterVec
	gauge   *prometheus.GaugeVec
	timer   *prometheus.HistogramVec
}

// unionLabels are all tags that the SDK uses; a metric carries all of them, empty where it has no value, because
// Prometheus wants the same labels on every series of a name.
func unionLabels() []string {
	return []string{
		"activity_type", "cause", "client_name", "failure_reason", "namespace", "nexus_operation", "nexus_service",
		"operation", "poller_type", "status_code", "task_queue", "worker_type", "workflow_type",
	}
}

func (m *Metrics) family(name string, s shape) *family {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, made := m.families[name+"/"+string(s)]; made {
		return f
	}
	f := &family{}
	var collector prometheus.Collector
	switch s {
	case counting:
		f.counter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: "Counted by Temporal's SDK."}, unionLabels())
		collector = f.counter
	case gauging:
		f.gauge = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: "Gauged by Temporal's SDK."}, unionLabels())
		collector = f.gauge
	case timing:
		f.timer = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name + "_seconds", Help: "Timed by Temporal's SDK.", Buckets: seconds(),
		}, unionLabels())
		collector = f.timer
	}
	_ = m.registry.Register(collector) // a name taken by another shape is counted and not shown
	m.families[name+"/"+string(s)] = f
	return f
}

// tagged is the SDK's handler with the tags collected so far.
type tagged struct {
	metrics *Metrics
	tags    map[string]string
}

// WithTags is part of client.MetricsHandler.
func (t tagged) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(t.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return tagged{metrics: t.metrics, tags: all}
}

// Counter is part of client.MetricsHandler.
func (t tagged) Counter(name string) client.MetricsCounter {
	return counter{t.metrics.family(sane(name), counting).counter.WithLabelValues(t.values()...)}
}

// Gauge is part of client.MetricsHandler.
func (t tagged) Gauge(name string) client.MetricsGauge {
	return gauge{t.metrics.family(sane(name), gauging).gauge.WithLabelValues(t.values()...)}
}

// Timer is part of client.MetricsHandler.
func (t tagged) Timer(name string) client.MetricsTimer {
	return timer{t.metrics.family(sane(name), timing).timer.WithLabelValues(t.values()...)}
}

func (t tagged) values() []string {
	labels := unionLabels()
	values := make([]string, len(labels))
	for i, label := range labels {
		if value := t.tags[label]; value != "none" { // the SDK's word for no value
			values[i] = value
		}
	}
	return values
}

func sane(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, name)
}

type counter struct{ prometheus.Counter }

// Inc is part of client.MetricsCounter.
func (c counter) Inc(by int64) {
	if by > 0 {
		c.Add(float64(by))
	}
}

type gauge struct{ prometheus.Gauge }

// Update is part of client.MetricsGauge.
func (g gauge) Update(value float64) { g.Set(value) }

type timer struct{ prometheus.Observer }

// Record is part of client.MetricsTimer.
func (t timer) Record(took time.Duration) { t.Observe(took.Seconds()) }
