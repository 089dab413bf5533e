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
