package main

import (
	"context"
	"io"
)

// Hunt reads the patches of folder and tries them on tree.
func Hunt(ctx context.Context, tree, folder string, out io.Writer) error {
	mutants, err := readMutants(folder)
	if err != nil {
		return err
	}

	return hunt(ctx, tree, mutants, out)
}
