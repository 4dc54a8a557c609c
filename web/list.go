package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/service"
)

const (
	mostShown  = 1000 // live escalations on one page
	pageSize   = 200
	overShown  = 20 // ended ones below
	reloadList = 5  // seconds, without script
)

// board is what the start page shows.
type board struct {
	Live []service.Escalation // by next automatic action
	Over []service.Escalation // newest first
	More bool                 // there are more live ones than are shown
}

func (s *Site) board(ctx context.Context, c service.Caller) (board, error) {
	var b board
	filter := service.Filter{States: []escalation.Phase{escalation.Open, escalation.Acked}, Limit: pageSize}
	for {
		p, err := s.Search.List(ctx, c, filter)
		if err != nil {
			return board{}, err
		}
		b.Live = append(b.Live, p.Escalations...)
		if b.More = p.Cursor != ""; !b.More || len(b.Live) >= mostShown {
			break
		}
		filter.Cursor = p.Cursor
	}
	p, err := s.Search.List(ctx, c, service.Filter{
		States: []escalation.Phase{escalation.ResolvedP, escalation.Closed}, Limit: overShown,
	})
	if err != nil {
		return board{}, err
	}
	b.Over = p.Escalations
	slices.SortStableFunc(b.Live, byNext)
	return b, nil
}

// byNext puts what happens first on top; what waits for a human only comes last, the most urgent first.
func byNext(a, b service.Escalation) int {
	x, y := a.Next.At, b.Next.At
	switch {
	case x.IsZero() && !y.IsZero():
		return 1
	case !x.IsZero() && y.IsZero():
		return -1
	case !x.Equal(y):
		return x.Compare(y)
	case a.Priority < b.Priority:
		return -1
	case a.Priority > b.Priority:
		return 1
	}
	return b.OpenedAt.Compare(a.OpenedAt)
}

func (b board) count(p escalation.Phase) int {
	n := 0
	for _, e := range b.Live {
		if e.State == p {
			n++
		}
	}
	return n
}

func (s *Site) list(c echo.Context) error {
	f := s.frame(c, "Now").living(c, reloadList)
	b, err := s.board(c.Request().Context(), f.Caller)
	if err != nil {
		return err
	}
	f.Answer = s.takeAnswer(c)
	return s.render(c, http.StatusOK, listPage(f, b))
}

func (s *Site) listEvents(c echo.Context) error {
	f := s.frame(c, "Now")
	return s.stream(c, func(ctx context.Context) ([]part, error) {
		b, err := s.board(ctx, f.Caller)
		if err != nil {
			return nil, err
		}
		f := f.at(s.Now())
		return []part{{Event: "board", Data: b, Page: boardView(f, b)}}, nil
	})
}

// at is the same frame later.
func (f frame) at(now time.Time) frame {
	f.Now = now
	return f
}
