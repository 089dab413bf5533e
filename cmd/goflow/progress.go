package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/jamesTait-jt/goflow/adapters/sqs"
)

// barWidth is that of the progress bar, in characters.
const barWidth = 30

// progress shows how far a move is: a bar on a terminal, elsewhere a line for
// each tenth.
type progress struct {
	w        io.Writer
	terminal bool
	tenth    int64 // that was shown last; -1: none
}

func newProgress(w io.Writer) *progress {
	file, isFile := w.(*os.File)
	return &progress{w: w, terminal: isFile && isatty.IsTerminal(file.Fd()), tenth: -1}
}

func (p *progress) show(s sqs.MoveStatus) {
	if s.Found && p.tenth < 0 {
		p.print("%s: a redrive is under way already: watching it\n", name)
	}
	total := max(s.Total, 1)
	tenth := 10 * s.Moved / total
	if p.terminal {
		full := int(barWidth * s.Moved / total)
		p.print("\r[%s%s] %d of about %d ", strings.Repeat("#", full), strings.Repeat("-", barWidth-full), s.Moved, s.Total)
	} else if tenth != p.tenth {
		p.print("%s: %d of about %d redriven\n", name, s.Moved, s.Total)
	}
	p.tenth = tenth
}

// end leaves the bar's line.
func (p *progress) end() {
	if p.terminal && p.tenth >= 0 {
		p.print("\n")
	}
}

func (p *progress) print(format string, args ...any) {
	_, _ = fmt.Fprintf(p.w, format, args...) // nowhere else to report it
}
