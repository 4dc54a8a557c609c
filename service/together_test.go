package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// bundles is one digest, number 7.
type bundles struct {
	person  id.Person
	members []service.Member
}

func (b bundles) Last(_ context.Context, p id.Person, _ time.Time) (int64, error) {
	if p != b.person {
		return 0, fault.New(fault.NotFound, "no digest for %s", p)
	}
	return 7, nil
}

func (b bundles) Person(context.Context, int64) (id.Person, error) { return b.person, nil }

func (b bundles) Members(context.Context, ...int64) (map[int64][]service.Member, error) {
	return map[int64][]service.Member{7: b.members}, nil
}

// digested puts a digest for Ana on record that told of these.
func (h *house) digested(all ...id.Escalation) {
	var members []service.Member
	for _, e := range all {
		h.running(e, "ana")
		members = append(members, service.Member{Gathered: service.Gathered{
			Key: string(e) + "/t1/ana/mobile/2", Workflow: contract.EscalationID(e), Brief: page.Brief{Escalation: e, Priority: org.P3},
		}})
	}
	h.replies.Digests = bundles{"ana", members}
}

func TestAckAllTakesWhatTheLastDigestNamed(t *testing.T) {
	h := newHouse(t)
	h.digested("E-12", "E-13", "E-14")
	h.running("E-20", "ana") // told of otherwise
	require.Equal(t, "You have 3: E-12, E-13, E-14.", h.texts(anasPhone, "ack all", "SM1"))
	require.Equal(t, "You have 3: E-12, E-13, E-14.", h.texts(anasPhone, "ack all", "SM1"), "a copy does nothing")
	require.ElementsMatch(t, []string{
		"escalation/E-12 acknowledge ana via sms key SM1", "escalation/E-13 acknowledge ana via sms key SM1", "escalation/E-14 acknowledge ana via sms key SM1",
	}, h.engine.Told())
	require.Equal(t, "3 resolved: E-12, E-13, E-14.", h.texts(anasPhone, "resolve all", "SM2"))
	require.Equal(t, "E-13: Done: acknowledge.", h.texts(anasPhone, "ack 13", "SM3"), "one of them can be meant as well")
}

func TestAckAllWithoutADigestDoesNothing(t *testing.T) {
	h := newHouse(t)
	h.digested("E-12")
	h.running("E-20", "ben")
	require.Contains(t, h.texts(bensPhone, "ack all", "SM1"), "No digest was sent to you lately")
	require.Empty(t, h.engine.Told())
}

func TestWhatWentOtherwiseIsSaidOneByOne(t *testing.T) {
	h := newHouse(t)
	h.digested("E-12", "E-13")
	h.engine.End("escalation/E-13")
	require.Equal(t, "You have 1: E-12.\nE-13: E-13 is over", h.texts(anasPhone, "ack all", "SM1"))
	require.Equal(t, "You have 1: E-1.\nReceived, but not confirmed yet, for E-2.\nE-3: Ben has had it.", service.Together(contract.Acknowledge, []service.Heard{
		{Escalation: "E-1", Reply: contract.Reply{Outcome: escalation.Done}},
		{Escalation: "E-2", Reply: contract.Reply{Outcome: contract.Received}},
		{Escalation: "E-3", Reply: contract.Reply{Outcome: escalation.Already, Text: "Ben has had it."}},
	}))
}

func TestOneKeyOfATelephoneTakesAWholeDigest(t *testing.T) {
	h := newHouse(t)
	h.digested("E-12", "E-13")
	h.paged("D-7/ana/call", "digest/7", "ana", org.Voice)
	require.True(t, h.replies.Voice(ctx(), service.Call{Key: "D-7/ana/call", SID: "CA1"}).Listen)
	require.Contains(t, h.replies.Voice(ctx(), service.Call{Key: "D-7/ana/call", SID: "CA1", Digits: "3"}).Text, "one by one")
	require.Empty(t, h.engine.Told(), "nobody resolves many things with one key")
	require.Equal(t, "You have 2: E-12, E-13.", h.replies.Voice(ctx(), service.Call{Key: "D-7/ana/call", SID: "CA1", Digits: "1"}).Text)
}
