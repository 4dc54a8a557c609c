package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stormy is a company of one who is patient.
const stormy = `kind: organisation
id: stormy
name: Stormy
catch_all: {targets: [{person: ana}], ack_within: 1d}
---
{kind: unit, id: stormy, name: Stormy}
---
{kind: team, id: crew, name: Crew, unit: stormy, lead: ana, members: [ana]}
---
{kind: person, id: ana, name: Ana Pérez, methods: [{id: mobile, sms: "+12125550141"}]}
---
{kind: service, id: payments, name: Payments, owner: crew, tier: 3}
---
{kind: integration, id: payments-events, service: payments, key: ` + routingKey + `}
---
{kind: policy, id: all, tiers: [{targets: [{person: ana}], ack_within: 1d}]}
`

var codes = regexp.MustCompile(`E-\d+`)

func TestAStormIsOnePageAndOneDigest(t *testing.T) {
	home, blueprint := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(blueprint, "stormy.yaml"), []byte(stormy), 0o600))
	h := newHouse(t, home, blueprint)
	h.start()
	defer h.interrupt()

	const many = 6
	for i := range many {
		h.fire(fmt.Sprintf("disk %d is full", i), fmt.Sprintf("disk-%d", i), "error")
	}
	var alone string
	h.eventually(func() bool {
		if got := h.messages(""); len(got) > 0 {
			alone = got[0].Escalation
		}
		return alone != ""
	}, "somebody is told at once")
	var open struct{ Escalations []escalation }
	h.eventually(func() bool {
		h.get("/v1/escalations", &open)
		waiting := 0
		for _, e := range open.Escalations {
			if has(h.timeline(e.ID), "receipt", "gathered") {
				waiting++
			}
		}
		return waiting == many-1
	}, "the others wait, and their timelines say so")
	require.Len(t, h.messages(""), 1)

	var rest []string
	for _, e := range open.Escalations {
		if e.ID != alone {
			rest = append(rest, e.ID)
		}
	}
	taken := rest[0]
	require.Contains(t, h.says(taken, "acknowledge", map[string]string{}), "You have "+taken)
	rest = rest[1:]

	h.eventually(func() bool { return len(h.messages("")) == 2 }, "the digest leaves")
	digest := h.messages("")[1]
	named := codes.FindAllString(digest.Body, -1)
	slices.Sort(named)
	slices.Sort(rest)
	require.Equal(t, rest, named, "all that is open, and nothing that was acknowledged: %s", digest.Body)
	require.Contains(t, digest.Body, fmt.Sprintf("%d pages:", len(rest)))

	show := h.page(digest.Link)
	for _, e := range rest {
		require.Contains(t, show, e)
		require.Equal(t, "open", h.escalation(e).State, "looking changes nothing")
	}
	answer := h.replies(digest, "ack all")
	require.Contains(t, answer, fmt.Sprintf("You have %d: ", len(rest)))
	for _, e := range rest {
		require.Contains(t, answer, e)
		h.reaches(e, "acknowledged")
		h.eventually(func() bool { return has(h.timeline(e), "receipt", "delivered") }, "the timeline of %s says that it arrived", e)
	}
	h.eventually(func() bool { return has(h.timeline(taken), "receipt", "withdrawn") }, "that of %s says that it never left", taken)
	require.Len(t, h.messages(""), 2)
	require.True(t, strings.HasPrefix(digest.Key, "D-"))
}

// page reads what a link shows.
func (h *house) page(link string) string {
	h.t.Helper()
	_, path, found := strings.Cut(link, "/a/")
	require.True(h.t, found, link)
	status, raw, err := h.try("GET", "/a/"+path, nil)
	require.NoError(h.t, err)
	require.Equal(h.t, 200, status, "%s", raw)
	return string(raw)
}
