package app

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/netutil"
)

// What one connection may take. Streams write with deadlines of their own.
const (
	headerWithin = 10 * time.Second
	// bodyWithin is how long a request may take to arrive: a blueprint of sixteen megabytes over a thin line, and no more.
	bodyWithin = time.Minute
	// answerWithin begins when the headers have arrived, as the body does.
	answerWithin = 2 * time.Minute
	idleWithin   = 2 * time.Minute

	mostHeader  = 32 << 10 // bytes of the request line and all headers
	mostHeaders = 100      // names
	mostAddress = 8 << 10  // bytes of path and query

	mostConnections = 10_000
)

// server answers on the door of this process. Whoever is slow, however they are, loses the connection in the end.
func server(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: unhurried(handler, bodyWithin), ReadHeaderTimeout: headerWithin, WriteTimeout: answerWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: mostHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// bounded accepts as many connections at once as leave this process files enough to reach its database, the engine and
// the carriers: a crowd at the door must not keep pages from leaving. Others wait in the kernel's queue.
func bounded(listener net.Listener, most int) net.Listener {
	return netutil.LimitListener(listener, max(1, min(most, openFiles()/2)))
}

// unhurried ends requests whose bodies never do. Without it whoever sends a byte now and then holds a connection and its
// memory for as long as they like. Streams have no body and are not touched.
func unhurried(next http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within)) // not every writer has one
		}
		next.ServeHTTP(w, r)
	})
}

// short refuses what no client of ours sends, before anything is made of it.
func short(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if len(r.RequestURI) > mostAddress {
			return echo.NewHTTPError(http.StatusRequestURITooLong, "8192 bytes of path and query at most")
		}
		if len(r.Header) > mostHeaders {
			return echo.NewHTTPError(http.StatusRequestHeaderFieldsTooLarge, "100 headers at most")
		}
		return next(c)
	}
}

// origin finds who is at the other end: the peer, or, when that is one of our proxies, who it says asked it. Nobody else's
// X-Forwarded-For is read.
func origin(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// sealed keeps every answer from being taken for something else, and those of the API, which are somebody's, from being
// kept on the way.
func sealed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		if strings.HasPrefix(c.Request().URL.Path, "/v1/") {
			h.Set(echo.HeaderCacheControl, "no-store")
		}
		return next(c)
	}
}
