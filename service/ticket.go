package service

import (
	"context"

	"github.com/belayhq/belay/contract"
)

// ByLink says a word as the holder of a signed link. Errors as with Say; a forged or expired link is fault.Denied.
func (a *Answers) ByLink(ctx context.Context, l Links, token, verb string, w contract.Word) (contract.Reply, error) {
	t, err := l.Open(token)
	if err != nil {
		return contract.Reply{}, err
	}
	if w.Key == "" && (verb == contract.Acknowledge || verb == contract.Resolve) { // pressing twice is pressing once
		w.Key = t.Key + "/link/" + verb
	}
	return a.Say(ctx, callerFor(a.Organisation.Current(), t.Person, "link"), t.Workflow, verb, w)
}
