package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/core/ticket"
	"github.com/belayhq/belay/service"
)

func (s *server) ListTickets(ctx context.Context, in rest.ListTicketsRequestObject) (rest.ListTicketsResponseObject, error) {
	p := in.Params
	f := service.TicketFilter{States: named[ticket.State](p.State), Services: named[id.Service](p.Service), Watched: value(p.Watched), Limit: value(p.Limit)}
	if f.Limit == 0 {
		f.Limit = 50
	}
	if cursor := value(p.Cursor); cursor != "" {
		after, ok := refOf(cursor)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "cursor", "%q is no cursor: take the one of the page before", cursor)
		}
		f.After = after
	}
	list, err := s.Tickets.List(ctx, callerOf(ctx), f)
	if err != nil {
		return nil, err
	}
	out := rest.ListTickets200JSONResponse{Tickets: make([]rest.Ticket, len(list))}
	for i, one := range list {
		out.Tickets[i] = ticketOf(one)
	}
	if len(list) == f.Limit {
		out.Cursor = optional(ticketID(list[len(list)-1].Ticket.Ref))
	}
	return out, nil
}

func (s *server) ObserveTicket(ctx context.Context, in rest.ObserveTicketRequestObject) (rest.ObserveTicketResponseObject, error) {
	b := in.Body
	got, err := s.Tickets.Tell(ctx, callerOf(ctx), service.Observation{
		Key: value(in.Params.IdempotencyKey), At: value(b.At),
		Ticket: ticket.Ticket{
			Ref: ticket.Ref{System: b.System, Key: b.Key}, Title: b.Title, URL: value(b.Url), Type: value(b.Type), Service: id.Service(b.Service),
			Kind: org.Kind(value(b.Kind)), Priority: org.Priority(value(b.Priority)), State: ticket.State(b.State), Reason: value(b.Reason),
			Category: value(b.Category), Team: value(b.Team), Assignee: value(b.Assignee), Customer: value(b.Customer), VIP: value(b.Vip),
			Labels: value(b.Labels), OpenedAt: value(b.OpenedAt), RespondedAt: value(b.RespondedAt), SpokeAt: value(b.SpokeAt),
		},
	})
	if err != nil {
		return nil, err
	}
	return rest.ObserveTicket200JSONResponse{Id: ticketID(got.Ticket), Version: got.Version, Changed: texts(got.Changed),
		Escalation: optional(string(got.Escalation)), Known: got.Known, Stale: got.Stale}, nil
}

func (s *server) GetTicket(ctx context.Context, in rest.GetTicketRequestObject) (rest.GetTicketResponseObject, error) {
	ref, ok := refOf(in.Id)
	if !ok {
		var err error
		if ref, err = s.Tickets.Of(ctx, callerOf(ctx), id.Escalation(in.Id)); err != nil {
			return nil, err
		}
	}
	one, err := s.Tickets.Stands(ctx, callerOf(ctx), ref)
	if err != nil {
		return nil, err
	}
	return rest.GetTicket200JSONResponse(ticketOf(one)), nil
}

func (s *server) PreviewRecalculation(ctx context.Context, _ rest.PreviewRecalculationRequestObject) (rest.PreviewRecalculationResponseObject, error) {
	to, moves, err := s.Tickets.Preview(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	out := rest.PreviewRecalculation200JSONResponse{Revision: string(to), Moves: make([]rest.Move, len(moves))}
	for i, m := range moves {
		out.Moves[i] = rest.Move{Ticket: ticketID(m.Ticket), Escalation: string(m.Escalation), Clock: string(m.Clock), From: instant(m.From), To: instant(m.To),
			Was: m.Was, Becomes: m.Becomes, Revision: string(m.Revision), Version: m.Version}
	}
	return out, nil
}

func (s *server) Recalculate(ctx context.Context, in rest.RecalculateRequestObject) (rest.RecalculateResponseObject, error) {
	moves := make([]service.Move, len(in.Body.Moves))
	for i, m := range in.Body.Moves {
		ref, ok := refOf(m.Ticket)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "moves", "%q is no ticket: take the moves of the preview", m.Ticket)
		}
		moves[i] = service.Move{Ticket: ref, Escalation: id.Escalation(m.Escalation), Clock: id.SLA(m.Clock), Revision: id.Revision(m.Revision), Version: m.Version}
	}
	left, err := s.Tickets.Recalculate(ctx, callerOf(ctx), id.Revision(in.Body.Revision), moves, value(in.Body.Reason))
	if err != nil {
		return nil, err
	}
	out := rest.Recalculate200JSONResponse{Left: make([]string, len(left))}
	for i, r := range left {
		out.Left[i] = ticketID(r)
	}
	return out, nil
}

func (s *server) TryTriggers(ctx context.Context, in rest.TryTriggersRequestObject) (rest.TryTriggersResponseObject, error) {
	list, err := s.Tickets.Try(ctx, callerOf(ctx), in.Params.Since, value(in.Params.All))
	if err != nil {
		return nil, err
	}
	out := rest.TryTriggers200JSONResponse{Would: make([]rest.Would, len(list))}
	for i, w := range list {
		out.Would[i] = rest.Would{At: w.At, Ticket: ticketID(w.Ticket), Title: w.Title, Key: w.Key, Why: w.Why, Act: sla.Deed(w.Act)}
	}
	return out, nil
}

// ticketID is how paths name a ticket: systems have no colon in their names, keys may.
func ticketID(r ticket.Ref) string { return r.System + ":" + r.Key }

func refOf(text string) (ticket.Ref, bool) {
	system, key, found := strings.Cut(text, ":")
	return ticket.Ref{System: system, Key: key}, found && system != "" && key != ""
}

func ticketOf(s service.Standing) rest.Ticket {
	t := s.Ticket
	out := rest.Ticket{
		Id: ticketID(t.Ref), System: t.System, Key: t.Key, Title: t.Title, Service: string(t.Service), State: rest.TicketState(t.State),
		Url: optional(t.URL), Type: optional(t.Type), Kind: optional(string(t.Kind)), Priority: optional(string(t.Priority)), Reason: optional(t.Reason),
		Category: optional(t.Category), Team: optional(t.Team), Assignee: optional(t.Assignee), Customer: optional(t.Customer),
		Version: s.Version, OpenedAt: t.OpenedAt, ChangedAt: s.ChangedAt, Revision: optional(string(s.Revision)), Escalation: optional(string(s.Escalation)),
		Clocks: make([]rest.Clock, len(s.Clocks)), Problems: texts(s.Problems),
	}
	if t.VIP {
		out.Vip = &t.VIP
	}
	if len(t.Labels) > 0 {
		out.Labels = &t.Labels
	}
	if s.Summary != nil {
		out.EscalationState = optional(string(s.Summary.State))
		out.Next = nextOf(s.Summary.Next)
	}
	for i, c := range s.Clocks {
		out.Clocks[i] = rest.Clock{
			Name: string(c.Name), Metric: string(c.Metric), State: rest.ClockState(c.State), StartedAt: c.StartedAt, DueAt: instant(c.DueAt),
			WarnedAt: instant(c.WarnedAt), BreachedAt: instant(c.BreachedAt), Paused: c.Paused, Reason: optional(c.Reason),
			Elapsed: int64(c.Elapsed / time.Second), Target: int64(c.Target / time.Second),
		}
	}
	return out
}

func nextOf(n escalation.Next) *rest.Next {
	return &rest.Next{At: instant(n.At), Action: n.Action, Target: n.Target}
}

func (s *server) ListEscalationTickets(ctx context.Context, in rest.ListEscalationTicketsRequestObject) (rest.ListEscalationTicketsResponseObject, error) {
	links, err := s.Desk.Of(ctx, callerOf(ctx), id.Escalation(in.Id))
	if err != nil {
		return nil, err
	}
	return rest.ListEscalationTickets200JSONResponse(joinedOf(links)), nil
}

func (s *server) JoinTicket(ctx context.Context, in rest.JoinTicketRequestObject) (rest.JoinTicketResponseObject, error) {
	links, err := s.Desk.Join(ctx, callerOf(ctx), id.Escalation(in.Id), id.TicketSystem(in.Body.System), value(in.Body.Number))
	if err != nil {
		return nil, err
	}
	return rest.JoinTicket200JSONResponse(joinedOf(links)), nil
}

func joinedOf(links []service.TicketLink) rest.TicketLinks {
	out := rest.TicketLinks{Tickets: make([]rest.TicketLink, len(links))}
	for i, l := range links {
		out.Tickets[i] = rest.TicketLink{System: string(l.System), Number: optional(l.Number), Url: optional(l.URL), Watched: l.Watched}
	}
	return out
}
