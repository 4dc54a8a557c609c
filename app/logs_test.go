package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatOthersPutIntoALogIsLeftOut(t *testing.T) {
	for text, want := range map[string]string{
		"/v1/tokens/blt_ABCDEF234567":                                    "/v1/tokens/blt_…",
		"/a/ZXNjYWxhdGlvbi9FLTEKYmVu.BHBuIhorA41pV7y3":                   "/a/…",
		"Invalid 'To' Phone Number: +34600111222":                        "Invalid 'To' Phone Number: +…",
		"/callbacks?From=%2B34600111222":                                 "/callbacks?From=+…",
		"550 5.1.1 <ana.p+night@people.example>: unknown":                "550 5.1.1 <…@people.example>: unknown",
		`Post "https://chat.example/hooks/T0KEN?x=1": EOF`:               `Post "https://chat.example/…": EOF`,
		"postgres://belay:hunter2@db.example:5432/belay?sslmode=disable": "postgres://db.example:5432/…",
		"smtp://ana:hunter2@mail.example":                                "smtp://mail.example",
		// What is none of it stays, for whoever must find out at night.
		"/v1/escalations/E-42/acknowledge": "/v1/escalations/E-42/acknowledge",
		"13885@worker-1.example.com@":      "13885@worker-1.example.com@",
		"2026-03-02T12:00:00+0100":         "2026-03-02T12:00:00+0100",
		"E-42/t1/ana/mobile/3":             "E-42/t1/ana/mobile/3",
		"dial tcp 127.0.0.1:7233: refused": "dial tcp 127.0.0.1:7233: refused",
		"https://belay.example.com":        "https://belay.example.com",
		"token:admin":                      "token:admin",
	} {
		require.Equal(t, want, withheld(text))
	}
}

func TestLinesAreDiscreetInEitherForm(t *testing.T) {
	for _, format := range []LogFormat{LogText, LogJSON} {
		var out bytes.Buffer
		log := Options{LogFormat: format, LogLevel: slog.LevelDebug}.Logger(&out)
		log.With("at", "+34600111222").WithGroup("g").Error("call +34600111222", "error", fmt.Errorf("send: %w", errors.New("+34600111222")),
			"any", struct{ To string }{"+34600111222"}, "roles", []Role{API, Worker}, "n", 7)
		require.NotContains(t, out.String(), "34600111222")
		require.Contains(t, out.String(), "worker")
		require.Contains(t, out.String(), "send: +…")
	}
}

func BenchmarkARequestsLine(b *testing.B) {
	log := Options{}.Logger(&bytes.Buffer{})
	for b.Loop() {
		log.Info("request", "request", "GFYZMGJCEIOGVJCLIBXNB4EQB4", "method", "POST", "path", "/v2/enqueue", "status", 202, "caller", "")
	}
}
