package app

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

// Logger writes lines as the options say. Our own lines hold no secrets and nothing about how to reach people; what
// others put into a path or an error is left out here.
func (o Options) Logger(w io.Writer) *slog.Logger {
	how := &slog.HandlerOptions{Level: o.LogLevel, ReplaceAttr: discreet}
	switch o.LogFormat {
	case LogJSON:
		return slog.New(slog.NewJSONHandler(w, how))
	case LogText:
	}
	return slog.New(slog.NewTextHandler(w, how))
}

// discreet leaves values as they are unless there is something in them that does not belong into a log.
func discreet(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, withheld(a.Value.String()))
	case slog.KindAny:
		text := fmt.Sprint(a.Value.Any())
		if short := withheld(text); short != text {
			return slog.String(a.Key, short)
		}
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64, slog.KindGroup, slog.KindLogValuer:
	}
	return a
}

// What is left out, in this order: addresses end after the host, for passwords stand before it and tokens behind.
var confidential = []struct {
	find    *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`([a-z][a-z0-9+.-]*://)(?:[^\s/"'@]*@)?([^\s/"'?]+)[/?][^\s"']*`), "$1$2/…"},
	{regexp.MustCompile(`([a-z][a-z0-9+.-]*://)[^\s/"'@]*@`), "$1"},
	{regexp.MustCompile(`/a/[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]*)?`), "/a/…"},
	{regexp.MustCompile(`blt_[A-Za-z0-9]+`), "blt_…"},
	{regexp.MustCompile(`(?:\+|%2[Bb])[0-9]{7,15}`), "+…"},
	{regexp.MustCompile(`[^\s@"'<>=:]*[A-Za-z][^\s@"'<>=:]*@([A-Za-z0-9-]+\.[A-Za-z0-9.-]*[A-Za-z])`), "…@$1"},
}

func withheld(text string) string {
	if !strings.ContainsAny(text, "@+%") && !slices.ContainsFunc([]string{"://", "/a/", "blt_"}, func(s string) bool { return strings.Contains(text, s) }) {
		return text // most lines
	}
	for _, c := range confidential {
		text = c.find.ReplaceAllString(text, c.instead)
	}
	return text
}
