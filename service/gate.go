package service

import (
	"sync"

	"github.com/belayhq/belay/core/org"
)

// Gate holds back starts of escalations when the engine has enough to do: a start is cheap, but each one makes work that
// all others wait for. The door stays open; what is held back waits in the inbox, where the most urgent goes first.
type Gate struct {
	// Most is how many may have been started of which nothing has been heard yet: their first line on record, or ten
	// seconds. P1 count among themselves only. Zero: 64.
	Most int

	mu     sync.Mutex
	crowd  Crowd
	behind bool          // somebody was turned away: from now on everybody takes their turn, until nobody waits
	turned int           // how many were turned away
	bell   chan struct{} // rings when somebody is turned away
}

func (g *Gate) most() int {
	if g.Most == 0 {
		return 64
	}
	return g.Most
}

// Pass answers whether an escalation of this priority may be started now, ahead of nobody. Otherwise a relay does it.
func (g *Gate) Pass(p org.Priority) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	urgent := p.Rank() == 1
	if g.behind || urgent && g.crowd.Urgent >= g.most() || !urgent && g.crowd.All >= g.most() {
		g.hold()
		return false
	}
	g.crowd.All++
	if urgent {
		g.crowd.Urgent++
	}
	return true
}

// Hold makes everybody take their turn.
func (g *Gate) Hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold()
}

func (g *Gate) hold() {
	g.behind = true
	g.turned++
	select {
	case g.ringing() <- struct{}{}:
	default:
	}
}

// Seen corrects what was counted here by what was counted by all, and answers how many may be started now.
func (g *Gate) Seen(c Crowd) (urgent, others int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.crowd = c
	if c.Waiting {
		g.behind = true
	}
	return max(0, g.most()-c.Urgent), max(0, g.most()-c.All)
}

// Behind answers whether somebody was turned away, and how many were.
func (g *Gate) Behind() (behind bool, turned int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.behind, g.turned
}

// CaughtUp opens the gate again: nobody waits, if nobody was turned away since so many were.
func (g *Gate) CaughtUp(turned int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.behind = g.behind && g.turned != turned
}

// Bell rings when somebody was turned away.
func (g *Gate) Bell() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ringing()
}

func (g *Gate) ringing() chan struct{} {
	if g.bell == nil {
		g.bell = make(chan struct{}, 1)
	}
	return g.bell
}
