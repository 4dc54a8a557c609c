// Package chromium lets tests see pages as people do: a real Chromium, with a size, a theme, with script or without. It
// knows nothing of the pages.
package chromium

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience for what takes a moment on an idle machine. Nothing here asks how fast it was.
const patience = 90 * time.Second

// Browser is one Chromium. Every person in a test has a tab with cookies of its own.
type Browser struct {
	ctx context.Context
}

var held struct {
	sync.Mutex
	browser *Browser
	close   func()
}

// Open gives the Chromium that the tests of a package share; Close ends it. Without one the test is skipped, unless
// BELAY_BROWSER=required: then it fails.
func Open(t testing.TB) *Browser {
	t.Helper()
	held.Lock()
	defer held.Unlock()
	if held.browser != nil {
		return held.browser
	}
	path, err := program()
	if err != nil {
		if os.Getenv("BELAY_BROWSER") == "required" {
			t.Fatalf("BELAY_BROWSER=required, and there is no Chromium: %v", err)
		}
		t.Skipf("SKIPPED, NOT PASSED: pages are not looked at: %v (apt-get install chromium)", err)
	}
	dir, err := os.MkdirTemp("", "belay-browser-")
	require.NoError(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(dir), chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"),
		chromedp.Env("TZ=Europe/Madrid", "LANGUAGE=en_US"),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		leave()
		end()
		t.Fatalf("start %s: %v", path, err)
	}
	held.browser = &Browser{ctx: ctx}
	held.close = func() {
		_ = chromedp.Cancel(ctx)
		leave()
		end()
		_ = os.RemoveAll(dir)
	}
	return held.browser
}

// Close ends the shared Chromium: for TestMain.
func Close() {
	held.Lock()
	defer held.Unlock()
	if held.close != nil {
		held.close()
	}
	held.browser, held.close = nil, nil
}

func program() (string, error) {
	for _, name := range []string{os.Getenv("BELAY_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("none of chromium, chromium-browser, google-chrome is in PATH")
}

// View is how somebody looks at pages.
type View struct {
	Width, Height int
	Dark          bool
	NoScript      bool
}

var (
	Phone = View{Width: 360, Height: 780}
	Desk  = View{Width: 1280, Height: 900}
	Wall  = View{Width: 2560, Height: 1440}
)

// Tab is one person at their screen.
type Tab struct {
	t   testing.TB
	ctx context.Context
}

// Tab opens one, with cookies of its own.
func (b *Browser) Tab(t testing.TB, v View) *Tab {
	t.Helper()
	ctx, leave := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(leave)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")), "open a tab") // whoever begins with a deadline ends with it
	tab := &Tab{t: t, ctx: ctx}
	tab.View(v)
	return tab
}

// View changes how the person looks.
func (tab *Tab) View(v View) {
	tab.t.Helper()
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	tab.within(func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		if err != nil {
			return err
		}
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.NoScript}); err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: int64(v.Width), Height: int64(v.Height), DeviceScaleFactor: 1, Mobile: v.Width < 600,
		})
		return err
	}, "look with %+v", v)
}

func (tab *Tab) within(do func(ctx context.Context) error, what string, args ...any) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	require.NoError(tab.t, do(ctx), what, args)
}

// Go to an address, and wait until it is loaded.
func (tab *Tab) Go(url string) {
	tab.t.Helper()
	tab.within(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(url)) }, "go to %s", url)
}

// Ask evaluates an expression of JavaScript and decodes its value.
func Ask[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	var found T
	tab.within(func(ctx context.Context) (err error) {
		found, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	}, "evaluate %s", brief(expression))
	return found
}

// Await an expression of JavaScript to become true.
func (tab *Tab) Await(expression string) {
	tab.t.Helper()
	wrapped := "(() => { try { return !!(" + expression + "); } catch { return false; } })()"
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(tab.ctx, patience)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](wrapped))
		cancel()
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			require.Failf(tab.t, "waited in vain", "for %s (%v); the page at %s says:\n%s", expression, err, tab.Address(), tab.Text("body"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Shows waits until the page shows words, as a reader sees them.
func (tab *Tab) Shows(words string) {
	tab.t.Helper()
	tab.Await("document.body.innerText.includes(" + quote(words) + ")")
}

// Text of what a selector finds first; empty when there is none.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	return Ask[string](tab, "document.querySelector("+quote(selector)+")?.innerText || ''")
}

// Address of the page.
func (tab *Tab) Address() string { tab.t.Helper(); return Ask[string](tab, "location.href") }

// Press moves to what a selector finds and presses it with the mouse, wherever on the page it is.
func (tab *Tab) Press(selector string) {
	tab.t.Helper()
	tab.Await("document.querySelector(" + quote(selector) + ")")
	tab.within(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Click(selector)) }, "press %s", selector)
}

// Type into what has the focus: letters, or "\t" and "\r".
func (tab *Tab) Type(keys string) {
	tab.t.Helper()
	tab.within(func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.KeyEvent(keys)) }, "type %q", keys)
}

// Picture is a PNG of what the person sees.
func (tab *Tab) Picture() []byte {
	tab.t.Helper()
	var png []byte
	tab.within(func(ctx context.Context) (err error) {
		png, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
		return err
	}, "take a picture")
	return png
}

func quote(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

func brief(text string) string {
	if len(text) > 200 {
		return text[:200] + "…"
	}
	return strings.TrimSpace(text)
}
