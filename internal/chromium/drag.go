package chromium

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Place is a point of what a selector finds, in parts of its width and height.
type Place struct {
	Selector string
	X, Y     float64
}

// dragSteps is how many moves a drag is made of: pages look at where it goes, too.
const dragSteps = 8

// Drag presses the mouse at one place, moves to another and lets go. Both must be in sight.
func (tab *Tab) Drag(from, to Place) {
	tab.t.Helper()
	tab.Hold(from, to)
	x, y := tab.at(to)
	tab.mouse(chromedp.MouseReleased, x, y)
}

// Hold is a drag that has not been let go.
func (tab *Tab) Hold(from, to Place) {
	tab.t.Helper()
	tab.along(from, to, func(step int, x, y float64) {
		if step == 0 {
			tab.mouse(chromedp.MouseMoved, x, y)
			tab.mouse(chromedp.MousePressed, x, y)
			return
		}
		tab.mouse(chromedp.MouseMoved, x, y)
	})
}

// Swipe is a drag by a finger.
func (tab *Tab) Swipe(from, to Place) {
	tab.t.Helper()
	tab.within(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true})
		return err
	}, "have a touch screen")
	touch := func(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
		tab.within(func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			return err
		}, "touch: %s", kind)
	}
	tab.along(from, to, func(step int, x, y float64) {
		kind := input.DispatchTouchEventTypeTouchMove
		if step == 0 {
			kind = input.DispatchTouchEventTypeTouchStart
		}
		touch(kind, &input.TouchPoint{X: x, Y: y})
	})
	touch(input.DispatchTouchEventTypeTouchEnd)
}

func (tab *Tab) along(from, to Place, visit func(step int, x, y float64)) {
	tab.t.Helper()
	x, y := tab.at(from)
	right, down := tab.at(to)
	for step := range dragSteps + 1 {
		part := float64(step) / dragSteps
		visit(step, x+part*(right-x), y+part*(down-y))
	}
}

// at is where a place is on the screen now.
func (tab *Tab) at(p Place) (x, y float64) {
	tab.t.Helper()
	tab.Await("document.querySelector(" + quote(p.Selector) + ")")
	found := Ask[[]float64](tab, fmt.Sprintf(`(() => { const r = document.querySelector(%s).getBoundingClientRect();
		return [r.left + %g * r.width, r.top + %g * r.height, innerWidth, innerHeight]; })()`, quote(p.Selector), p.X, p.Y))
	require.True(tab.t, found[0] >= 0 && found[1] >= 0 && found[0] <= found[2] && found[1] <= found[3], "%s is out of sight: %v", p.Selector, found)
	return found[0], found[1]
}

func (tab *Tab) mouse(kind input.DispatchMouseEventType, x, y float64) {
	tab.t.Helper()
	tab.within(func(ctx context.Context) error {
		held := chromedp.MouseOption(func(p *input.DispatchMouseEventParams) {
			p.Button = input.MouseButtonLeft
			if kind != chromedp.MouseReleased {
				p.Buttons = 1
			}
			p.ClickCount = 1
		})
		return chromedp.Do(ctx, chromedp.MouseEvent(kind, x, y, held))
	}, "mouse: %s at %g, %g", kind, x, y)
}
