package web_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// digests holds one, number 7.
type digests struct {
	members []service.Member
	err     error
}

func (d digests) Members(context.Context, ...int64) (map[int64][]service.Member, error) {
	return map[int64][]service.Member{7: d.members}, d.err
}

const digestLink = "digest-for-ben"

// digested is the pages with a link of Ben's to a digest of two.
func digested(t *testing.T, h *webtest.House, err error) *browser {
	t.Helper()
	h.Remember(digestLink, service.Ticket{Workflow: "digest/7", Person: "ben", Key: "D-7/ben/text", Expires: night.Add(time.Hour)}, page.Brief{})
	d := digests{err: err}
	for _, one := range []struct {
		e     id.Escalation
		title string
	}{{"E-39", "Settlement file <b>not</b> delivered"}, {"E-42", "Card payments fail"}} {
		row, _ := h.Get(context.Background(), service.Caller{}, one.e)
		d.members = append(d.members, service.Member{
			Gathered: service.Gathered{Workflow: contract.EscalationID(one.e), Brief: page.Brief{
				Escalation: one.e, Title: one.title, Service: "Payments", Priority: org.P3, OpenedAt: night.Add(-time.Minute),
			}},
			Row: &row.Summary,
		})
	}
	return open(t, site(t, h, func(o *web.Options) {
		production(o)
		o.Digests = d
	}))
}

func TestALinkOfADigestShowsAllAndActsWhenPressed(t *testing.T) {
	h := webtest.Typical(night)
	ben := digested(t, h, nil)
	for range 3 {
		shows(t, ben.page("/a/"+digestLink), "2 pages in one message", "E-39", "E-42", "&lt;b&gt;not", "Acknowledge all")
		require.Equal(t, http.StatusOK, ben.get("/a/"+digestLink+"?verb=acknowledge&which=all&key=abcdefgh").Code)
	}
	require.Empty(t, h.Heard(), "looking changed something")

	form := fields(t, ben.page("/a/"+digestLink), "")
	form.Set("which", "all")
	form.Set("verb", "acknowledge")
	shows(t, ben.post("/a/"+digestLink, form).Body.String(), "You have 2: E-39, E-42.")
	require.Len(t, h.Heard(), 2)

	form.Set("which", "escalation/E-42")
	form.Set("verb", "resolve")
	form.Set("key", "anotherkey")
	shows(t, ben.post("/a/"+digestLink, form).Body.String(), "1 resolved: E-42.")
	require.Contains(t, strings.Join(h.Heard(), "\n"), "escalation/E-42 resolve by ben via link")
}

func TestALinkOfADigestReachesNothingElse(t *testing.T) {
	h := webtest.Typical(night)
	ben := digested(t, h, nil)
	form := fields(t, ben.page("/a/"+digestLink), "")
	for field, value := range map[string]string{"which": "escalation/E-41", "verb": "reassign"} {
		bad := map[string][]string{"key": form["key"], "which": {"all"}, "verb": {"acknowledge"}}
		bad[field] = []string{value}
		require.Equal(t, http.StatusUnprocessableEntity, ben.post("/a/"+digestLink, bad).Code, field)
	}
	require.Empty(t, h.Heard())
}

func TestALinkOfADigestSaysSoWhenItCannotBeRead(t *testing.T) {
	ben := digested(t, webtest.Typical(night), fault.New(fault.Unavailable, "no database"))
	require.Equal(t, http.StatusServiceUnavailable, ben.get("/a/"+digestLink).Code)
}
