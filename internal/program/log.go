package program

import (
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/jamesTait-jt/goflow/internal/config"
)

// NewLogger logs to standard error: readable lines on a terminal, coloured
// unless NO_COLOR is set (https://no-color.org), and JSON elsewhere.
func NewLogger(s config.Settings, around Surroundings) *slog.Logger {
	w := around.Stderr
	file, isFile := w.(*os.File)
	terminal := isFile && isatty.IsTerminal(file.Fd())
	if s.LogFormat == "text" || s.LogFormat == "auto" && terminal {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: s.Level(), NoColor: !terminal || around.Getenv("NO_COLOR") != ""}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: s.Level()}))
}
