// Mutants plants known bugs, one at a time, and checks that the test which is
// there to find each of them does.
//
// A bug is a patch in this folder, with a header that says what it is and what
// finds it, in the words of go test:
//
//	# bug: the message is deleted before its result is stored
//	# test: ./goflow -run ^TestProcess$/^StoresBeforeItDeletes$
//	diff --git a/goflow/settle.go b/goflow/settle.go
//	…
//
// A patch that no longer applies, doesn't build, or whose test fails without
// it, is as wrong as one that survives. The work is done in a copy of the tree
// as it is, changes that aren't committed included:
//
//	go run ./internal/mutants [name… | prefix-…]
//
// Without a name it leaves out the bugs that the simulation is to find, whose names
// begin with sim-: as `sim-` they are tried by themselves.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	root, err := exec.CommandContext(ctx, "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return fmt.Errorf("git rev-parse: %w", err)
	}
	from := strings.TrimSpace(string(root))

	mutants, err := readMutants(filepath.Join(from, "internal", "mutants"))
	if err != nil {
		return err
	}
	mutants = choose(mutants, names)
	if len(mutants) == 0 {
		return errors.New("no patches to try")
	}

	return hunt(ctx, from, mutants, os.Stdout)
}

// ofSimulation begins the names of bugs that the simulation is to find.
const ofSimulation = "sim-"

// choose keeps the mutants of these names; one that ends with a dash is the
// beginning of names.
func choose(mutants []mutant, names []string) []mutant {
	return slices.DeleteFunc(mutants, func(m mutant) bool {
		if len(names) == 0 {
			return strings.HasPrefix(m.name, ofSimulation)
		}
		return !slices.ContainsFunc(names, func(name string) bool {
			return m.name == name || strings.HasSuffix(name, "-") && strings.HasPrefix(m.name, name)
		})
	})
}
