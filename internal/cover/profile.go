package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// module is what the names in a profile begin with.
const module = "github.com/jamesTait-jt/goflow/"

// file is a source file, by its path in the module.
type file struct {
	name   string
	blocks []block // in their order
}

// block is some statements that run together.
type block struct {
	line, column int
	statements   int
	ran          bool
}

// missed are the blocks that did not run; one without statements has nothing to run.
func (f *file) missed() (blocks []block) {
	for _, b := range f.blocks {
		if !b.ran && b.statements > 0 {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// read reads a profile. With -coverpkg every package's tests write each block, so
// that one ran which ran in any of them.
func read(profile io.Reader) ([]file, error) {
	files := map[string]map[[2]int]block{}
	lines := bufio.NewScanner(profile)
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "mode: ") {
			continue
		}
		name, b, err := parse(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", n, lines.Text(), err)
		}
		if files[name] == nil {
			files[name] = map[[2]int]block{}
		}
		at := [2]int{b.line, b.column}
		b.ran = b.ran || files[name][at].ran
		files[name][at] = b
	}
	return sorted(files), lines.Err()
}

// parse reads one line: file:line.column,line.column statements runs.
func parse(text string) (name string, b block, err error) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return "", b, fmt.Errorf("give file:line.column,line.column statements runs")
	}
	var endLine, endColumn, runs int
	_, err = fmt.Sscanf(text[at+1:], "%d.%d,%d.%d %d %d", &b.line, &b.column, &endLine, &endColumn, &b.statements, &runs)
	b.ran = runs > 0
	return strings.TrimPrefix(text[:at], module), b, err
}

func sorted(files map[string]map[[2]int]block) []file {
	all := make([]file, 0, len(files))
	for name, blocks := range files {
		f := file{name: name}
		for _, b := range blocks {
			f.blocks = append(f.blocks, b)
		}
		slices.SortFunc(f.blocks, func(a, b block) int {
			return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
		})
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return all
}
