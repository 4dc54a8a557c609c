package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

func (s *server) ListEscalations(ctx context.Context, in rest.ListEscalationsRequestObject) (rest.ListEscalationsResponseObject, error) {
	p := in.Params
	page, err := s.Search.List(ctx, callerOf(ctx), service.Filter{
		States: named[escalation.Phase](p.State), Services: named[id.Service](p.Service), Units: named[id.Unit](p.Unit),
		Priorities: named[org.Priority](p.Priority), Person: id.Person(value(p.Person)), Text: value(p.Text),
		Canaries: value(p.Canaries), Cursor: value(p.Cursor), Limit: value(p.Limit),
	})
	if err != nil {
		return nil, err
	}
	rows := make([]rest.Escalation, len(page.Escalations))
	for i, e := range page.Escalations {
		rows[i] = escalationOf(e)
	}
	return rest.ListEscalations200JSONResponse{Escalations: rows, Cursor: optional(page.Cursor)}, nil
}

func (s *server) OpenEscalation(ctx context.Context, in rest.OpenEscalationRequestObject) (rest.OpenEscalationResponseObject, error) {
	b := in.Body
	e, err := s.Open.Do(ctx, callerOf(ctx), service.Opening{
		Service: id.Service(b.Service), Title: b.Title, Priority: org.Priority(value(b.Priority)),
		Severity: alert.Severity(value(b.Severity)), Kind: org.Kind(value(b.Kind)), DedupKey: value(b.DedupKey),
		Source: value(b.Source), Details: value(b.Details), Links: linksOf(b.Links), Key: value(in.Params.IdempotencyKey),
	})
	if err != nil {
		return nil, err
	}
	location := "/v1/escalations/" + string(e)
	return rest.OpenEscalation201JSONResponse{
		Body:    rest.Opened{Id: string(e)},
		Headers: rest.OpenEscalation201ResponseHeaders{Location: &location},
	}, nil
}

func (s *server) GetEscalation(ctx context.Context, in rest.GetEscalationRequestObject) (rest.GetEscalationResponseObject, error) {
	e, err := s.Search.Get(ctx, callerOf(ctx), id.Escalation(in.Id))
	if err != nil {
		return nil, err
	}
	tag := fmt.Sprintf(`"%d.%d.%d"`, e.Seq, e.Looks, e.Repeats)
	if matches(value(in.Params.IfNoneMatch), tag) {
		return rest.GetEscalation304Response{}, nil
	}
	return rest.GetEscalation200JSONResponse{
		Body: escalationOf(e), Headers: rest.GetEscalation200ResponseHeaders{ETag: &tag},
	}, nil
}

// matches reads If-None-Match (RFC 9110, 13.1.2): weak comparison with each tag of the list.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == "*" || part == tag {
			return true
		}
	}
	return false
}

func (s *server) GetTimeline(ctx context.Context, in rest.GetTimelineRequestObject) (rest.GetTimelineResponseObject, error) {
	entries, err := s.Search.Timeline(ctx, callerOf(ctx), id.Escalation(in.Id), value(in.Params.After), value(in.Params.Limit))
	if err != nil {
		return nil, err
	}
	lines := make([]rest.Entry, len(entries))
	for i, e := range entries {
		lines[i] = rest.Entry{
			Seq: e.Seq, At: e.At, Kind: string(e.Kind), Actor: e.Actor, Via: optional(e.Via), Key: optional(e.Key), Text: e.Text,
		}
		if len(e.Detail) > 0 {
			lines[i].Detail = &e.Detail
		}
		if e.Unwritten {
			lines[i].Unwritten = &e.Unwritten
		}
	}
	return rest.GetTimeline200JSONResponse{Entries: lines}, nil
}

func escalationOf(e service.Escalation) rest.Escalation {
	row := rest.Escalation{
		Id: string(e.ID), State: rest.State(e.State), Title: e.Title, Service: string(e.Service), ServiceName: e.ServiceName,
		Unit: string(e.Unit), Kind: rest.Kind(e.Kind), Priority: rest.Priority(e.Priority), Severity: string(e.Severity),
		Tier: e.Tier, TierName: e.TierName, Round: e.Round, OpenedAt: e.OpenedAt,
		AcknowledgedAt: instant(e.AcknowledgedAt), AcknowledgedBy: optional(string(e.AcknowledgedBy)),
		ResolvedAt: instant(e.ResolvedAt), ResolvedBy: optional(string(e.ResolvedBy)), ClosedAt: instant(e.ClosedAt),
		SnoozedUntil: instant(e.SnoozedUntil), UpdateBy: instant(e.UpdateBy), ResolveBy: instant(e.ResolveBy),
		Repeats: e.Repeats, Told: texts(e.Told), Ticket: optional(strings.Replace(e.Ticket, "/", ":", 1)),
		Next:   rest.Next{At: instant(e.Next.At), Action: e.Next.Action, Target: e.Next.Target},
		Policy: string(e.Policy), Revision: e.Revision, DedupKey: e.DedupKey, Seq: e.Seq, Source: optional(e.Alert.Source),
	}
	if e.Canary {
		row.Canary = &e.Canary
	}
	if len(e.Alert.Details) > 0 {
		row.Details = &e.Alert.Details
	}
	if len(e.Alert.Links) > 0 {
		links := make([]rest.Link, len(e.Alert.Links))
		for i, l := range e.Alert.Links {
			links[i] = rest.Link{Href: l.Href, Text: optional(l.Text)}
		}
		row.Links = &links
	}
	if len(e.Alert.Images) > 0 {
		images := make([]rest.Image, len(e.Alert.Images))
		for i, m := range e.Alert.Images {
			images[i] = rest.Image{Src: m.Source, Href: optional(m.Href), Alt: optional(m.Alt)}
		}
		row.Images = &images
	}
	return row
}

func linksOf(given *[]rest.Link) []alert.Link {
	var links []alert.Link
	for _, l := range value(given) {
		links = append(links, alert.Link{Href: l.Href, Text: value(l.Text)})
	}
	return links
}

// value is what a pointer points at, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

func pointer[T any](v T) *T { return &v }

// optional is nil for an empty text.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// instant is nil for the zero time.
func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// named turns the texts of a query into names of one type.
func named[N, T ~string](given *[]T) []N {
	var names []N
	for _, g := range value(given) {
		names = append(names, N(g))
	}
	return names
}

// texts is never null in JSON.
func texts[T ~string](given []T) []string {
	all := make([]string, len(given))
	for i, g := range given {
		all[i] = string(g)
	}
	return all
}
