package pipeline

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// pionLogs sends pion's log to ours. All of it is Debug: pion warns of things
// that are ordinary on the open network, and its lines may hold addresses.
type pionLogs struct{ log *slog.Logger }

func (p pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{p.log, scope}
}

type pionLog struct {
	log   *slog.Logger
	scope string
}

func (l pionLog) put(level, msg string) {
	l.log.Debug(msg, "pion", l.scope, "level", level)
}

func (l pionLog) putf(level, format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.put(level, fmt.Sprintf(format, args...))
	}
}

// pion traces on the packet path, which is too much even for Debug.
func (l pionLog) Trace(string)          {}
func (l pionLog) Tracef(string, ...any) {}

func (l pionLog) Debug(msg string)               { l.put("debug", msg) }
func (l pionLog) Debugf(format string, a ...any) { l.putf("debug", format, a...) }
func (l pionLog) Info(msg string)                { l.put("info", msg) }
func (l pionLog) Infof(format string, a ...any)  { l.putf("info", format, a...) }
func (l pionLog) Warn(msg string)                { l.put("warn", msg) }
func (l pionLog) Warnf(format string, a ...any)  { l.putf("warn", format, a...) }
func (l pionLog) Error(msg string)               { l.put("error", msg) }
func (l pionLog) Errorf(format string, a ...any) { l.putf("error", format, a...) }
