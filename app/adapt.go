package app

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/core/text"
	"github.com/belayhq/belay/service"
)

// parse reads the files of an applied revision.
func parse(files []service.File) (*org.Org, error) {
	loaded, err := blueprint.Load(sources(files), Zone)
	if err != nil {
		return nil, err
	}
	return loaded.Org, nil
}

func sources(files []service.File) []blueprint.File {
	read := make([]blueprint.File, len(files))
	for i, f := range files {
		read[i] = blueprint.File{Path: f.Path, Content: []byte(f.Content)}
	}
	return read
}

// spoken chooses the words of messages, in the terms of the organisation that is current.
func spoken(now service.Organisation) func(m page.Message, to org.Person) (subject, body string) {
	return func(m page.Message, to org.Person) (subject, body string) {
		var terms org.Terms
		if o := now.Current().Org; o != nil {
			terms = o.Terms
		}
		return text.Words(m, to, terms)
	}
}

// barrier lets the escalations bar a method, with an entry in the audit trail.
type barrier struct {
	barred service.Barred
	now    func() time.Time
}

// Bar is part of activities.Barrier.
func (b barrier) Bar(ctx context.Context, bar contract.Bar) error {
	return b.barred.Bar(ctx, policy.Way{Person: bar.Person, Method: bar.Method}, bar.Reason, service.Deed{
		At: b.now(), Actor: "belay", Via: "carrier", Action: "method.bar",
		Subject: "method " + string(bar.Person) + "/" + string(bar.Method), Reason: bar.Reason,
	})
}
