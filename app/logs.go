package app

import (
	"io"
	"log/slog"
)

// Logger writes lines as the options say.
func (o Options) Logger(w io.Writer) *slog.Logger {
	how := &slog.HandlerOptions{Level: o.LogLevel}
	switch o.LogFormat {
	case LogJSON:
		return slog.New(slog.NewJSONHandler(w, how))
	case LogText:
	}
	return slog.New(slog.NewTextHandler(w, how))
}
