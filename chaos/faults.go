package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// carrier makes the fake Twilio misbehave for a while. What is lost on the way to a phone tells nobody.
func (r *run) carrier(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return errors.New("want how, and for how long")
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	mode := modes[args[0]]
	if mode == nil {
		return fmt.Errorf("no carrier behaves like %q", args[0])
	}
	began := time.Now()
	r.sink.behave(mode)
	defer r.sink.behave(nil)
	if err := pause(ctx, d); err != nil {
		return err
	}
	r.tell("while the carrier was %s: %d SMS by it, %d by the other", args[0], r.sink.carriedSince("twilio", began), r.sink.carriedSince("gateway", began))
	if len(args) > 3 && args[3] == "taken-over" && r.sink.carriedSince("gateway", began) == 0 {
		r.fail("the second carrier did not take over within %s of %s", d, args[0])
	}
	return nil
}

// recovered waits until the first carrier brings SMS again, for as long as is said.
func (r *run) recovered(ctx context.Context, args []string) error {
	d, err := time.ParseDuration(args[len(args)-1])
	if err != nil {
		return err
	}
	began := time.Now()
	for r.sink.carriedSince("twilio", began) == 0 {
		if time.Since(began) > d {
			r.fail("the first carrier is well and has carried nothing for %s", d)
			return nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	r.tell("the first carrier was used again after %s", time.Since(began).Round(time.Second))
	return nil
}

func refusal(status, code int, after time.Duration, words string) func(twiliofake.Sent, int) (twiliofake.Conduct, bool) {
	return func(twiliofake.Sent, int) (twiliofake.Conduct, bool) {
		return twiliofake.Conduct{Status: status, Code: code, After: after, Words: words}, false
	}
}

func reports(told bool, all ...twiliofake.Report) func(twiliofake.Sent, int) (twiliofake.Conduct, bool) {
	return func(twiliofake.Sent, int) (twiliofake.Conduct, bool) { return twiliofake.Conduct{Reports: all}, told }
}

// modes are ways in which a carrier fails its customers.
var modes = map[string]func(twiliofake.Sent, int) (twiliofake.Conduct, bool){
	"5xx": refusal(503, 20503, 0, "Service unavailable"),
	"429": refusal(429, 20429, 3*time.Second, "Too many requests"),
	"hang": func(twiliofake.Sent, int) (twiliofake.Conduct, bool) {
		return twiliofake.Conduct{Delay: 10 * time.Minute}, false // longer than anybody waits
	},
	// It has the message, and says so to nobody: whoever asks again must find it, and not send another.
	"drop": func(twiliofake.Sent, int) (twiliofake.Conduct, bool) {
		return twiliofake.Conduct{Drop: true, Reports: []twiliofake.Report{{After: 200 * time.Millisecond, Status: "delivered"}}}, true
	},
	"undelivered": reports(false, twiliofake.Report{After: 100 * time.Millisecond, Status: "sent"}, twiliofake.Report{After: 300 * time.Millisecond, Status: "undelivered", Code: "30005"}),
	"late":        reports(true, twiliofake.Report{After: 6 * time.Second, Status: "sent"}, twiliofake.Report{After: 6 * time.Second, Status: "delivered"}),
	"twice":       reports(true, twiliofake.Report{Status: "sent"}, twiliofake.Report{Status: "sent"}, twiliofake.Report{Status: "delivered"}, twiliofake.Report{Status: "delivered"}),
	"disorder":    reports(true, twiliofake.Report{Status: "delivered"}, twiliofake.Report{After: 100 * time.Millisecond, Status: "sent"}, twiliofake.Report{Status: "queued"}),
	"never":       reports(true),
}

// clock sets the clock of a worker that can be set.
func (r *run) clock(_ context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want a worker and an offset, as worker1 +10m")
	}
	if _, err := time.ParseDuration(args[1]); err != nil {
		return err
	}
	path := r.at.clock(args[0])
	if err := os.WriteFile(path+".new", []byte(args[1]), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
