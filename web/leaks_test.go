package web_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/belayhq/belay/internal/chromium"
)

// tests ends the browser that they share before anybody looks for what is left behind.
type tests struct{ *testing.M }

func (m tests) Run() int {
	defer chromium.Close()
	return m.M.Run()
}

// What a test has started ends with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }
