package app

import (
	"context"
	"time"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/canary"
	"github.com/belayhq/belay/service"
)

// robotWithin is how long our own address may take to take a page for the robot.
const robotWithin = 10 * time.Second

// flies is who plays monitor and robot at our own address.
func (o Options) flies(proof service.CanaryProof, now func() time.Time) *canary.Client {
	address := o.CanaryURL
	if address == "" {
		address = o.PublicURL
	}
	return canary.New(address, proof.Page, now, robotWithin)
}

// robots carries what is meant for the robot, in place of whoever carries webhooks.
type robots struct {
	activities.Carrier
	robot *canary.Client
}

// Send is part of activities.Carrier.
func (r robots) Send(ctx context.Context, m page.Message) (page.Receipt, error) {
	if m.Person == org.Robot {
		return r.robot.Send(ctx, m)
	}
	return r.Carrier.Send(ctx, m)
}

// Find is part of activities.Carrier.
func (r robots) Find(ctx context.Context, m page.Message, since time.Time) (page.Receipt, bool, error) {
	if m.Person == org.Robot {
		return r.robot.Find(ctx, m, since)
	}
	return r.Carrier.Find(ctx, m, since)
}
