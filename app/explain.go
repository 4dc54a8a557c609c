package app

import (
	"time"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// Explain says what a request in a format would do in an organisation, or, without one, in the smallest there is.
func Explain(o *org.Org, integration id.Integration, format string, p alert.Post) (service.Explanation, error) {
	d, err := Dialect(format)
	if err != nil {
		return service.Explanation{}, err
	}
	if len(p.Body) > api.MostPost {
		return service.Explanation{}, fault.New(fault.TooLarge, "%d bytes, at most %d are taken", len(p.Body), api.MostPost)
	}
	if o == nil {
		o = service.Smallest()
	}
	in, err := service.IntegrationFor(o, integration)
	if err != nil {
		return service.Explanation{}, err
	}
	return service.Explain(o, nil, in, d, p)
}

// Received is a request as the server would have it now.
func Received(body []byte, header map[string]string) alert.Post {
	return alert.Post{Header: header, Query: map[string]string{}, Body: body, At: time.Now()}
}

// Problem is an error as a program reads it: the document that the API would answer.
func Problem(err error) any { return api.Problem(err) }
