// Cover reads a profile of `go test -coverprofile`, prints the share of each file's
// statements that ran and every block that did not, and fails where one of the
// files that are held to all is below 100 %:
//
//	go run ./internal/cover <.cache/cover.out
//
// .ci/cover makes the profile and calls it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// held are the files that every statement of has to run: one delivery's way, and
// all that speaks to AWS. A pattern that no file of the profile fits is an error,
// so that none gets away by a new name.
func held() []string {
	return []string{
		"goflow/process.go",
		"goflow/run.go", "goflow/settle.go", "goflow/deadletter.go", "goflow/retry.go", "goflow/keeper.go", "goflow/order.go",
		"goflow/delay.go", "goflow/cancel.go", "goflow/batch.go", "goflow/batchrun.go", "goflow/lanes.go", "goflow/group.go",
		"goflow/groupstore.go", "goflow/suspect.go",
		"adapters/sqs/*.go", "adapters/dynamo/*.go", "adapters/cost/*.go", "adapters/internal/awserr/*.go", "adapters/internal/body/*.go",
	}
}

func main() {
	files, err := read(os.Stdin)
	if err == nil {
		err = report(os.Stdout, files, held())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cover:", err)
		os.Exit(1)
	}
}

// report prints the files and returns what is wrong with those that are held.
func report(out io.Writer, files []file, held []string) error {
	var errs []error
	for _, pattern := range held {
		if !slices.ContainsFunc(files, func(f file) bool { return fits(pattern, f.name) }) {
			errs = append(errs, fmt.Errorf("%s: the profile has no such file", pattern))
		}
	}
	for _, f := range files {
		must := slices.ContainsFunc(held, func(pattern string) bool { return fits(pattern, f.name) })
		missed := f.missed()
		lines := []string{f.line(must)}
		for _, b := range missed {
			lines = append(lines, fmt.Sprintf("  %s:%d", f.name, b.line))
		}
		if _, err := fmt.Fprintln(out, strings.Join(lines, "\n")); err != nil {
			return err
		}
		if must && len(missed) > 0 {
			errs = append(errs, fmt.Errorf("%s is below 100 %%", f.name))
		}
	}
	return errors.Join(errs...)
}

func fits(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// line is what is printed of a file; never 100 % of one that has a block left.
func (f *file) line(must bool) string {
	ran, all := 0, 0
	for _, b := range f.blocks {
		all += b.statements
		if b.ran {
			ran += b.statements
		}
	}
	note := ""
	if must {
		note = " held"
	}
	percent := 100.0
	if all > 0 {
		percent = float64(ran*1000/all) / 10
	}
	return strings.TrimRight(fmt.Sprintf("%-36s %5.1f %%%s", f.name, percent, note), " ")
}
