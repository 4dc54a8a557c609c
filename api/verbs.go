package api

import (
	"context"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// say hands a word to an escalation. What the escalation refuses is a conflict with its state.
func (s *server) say(ctx context.Context, e rest.EscalationID, verb string, key *rest.IdempotencyKey, w contract.Word) (said rest.Said, received bool, err error) {
	if _, err := id.Escalation(e).Number(); err != nil {
		return rest.Said{}, false, fault.New(fault.NotFound, "there is no escalation %q", clip(e))
	}
	caller := callerOf(ctx)
	if key != nil {
		w.Key = "api/" + caller.Actor() + "/" + *key
	}
	reply, err := s.Answers.Say(ctx, caller, contract.EscalationID(id.Escalation(e)), verb, w)
	if err != nil {
		return rest.Said{}, false, err
	}
	if reply.Outcome == escalation.Refused {
		return rest.Said{}, false, fault.New(fault.Conflict, "%s", reply.Text)
	}
	said = rest.Said{Outcome: rest.SaidOutcome(reply.Outcome), Text: reply.Text, State: string(reply.State)}
	return said, reply.Outcome == contract.Received, nil
}

func (s *server) AcknowledgeEscalation(ctx context.Context, in rest.AcknowledgeEscalationRequestObject) (rest.AcknowledgeEscalationResponseObject, error) {
	w := contract.Word{Note: value(value(in.Body).Note)}
	said, received, err := s.say(ctx, in.Id, contract.Acknowledge, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.AcknowledgeEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.AcknowledgeEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) ResolveEscalation(ctx context.Context, in rest.ResolveEscalationRequestObject) (rest.ResolveEscalationResponseObject, error) {
	w := contract.Word{Note: value(value(in.Body).Note)}
	said, received, err := s.say(ctx, in.Id, contract.Resolve, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.ResolveEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.ResolveEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) ReopenEscalation(ctx context.Context, in rest.ReopenEscalationRequestObject) (rest.ReopenEscalationResponseObject, error) {
	w := contract.Word{Note: value(value(in.Body).Note)}
	said, received, err := s.say(ctx, in.Id, contract.Reopen, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.ReopenEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.ReopenEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) EscalateEscalation(ctx context.Context, in rest.EscalateEscalationRequestObject) (rest.EscalateEscalationResponseObject, error) {
	b := value(in.Body)
	w := contract.Word{Note: value(b.Note), Direction: org.Direction(value(b.Direction))}
	if b.To != nil {
		w.To = pointer(targetOf(*b.To))
	}
	said, received, err := s.say(ctx, in.Id, contract.Escalate, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.EscalateEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.EscalateEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) ReassignEscalation(ctx context.Context, in rest.ReassignEscalationRequestObject) (rest.ReassignEscalationResponseObject, error) {
	w := contract.Word{Note: value(in.Body.Note), To: pointer(targetOf(in.Body.To))}
	said, received, err := s.say(ctx, in.Id, contract.Reassign, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.ReassignEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.ReassignEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) SnoozeEscalation(ctx context.Context, in rest.SnoozeEscalationRequestObject) (rest.SnoozeEscalationResponseObject, error) {
	w := contract.Word{Note: value(in.Body.Note), Until: in.Body.Until}
	said, received, err := s.say(ctx, in.Id, contract.Snooze, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.SnoozeEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.SnoozeEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) NoteEscalation(ctx context.Context, in rest.NoteEscalationRequestObject) (rest.NoteEscalationResponseObject, error) {
	w := contract.Word{Note: in.Body.Note}
	said, received, err := s.say(ctx, in.Id, contract.Note, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.NoteEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.NoteEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func (s *server) PrioritiseEscalation(ctx context.Context, in rest.PrioritiseEscalationRequestObject) (rest.PrioritiseEscalationResponseObject, error) {
	w := contract.Word{Note: value(in.Body.Note), Priority: org.Priority(in.Body.Priority)}
	said, received, err := s.say(ctx, in.Id, contract.Prioritise, in.Params.IdempotencyKey, w)
	if err != nil {
		return nil, err
	}
	if received {
		return rest.PrioritiseEscalation202JSONResponse{HandedOverJSONResponse: rest.HandedOverJSONResponse(said)}, nil
	}
	return rest.PrioritiseEscalation200JSONResponse{SaidJSONResponse: rest.SaidJSONResponse(said)}, nil
}

func targetOf(t rest.Target) org.Target {
	return org.Target{
		Person: id.Person(value(t.Person)), Schedule: id.Schedule(value(t.Schedule)),
		Team: id.Team(value(t.Team)), Vendor: id.Vendor(value(t.Vendor)),
	}
}
