package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

// minePage is one's own shifts and calendar links.
func (s *Site) minePage(c echo.Context) error {
	ctx, f := c.Request().Context(), s.frame(c, "")
	f.Title, f.Answer = f.t("My shifts"), s.takeAnswer(c)
	shifts, err := s.OnCall.Mine(ctx, f.Caller, 180*24*time.Hour)
	if err != nil {
		return err
	}
	feeds, err := s.Feeds.List(ctx, f.Caller)
	if err != nil && !fault.Is(err, fault.Denied) { // nobody of the blueprint has none
		return err
	}
	return s.render(c, http.StatusOK, minePage(f, shifts, feeds))
}

func (s *Site) makeFeed(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	f := s.frame(c, "")
	_, secret, err := s.Feeds.Create(c.Request().Context(), f.Caller, id.Schedule(c.FormValue("schedule")))
	if err != nil {
		return err
	}
	address := strings.TrimRight(s.PublicURL, "/") + "/feeds/" + secret + ".ics"
	if s.PublicURL == "" {
		address = f.to("/feeds/" + secret + ".ics")
	}
	said := f.t("Copy this address into your calendar now, it is not shown again: %s", address)
	if err := s.leaveAnswer(c, answer{Text: said}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+"/oncall/mine")
}

func (s *Site) endFeed(c echo.Context) error {
	if err := s.checkForm(c); err != nil {
		return err
	}
	f := s.frame(c, "")
	if err := s.Feeds.Revoke(c.Request().Context(), f.Caller, c.Param("feed")); err != nil {
		return err
	}
	if err := s.leaveAnswer(c, answer{Text: f.t("The link shows nothing any more.")}); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, s.Prefix+"/oncall/mine")
}

// feed is what a calendar reads. Its link is all the proof there is, and reading changes nothing.
func (s *Site) feed(c echo.Context) error {
	secret, _ := strings.CutSuffix(c.Param("token"), ".ics")
	feed, shifts, err := s.Feeds.Read(c.Request().Context(), secret)
	if slow := s.guessed(c, err); slow != nil {
		return slow
	}
	if err != nil {
		return err
	}
	if slow := s.Limits.Caller(service.Caller{Token: feed.ID}, s.Now()); slow != nil {
		return slow
	}
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", []byte(s.calendarOf(feed, shifts)))
}

func (s *Site) calendarOf(feed service.Feed, shifts []service.FeedShift) string {
	cal := ics.NewCalendarFor("Belay")
	cal.SetMethod(ics.MethodPublish)
	name := "On call"
	if feed.Schedule != "" && len(shifts) > 0 {
		name = "On call: " + or2(shifts[0].Schedule.Name, string(feed.Schedule))
	}
	cal.SetName(name)
	cal.SetXWRCalName(name)
	cal.SetRefreshInterval("PT1H")
	for _, shift := range shifts {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", shift.Schedule.ID, shift.Person, shift.From.Unix()))
		e := cal.AddEvent(hex.EncodeToString(sum[:16]) + "@belay")
		e.SetDtStampTime(s.Now().UTC().Truncate(time.Hour))
		e.SetStartAt(shift.From.UTC())
		e.SetEndAt(shift.Until.UTC())
		title := or2(shift.Schedule.Name, string(shift.Schedule.ID))
		if feed.Schedule != "" {
			title = or2(shift.Name, string(shift.Person)) + ": " + title
		}
		e.SetSummary("On call: " + title)
		if shift.Override != "" {
			e.SetDescription("By override " + string(shift.Override))
		}
		e.SetTimeTransparency(ics.TransparencyTransparent) // being on call does not make somebody busy
	}
	return cal.Serialize()
}
