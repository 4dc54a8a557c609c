package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// The page arrives before the recorder has written who was told, and people answer within that moment.
func TestAnAnswerFasterThanTheRecorderIsUnderstood(t *testing.T) {
	h := newHouse(t)
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1", State: escalation.Open, OpenedAt: h.now}})
	h.engine.Know("escalation/E-1")
	require.Equal(t, "Nothing is open that you were told of.", h.texts(anasPhone, "ack", "SM0"))
	h.messages.Put(service.Sent{
		Message:  page.Message{Key: "E-1/t1/ana/mobile/1", Purpose: page.Page, Person: "ana", Brief: page.Brief{Escalation: "E-1"}},
		Workflow: "escalation/E-1", At: h.now,
	})
	require.Equal(t, "E-1: Done: acknowledge.", h.texts(anasPhone, "ack", "SM1"))
}
