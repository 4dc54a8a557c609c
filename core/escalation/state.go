package escalation

// State is everything an escalation knows. It is a value: Step returns a new one.
type State struct {
	Rules int `json:"rules"`
}
