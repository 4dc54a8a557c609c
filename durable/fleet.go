package durable

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
)

// Fleet knows the workers of an installation by what they say of themselves when they ask for work. While a new release
// is rolled out some of them may not know the newest rules: what is opened then goes by those that all of them know, so
// that any of them can run it.
type Fleet struct {
	Client client.Client
	Log    *slog.Logger
	rules  atomic.Int32
}

// Rules is the newest behaviour version that every worker seen in the last five minutes knows. As long as none was seen
// it is the first.
func (f *Fleet) Rules() int { return max(1, int(f.rules.Load())) }

const (
	musterEvery  = 10 * time.Second
	musterSooner = 200 * time.Millisecond // until somebody has been seen
)

// Run keeps looking until ctx ends.
func (f *Fleet) Run(ctx context.Context) {
	for {
		f.look(ctx)
		pause := musterEvery
		if f.rules.Load() == 0 {
			pause = musterSooner
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// look asks Temporal who has asked for work lately. When it cannot be asked, what was known before stands: workers do not
// change while nobody can reach them.
func (f *Fleet) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hurry)
	defer cancel()
	found, err := f.Client.DescribeTaskQueue(ctx, contract.QueueEscalations, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		f.Log.DebugContext(ctx, "the workers are not known", "error", err)
		return
	}
	lowest := 0
	for _, poller := range found.GetPollers() {
		if known := rulesOf(poller.GetIdentity()); lowest == 0 || known < lowest {
			lowest = known
		}
	}
	f.rules.Store(int32(lowest))
}

const rulesMark = " rules/"

// identity is how a process calls itself towards Temporal, "4711@pager-1 rules/2": operators read it in histories, and
// other processes read the rules that it knows.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%d@%s%s%d", os.Getpid(), host, rulesMark, escalation.CurrentRules)
}

// rulesOf reads an identity. Whoever says nothing knows the first rules only.
func rulesOf(identity string) int {
	_, said, marked := strings.Cut(identity, rulesMark)
	known, err := strconv.Atoi(said)
	if !marked || err != nil || known < 1 {
		return 1
	}
	return known
}
