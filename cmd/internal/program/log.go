package program

import (
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"

	"github.com/jamesTait-jt/goflow/internal/config"
)

// NewLogger logs readable lines to a terminal and JSON to everything else.
func NewLogger(s config.Settings, w io.Writer) *slog.Logger {
	file, isFile := w.(*os.File)
	terminal := isFile && isatty.IsTerminal(file.Fd())
	if s.LogFormat == "text" || s.LogFormat == "auto" && terminal {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: s.Level(), NoColor: !terminal}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: s.Level()}))
}
