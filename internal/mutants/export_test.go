package main

import (
	"context"
	"io"
)

// Hunt reads the patches of folder and tries them on the tree at from.
func Hunt(ctx context.Context, from, folder string, out io.Writer) error {
	mutants, err := readMutants(folder)
	if err != nil {
		return err
	}

	return hunt(ctx, from, mutants, out)
}

// Choose are the names that remain of all.
func Choose(all []string, names ...string) (chosen []string) {
	mutants := make([]mutant, len(all))
	for i, name := range all {
		mutants[i].name = name
	}
	for _, m := range choose(mutants, names) {
		chosen = append(chosen, m.name)
	}

	return chosen
}
