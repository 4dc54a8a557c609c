package service

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
)

// Hop is a stretch of the way of a canary, named by where it ends.
type Hop string

const (
	HopEvent      Hop = "event"      // the door took the alert
	HopEscalation Hop = "escalation" // it has opened an escalation, which runs
	HopPage       Hop = "page"       // the escalation decided to tell the robot
	HopReceipt    Hop = "receipt"    // the robot was told, and that is known
	HopResolve    Hop = "resolve"    // the door took the end, and the escalation is over
)

// Hops in the order in which they are walked.
func Hops() []Hop { return []Hop{HopEvent, HopEscalation, HopPage, HopReceipt, HopResolve} }

// CanaryWalk is one canary on its way.
type CanaryWalk struct {
	Number      int64 // 0: none yet
	Integration id.Integration
	BeganAt     time.Time
	Escalation  id.Escalation // empty: none yet
	Passed      map[Hop]time.Time
	AskedAt     time.Time // the door was told that all is well; zero: not yet
	EndedAt     time.Time // zero: it walks
	Broken      Hop       // where it stopped; empty: nowhere so far
	Why         string
}

func (w CanaryWalk) walking() bool { return w.Number > 0 && w.EndedAt.IsZero() }

// next is the hop that it has not passed. Not ok: it has passed all of them.
func (w CanaryWalk) next() (hop Hop, ok bool) {
	for _, hop := range Hops() {
		if w.Passed[hop].IsZero() {
			return hop, true
		}
	}
	return "", false
}

// Canary is how the canaries of one integration stand.
type Canary struct {
	Integration id.Integration
	Broken      Hop        // of which an escalation tells; empty: of none
	Service     id.Service // whose escalation that is
	LookedAt    time.Time
	NextAt      time.Time  // when to look again
	Walk        CanaryWalk // the last one
}

// CanaryLeft is a walk that is over while its escalation is not.
type CanaryLeft struct {
	Walk    int64
	Service id.Service // of its conversation
}

// CanaryBook keeps canaries. Instants are the caller's.
type CanaryBook interface {
	// Claim takes those whose time has come and whom nobody holds, for a term; those that are named and not known are there
	// from then on. It also answers those that are not named any more.
	Claim(ctx context.Context, named []id.Integration, at time.Time, term time.Duration) ([]Canary, error)
	// Begin puts a new walk on record and answers its number.
	Begin(ctx context.Context, in id.Integration, at time.Time) (int64, error)
	// Keep writes how a canary and its walk stand, and lets go of it.
	Keep(ctx context.Context, c Canary) error
	// Forget removes the canary of an integration. Its walks stay for a while.
	Forget(ctx context.Context, in id.Integration) error
	// Opened is the escalation of a walk. fault.NotFound.
	Opened(ctx context.Context, walk int64) (id.Escalation, error)
	// Left lists walks of an integration, but this one, whose escalations are not over.
	Left(ctx context.Context, in id.Integration, but int64) ([]CanaryLeft, error)
	// Walks lists the last ones of every integration, newest first.
	Walks(ctx context.Context, each int) ([]CanaryWalk, error)
	// List answers how all stand, by integration, without their walks.
	List(ctx context.Context) ([]Canary, error)
}

// CanaryDoor is where monitors reach us, from outside.
type CanaryDoor interface {
	// Say sends what the system of an integration would: that something fires, or that it is well again. proof says that it is
	// a canary. Errors say what the door answered.
	Say(ctx context.Context, in org.Integration, firing bool, proof string) error
}

// CanaryHeader is where a request says that it is a canary, and proves it.
const CanaryHeader = "x-belay-canary"

// CanaryProof tells canaries of ours from alerts whose sender would like nobody to be told.
type CanaryProof struct{ Secret []byte }

// What is proved, so that no signature serves as another.
const (
	walkPurpose = "belay canary walk v1\n"
	pagePurpose = "belay canary page v1\n"
)

func (p CanaryProof) sign(text string) string {
	mac := hmac.New(sha256.New, p.Secret)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// Walk is what a request of a walk says in CanaryHeader.
func (p CanaryProof) Walk(in id.Integration, walk int64) string {
	number := strconv.FormatInt(walk, 10)
	return number + "." + p.sign(walkPurpose+string(in)+"\n"+number)
}

// Read is the walk that a request belongs to; 0: it is no canary. One that only says so is fault.Unauthenticated.
func (p CanaryProof) Read(in id.Integration, post alert.Post) (int64, error) {
	said := post.Header[CanaryHeader]
	if said == "" {
		return 0, nil
	}
	number, _, _ := strings.Cut(said, ".")
	walk, err := strconv.ParseInt(number, 10, 64)
	if err != nil || walk < 1 || len(p.Secret) == 0 || !hmac.Equal([]byte(said), []byte(p.Walk(in, walk))) {
		return 0, fault.New(fault.Unauthenticated, "%s is not ours: only Belay sends canaries", CanaryHeader)
	}
	return walk, nil
}

// Page proves to the robot's door that a message left here.
func (p CanaryProof) Page(key string) string { return p.sign(pagePurpose + key) }

// Paged is fault.Unauthenticated unless Page proved this message.
func (p CanaryProof) Paged(key, proof string) error {
	if len(p.Secret) == 0 || key == "" || !hmac.Equal([]byte(proof), []byte(p.Page(key))) {
		return fault.New(fault.Unauthenticated, "no message of ours")
	}
	return nil
}

// canaryKey is the conversation of a walk: whatever its alert is called, it must not be somebody's.
func canaryKey(walk int64) string { return "belay-canary/" + strconv.FormatInt(walk, 10) }

// trial is what becomes of a canary at the door: no rule, window or group is asked.
func trial(service id.Service, walk int64) *route.Decision {
	return &route.Decision{Action: org.Tell, Service: service, Kind: org.Technical, Priority: org.P1, Chosen: true, Rule: "canary", Canary: walk}
}

// canaried takes what a canary says. While the records are away it is refused: then nobody could see how it fares.
func (i *Intake) canaried(ctx context.Context, in org.Integration, walk int64, wanted []alert.Alert, d Delivery) ([]string, error) {
	if len(wanted) != 1 || wanted[0].Action == alert.Acknowledge {
		return nil, fault.New(fault.Invalid, "a canary is one alert that fires or is over, and this is understood as %d", len(wanted))
	}
	one := Incoming{
		Integration: in.ID, Service: in.Service, Format: d.Dialect.Name, Alert: wanted[0], Raw: d.Post.Body, Trace: d.Trace,
		ReceivedAt: i.Now().Truncate(time.Microsecond), Route: trial(in.Service, walk),
	}
	one.Alert.DedupKey = canaryKey(walk)
	var seqs []int64
	err := i.Lights.Ask(ctx, acceptWithin, func(ctx context.Context) (err error) {
		seqs, err = i.Inbox.AcceptAll(ctx, []Incoming{one})
		return err
	})
	for _, seq := range seqs {
		i.Desk.Soon(ctx, seq, func(_ context.Context, why error) error { return why })
	}
	return []string{one.Alert.DedupKey}, err
}
