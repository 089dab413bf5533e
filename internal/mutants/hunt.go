package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/jamesTait-jt/goflow/internal/tree"
)

// hunt tries each mutant in a copy of the tree at from and writes a line about it.
func hunt(ctx context.Context, from string, mutants []mutant, out io.Writer) error {
	dir, err := os.MkdirTemp("", "goflow-mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	if err := tree.Copy(ctx, from, dir); err != nil {
		return err
	}

	h := hunter{dir: dir, tests: together(mutants), sound: map[string]error{}}
	missed := 0
	for _, m := range mutants {
		start := time.Now()
		verdict := "found   "
		err := h.try(ctx, m)
		if err != nil {
			verdict = "MISSED  "
			missed++
		}
		_, _ = fmt.Fprintf(out, "%s  %s  by %s (%.1f s)\n", verdict, m.name, by(m), time.Since(start).Seconds())
		if err != nil {
			_, _ = fmt.Fprintf(out, "          %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n          "))
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d of %d not found", missed, len(mutants))
	}

	return nil
}

// by names the test as a reader would.
func by(m mutant) string {
	return strings.NewReplacer("-run ", "", "^", "", "$", "").Replace(strings.Join(m.test, " "))
}

// company is a mutant's test without its name: tests that are alike in the rest run at
// once where there is no bug.
func company(m mutant) string {
	if i := slices.Index(m.test, "-run"); i >= 0 {
		return strings.Join(slices.Delete(slices.Clone(m.test), i+1, i+2), " ")
	}
	return strings.Join(m.test, " ")
}

// together joins the names of the tests of each company.
func together(mutants []mutant) map[string][]string {
	tests := map[string][]string{}
	for _, m := range mutants {
		key, i := company(m), slices.Index(m.test, "-run")
		switch all := tests[key]; {
		case all == nil:
			tests[key] = slices.Clone(m.test)
		case i >= 0:
			all[i+1] += "|" + m.test[i+1]
		}
	}
	return tests
}

// hunter works in a copy of the tree.
type hunter struct {
	dir   string
	tests map[string][]string // by their company: what is run at once
	sound map[string]error    // what those say without any bug
}

// try returns nil if the mutant's test passes without it and fails with it.
func (h *hunter) try(ctx context.Context, m mutant) error {
	key := company(m)
	if _, known := h.sound[key]; !known {
		h.sound[key] = h.checkSound(ctx, h.tests[key])
	}
	if err := h.sound[key]; err != nil {
		return err
	}

	if err := h.apply(ctx, m); err != nil {
		return fmt.Errorf("the patch doesn't apply: %w", err)
	}
	output, failed, err := h.test(ctx, m.test)
	if err := h.apply(ctx, m, "--reverse"); err != nil {
		return fmt.Errorf("the patch can't be taken back: %w", err)
	}

	switch {
	case err != nil:
		return err
	case !failed && !bytes.Contains(output, []byte("--- PASS: ")):
		return fmt.Errorf("no test ran:\n%s", output)
	case !failed:
		return errors.New("the bug survives: its test passes")
	case !ran(output):
		return fmt.Errorf("the patched tree doesn't build:\n%s", output)
	}

	return nil
}

func (h *hunter) checkSound(ctx context.Context, test []string) error {
	output, failed, err := h.test(ctx, test)
	switch {
	case err != nil:
		return err
	case failed:
		return fmt.Errorf("the test fails without any bug, or one that runs with it does:\n%s", output)
	}

	return nil
}

// ran tells a test that failed from one that never started.
func ran(output []byte) bool { return bytes.Contains(output, []byte("=== RUN ")) }

// test runs go test. Trimmed paths let the next copy use this one's builds.
func (h *hunter) test(ctx context.Context, args []string) (output []byte, failed bool, err error) {
	args = append([]string{"test", "-trimpath", "-vet=off", "-count=1", "-timeout=2m", "-v"}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = h.dir
	output, err = cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return output, true, nil
	}

	return output, false, err
}

// apply tolerates lines that have moved, but none that have changed.
func (h *hunter) apply(ctx context.Context, m mutant, flags ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"apply"}, flags...)...)
	cmd.Dir = h.dir
	cmd.Stdin = bytes.NewReader(m.patch)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}

	return nil
}
