package service_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/service"
)

func TestATimelineEndsWithWhatIsKnownAndNotWrittenYet(t *testing.T) {
	h := newHouse(t)
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-1"}}, escalation.Entry{Seq: 1, Kind: escalation.EntrySent})
	h.rows.Hears("E-1", escalation.Entry{Seq: 2, Unwritten: true, Kind: escalation.EntryReceipt, Text: "sms to Ana (mobile): delivered"})
	search := service.Search{Escalations: h.rows}
	admin := service.Caller{Role: service.Admin}
	lines, err := search.Timeline(ctx(), admin, "E-1", 0, 10)
	require.NoError(t, err)
	require.Equal(t, "sms to Ana (mobile): delivered", lines[len(lines)-1].Text)

	again, err := search.Timeline(ctx(), admin, "E-1", 2, 10)
	require.NoError(t, err)
	require.Empty(t, again, "whoever turns pages comes to an end")
}
