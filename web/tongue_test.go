package web_test

import (
	"net/http"
	"testing"

	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/web/webtest"
)

func TestALinkSpeaksAsItsMessageDid(t *testing.T) {
	h := webtest.Typical(night)
	h.Speaks("ben", tongue.German)
	phone := open(t, site(t, h, production))
	phone.change = func(r *http.Request) { r.Header.Set("Accept-Language", "en-GB") }
	page := phone.page("/a/" + webtest.BenLink)
	shows(t, page, `<html lang="de"`, "Sie antworten als", "Noch hat es niemand.", "Eskalieren: Ich kann nicht")
	form := fields(t, page, "")
	form.Set("verb", "acknowledge")
	answered := phone.post("/a/"+webtest.BenLink, form).Body.String()
	shows(t, answered, "Sie haben E-42.", "<strong>Ben Okafor hat es</strong>")

	h.Speaks("ben", "")
	shows(t, phone.page("/a/"+webtest.BenLink), `<html lang="en"`, "You answer as")
	phone.change = func(r *http.Request) { r.Header.Set("Accept-Language", "de") }
	shows(t, phone.page("/a/"+webtest.BenLink), `<html lang="de"`)
}

// Who signed in speaks as they said in the blueprint, unless this browser was told otherwise.
func TestPagesSpeakAsWhoeverSignedIn(t *testing.T) {
	h := webtest.Typical(night)
	h.Speaks("ana", tongue.German)
	ana := open(t, site(t, h, nil))
	ana.change = func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+webtest.AdminToken)
		r.Header.Set("Accept-Language", "en")
	}
	page := ana.page("/escalations/E-42")
	shows(t, page, `<html lang="de"`)
	hides(t, page, " is called", "no answer in time")
	ana.cookies["belay_language"] = &http.Cookie{Name: "belay_language", Value: "en"}
	shows(t, ana.page("/escalations/E-42"), `<html lang="en"`, " is called")
}
