package app

import (
	"net/http"
	"time"
)

// bodyWithin is how long a request may take to arrive: a blueprint of sixteen megabytes over a thin line, and no more.
const bodyWithin = time.Minute

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
