package service

import "context"

// repliesScope keeps the carrier's names for messages apart from the keys of other senders.
const repliesScope = "sms"

// once answers a message, and each copy of it as the message was answered. A copy must not act: without a number it
// would mean whatever is open by then. When the records are away the answer counts for more than the copy.
func (r *Replies) once(ctx context.Context, in Inbound, answer func() (string, error)) (string, error) {
	if in.SID == "" {
		return answer()
	}
	before, err := r.begin(ctx, in)
	if before != nil {
		return string(before.Body), nil
	}
	if err != nil { // nobody knows, or the first is being answered this moment
		return answer()
	}
	text, err := answer()
	r.end(context.WithoutCancel(ctx), in, text, err == nil && text != notNow)
	return text, err
}

func (r *Replies) begin(ctx context.Context, in Inbound) (before *Answered, err error) {
	err = r.Lights.Ask(ctx, recordsWithin, func(ctx context.Context) (err error) {
		before, err = r.Idempotency.Begin(ctx, repliesScope, in.SID, []byte(in.From+"\n"+in.Body))
		return err
	})
	return before, err
}

// end keeps the answer, or lets the carrier try again what may pass.
func (r *Replies) end(ctx context.Context, in Inbound, text string, keep bool) {
	ctx, cancel := context.WithTimeout(ctx, recordsWithin)
	defer cancel()
	var err error
	if keep {
		err = r.Idempotency.Finish(ctx, repliesScope, in.SID, Answered{Body: []byte(text)})
	} else {
		err = r.Idempotency.Abandon(ctx, repliesScope, in.SID)
	}
	if err != nil {
		r.Log.WarnContext(ctx, "the answer to a message was not kept", "sid", in.SID, "error", err)
	}
}
