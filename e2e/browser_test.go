package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/internal/chromium"
)

// The first five minutes, with the real thing behind the page: fire an alert, watch it climb from phone to phone, answer on
// one of them, and see it stop.
func TestANewcomerFiresAnAlertAnswersOnAPhoneAndSeesItStop(t *testing.T) {
	h := quickHouse(t)
	const title = "a newcomer tries it"
	tab := chromium.Open(t).Tab(t, chromium.Desk)
	tab.Go("http://" + h.http + "/sandbox")
	tab.Await("document.querySelector('#live.on')")
	chromium.Ask[bool](tab, fmt.Sprintf("document.querySelector('#fire-title').value = %q, document.querySelector('#fire-service').value = 'payments', true", title))
	tab.Press("#fire button")
	tab.Shows("Fired: E-")

	listed := fmt.Sprintf("[...document.querySelectorAll('.row.brief')].find((row) => row.innerText.includes(%q))", title)
	tab.Await(listed + "?.innerText.includes('nobody has it yet')")
	for _, person := range []string{"ana", "ben"} { // nobody answers, and it climbs
		tab.Await(fmt.Sprintf("document.querySelector('#phone-%s')?.innerText.includes(%q)", person, title))
	}
	e := chromium.Ask[string](tab, listed+".querySelector('.id').innerText")

	tab.Press("#phone-ben .reply input")
	tab.Type("ack " + strings.TrimPrefix(e, "E-") + "\r")
	tab.Await(listed + "?.innerText.includes('Ben Fischer has it')")
	tab.Await(listed + ".matches('.acked')")
	tab.Await(fmt.Sprintf("document.querySelector('#phone-ben').innerText.includes('You have %s')", e))
	h.quietFor(e, 7*time.Second) // longer than a tier's patience

	tab.Press(fmt.Sprintf(".scene-list a[href$='/escalations/%s']", e))
	tab.Shows("Ben Fischer has it")
	tab.Shows("Acknowledged")
	tab.Press(`form[action$="/resolve"] button`)
	tab.Await("document.querySelector('.head.resolved')")
	h.reaches(e, "resolved")
}

// Two people open their links on two phones and press at the same moment: one has it, the other hears who.
func TestOfTwoPhonesThatPressAtOnceOneHasIt(t *testing.T) {
	h := quickHouse(t)
	const title = "two people reach for it"
	h.fire(title, "two-phones", "critical")
	links := []string{h.told(title, "ana", "sms").Link, h.told(title, "ben", "sms").Link}
	e := h.told(title, "ana", "sms").Escalation
	b := chromium.Open(t)
	var phones []*chromium.Tab
	for _, link := range links {
		require.NotEmpty(t, link)
		phone := b.Tab(t, chromium.Phone)
		phone.Go(link)
		phone.Shows("Nobody has it yet.")
		phones = append(phones, phone)
	}
	at := chromium.Ask[float64](phones[0], "Date.now() + 3000")
	for _, phone := range phones {
		chromium.Ask[bool](phone, fmt.Sprintf(`setTimeout(() => document.querySelector('button[value="acknowledge"]').click(), %f - Date.now()), true`, at))
	}
	had := 0
	for _, phone := range phones {
		phone.Await("document.querySelector('#answer .notice')")
		said := phone.Text("#answer")
		if strings.Contains(said, "You have "+e) {
			had++
			continue
		}
		require.Contains(t, said, "has had "+e)
	}
	require.Equal(t, 1, had, "one has it")
	h.reaches(e, "acknowledged")
	acks := 0
	for _, entry := range h.timeline(e) {
		if entry.Kind == "acknowledged" {
			acks++
		}
	}
	require.Equal(t, 1, acks)
	h.says(e, "resolve", nil)
}
