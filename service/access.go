package service

import "github.com/belayhq/belay/core/fault"

// Action is something a caller may or may not do.
type Action string

const (
	Read           Action = "read"
	ReadContacts   Action = "read_contacts" // addresses and numbers in full
	OpenEscalation Action = "open_escalation"
	ObserveTicket  Action = "observe_ticket"
	Answer         Action = "answer" // every verb of a human
	Override       Action = "override"
	PlanBlueprint  Action = "plan_blueprint"
	ApplyBlueprint Action = "apply_blueprint"
	ManageTokens   Action = "manage_tokens"
	PlaySandbox    Action = "play_sandbox"
	TryRequest     Action = "try_request" // see what a request of a monitor would do
)

// Actions lists them.
func Actions() []Action {
	return []Action{
		Read, ReadContacts, OpenEscalation, ObserveTicket, Answer, Override, PlanBlueprint, ApplyBlueprint, ManageTokens, PlaySandbox, TryRequest,
	}
}

// Access decides what a role may do. What the table does not name is refused.
type Access struct{}

func (Access) allowed(role Role) []Action {
	switch role {
	case Admin:
		return Actions()
	case Responder:
		return []Action{Read, OpenEscalation, ObserveTicket, Answer, Override, PlanBlueprint}
	case Viewer:
		return []Action{Read, PlanBlueprint}
	case IntegrationRole:
		return []Action{OpenEscalation, ObserveTicket}
	case Outsider:
		return []Action{Answer}
	}
	return nil
}

// May returns nil when the caller may do this, and fault.Denied otherwise.
func (a Access) May(c Caller, do Action) error {
	for _, granted := range a.allowed(c.Role) {
		if granted == do {
			return nil
		}
	}
	if c.Role == "" {
		return fault.New(fault.Denied, "%s may not %s", c.Actor(), do)
	}
	return fault.New(fault.Denied, "the role %s may not %s", c.Role, do)
}
