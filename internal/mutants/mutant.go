package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is a planted bug.
type mutant struct {
	name  string   // of its file, without .patch
	patch []byte   // the file
	test  []string // what finds it: arguments of go test
}

// readMutants reads the patches of a folder, by name.
func readMutants(folder string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.patch"))
	if err != nil {
		return nil, err
	}

	mutants := make([]mutant, 0, len(files))
	for _, file := range files {
		m, err := readMutant(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		mutants = append(mutants, m)
	}

	return mutants, nil
}

func readMutant(file string) (mutant, error) {
	patch, err := os.ReadFile(file)
	if err != nil {
		return mutant{}, err
	}

	m := mutant{name: strings.TrimSuffix(filepath.Base(file), ".patch"), patch: patch}
	bug := header(patch, "bug")
	m.test = strings.Fields(header(patch, "test"))
	if bug == "" || len(m.test) == 0 {
		return mutant{}, errors.New("the header wants a line `# bug: …` and a line `# test: ./package -run ^TestName$`")
	}

	return m, nil
}

// header returns what a line `# key: value` says, before the diff begins.
func header(patch []byte, key string) string {
	head, _, _ := bytes.Cut(patch, []byte("\n--- "))
	for line := range strings.Lines(string(head)) {
		if value, ok := strings.CutPrefix(line, "# "+key+":"); ok {
			return strings.TrimSpace(value)
		}
	}

	return ""
}
