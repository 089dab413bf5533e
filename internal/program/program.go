// Package program is what the programs share: their surroundings as
// values, so that tests run them in-process, and their exit codes.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/config"
)

// Surroundings are what a program is started with.
type Surroundings struct {
	Args           []string // without the program's name
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

func fromOS() Surroundings {
	return Surroundings{Args: os.Args[1:], Getenv: os.Getenv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
}

// Run runs a program in this process and ends it with its exit code. The first
// SIGTERM or SIGINT ends the program's context, the second the process.
func Run(main func(context.Context, Surroundings) int) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(Stopped)
	}()
	os.Exit(main(ctx, fromOS()))
}

// Exit codes, the same for every program.
const (
	OK       = 0
	Failed   = 1 // the task failed, or any other error
	Usage    = 2 // usage, configuration or input
	NoRecord = 3
	TimedOut = 4
	Refused  = 5   // AWS refused, or cannot be reached
	Stopped  = 130 // by a signal
)

// ErrTimedOut says that what was to be done took longer than the user lets it.
var ErrTimedOut = errors.New("not within --timeout")

// StartTime bounds what a program asks of AWS before it does its work, so that
// an unreachable endpoint ends it instead of hanging it.
const StartTime = 15 * time.Second

// ExitError is an exit code whose reason has been written already.
type ExitError int

// Error names the code.
func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Finish writes err as one line and returns the exit code.
func (s Surroundings) Finish(name string, err error) int {
	if code, ok := errors.AsType[ExitError](err); ok {
		return int(code)
	}
	if err != nil {
		s.Say(name, err)
	}
	return Code(err)
}

// Say writes an error as one line to standard error.
func (s Surroundings) Say(name string, err error) {
	_, _ = fmt.Fprintf(s.Stderr, "%s: %s\n", name, Line(err)) // nowhere else to report it
}

// Line is an error as one line, without the name that the library puts before it.
func Line(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "goflow: ")
}

// Code returns the exit code of an error.
func Code(err error) int {
	_, isConfig := errors.AsType[*config.Error](err)
	switch {
	case err == nil:
		return OK
	case isConfig, errors.Is(err, goflow.ErrInvalid), errors.Is(err, goflow.ErrTooLarge):
		return Usage
	case errors.Is(err, context.Canceled):
		return Stopped
	case errors.Is(err, ErrTimedOut), errors.Is(err, goflow.ErrNotFinished) && errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case errors.Is(err, goflow.ErrNotFound), errors.Is(err, goflow.ErrNotFinished):
		return NoRecord
	case errors.Is(err, goflow.ErrRefused), errors.Is(err, goflow.ErrUnavailable), errors.Is(err, goflow.ErrAmbiguous),
		errors.Is(err, context.DeadlineExceeded):
		return Refused
	}
	return Failed
}
