package signaling

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kelas/classroom"
)

// Metrics is one registry of Prometheus, the server's own: two servers in one
// process do not share it.
type Metrics struct {
	registry *prometheus.Registry
	store    *prometheus.HistogramVec
	storeErr *prometheus.CounterVec
	join     *prometheus.HistogramVec
	handler  http.Handler
}

// NewMetrics makes an empty registry. What others observe (the store) may go
// into it before a Server is there.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		store: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "kelas_store_seconds",
			Help: "Time of one operation of the store.", Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5}}, []string{"op"}),
		storeErr: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kelas_store_errors_total",
			Help: "Operations of the store that failed, answers such as 'not found' included."}, []string{"op"}),
	}
	m.join = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "kelas_join_seconds",
		Help:    "Time from a page's first offer until its media connection stood.",
		Buckets: []float64{.025, .05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 20, 30}}, []string{"role"})
	for _, role := range []classroom.EndpointRole{classroom.EndpointPresenter, classroom.EndpointViewer} {
		m.join.WithLabelValues(string(role)) // shown before the first one comes
	}
	m.registry.MustRegister(m.store, m.storeErr, m.join, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	return m
}

// ObserveStore is store.Config.Observe.
func (m *Metrics) ObserveStore(op string, d time.Duration, err error) {
	m.store.WithLabelValues(op).Observe(d.Seconds())
	if err != nil {
		m.storeErr.WithLabelValues(op).Inc()
	}
}

// ObserveJoin is classroom.Deps.Connected.
func (m *Metrics) ObserveJoin(role classroom.EndpointRole, took time.Duration) {
	m.join.WithLabelValues(string(role)).Observe(took.Seconds())
}

// metrics answers this machine, or who has the token. To others there is no
// such page.
func (s *Server) metrics(c *gin.Context) {
	token, given := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
	allowed := s.cfg.MetricsToken != "" && given && subtle.ConstantTimeCompare([]byte(token), []byte(s.cfg.MetricsToken)) == 1
	if !allowed && !local(c.Request) {
		s.web.NotFound(c)
		return
	}
	s.d.Metrics.handler.ServeHTTP(c.Writer, c.Request)
}
