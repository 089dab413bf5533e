package archtest_test

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What ARCHITECTURE.md names in backticks is checked when it looks like one of
// these. Anything else is prose.
var (
	code      = regexp.MustCompile("`([^`\n]+)`")
	testName  = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*(/.+)?$`)
	fileName  = regexp.MustCompile(`^[\w./-]+\.go$`)
	pathName  = regexp.MustCompile(`^\.?[\w-]+(/[\w.-]+)*/?$`)
	qualified = regexp.MustCompile(`^\*?([a-z]\w*)\.([A-Z]\w*)`)
)

// sources is what the Go files of the repository declare.
type sources struct {
	files    map[string]bool            // by path and by base name
	tests    map[string][]string        // folders that declare a test function
	literals map[string]map[string]bool // string literals by folder, as names of subtests
	names    map[string]map[string]bool // exported names by package name
	std      map[string]bool            // packages of the standard library
}

func TestArchitectureNamesOnlyWhatExists(t *testing.T) {
	t.Parallel()

	s := readSources(t)
	for _, path := range []string{"ARCHITECTURE.md", "docs/reliability.md"} {
		document, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		names := code.FindAllStringSubmatch(string(document), -1)
		require.NotEmpty(t, names)
		for _, name := range names {
			require.True(t, s.has(name[1]), "%s names `%s`, which doesn't exist", path, name[1])
		}
	}
}

// TestEveryBugIsFoundAgain: each row of the table of bugs ends with what finds it, a
// test or a planted bug.
func TestEveryBugIsFoundAgain(t *testing.T) {
	t.Parallel()

	document, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(document), "\n## Every bug that was found\n")
	require.True(t, ok)
	s := readSources(t)
	rows := regexp.MustCompile(`(?m)^\| .* \| .* \| (.*) \|$`).FindAllStringSubmatch(table, -1)
	require.Greater(t, len(rows), 20)
	for _, row := range rows[1:] { // below the heading
		finders := code.FindAllStringSubmatch(row[1], -1)
		require.NotEmpty(t, finders, row[0])
		for _, finder := range finders {
			planted := filepath.Join(root, "internal", "mutants", finder[1]+".patch")
			if testName.MatchString(finder[1]) {
				require.True(t, s.hasTest(finder[1]), "there is no %s", finder[1])
				continue
			}
			require.FileExists(t, planted)
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	t.Parallel()

	s := readSources(t)
	for _, name := range []string{
		"TestNamesAreChecked", "TestCoreImportsStandardLibraryOnly/goflow", "internal/archtest", "internal/archtest/",
		"document_test.go", "internal/archtest/document_test.go", "port.Broker", "*task.Result", "port.Store.Save(ctx)",
		"log/slog", "plain words", "Process", "s", "a = b",
	} {
		require.True(t, s.has(name), name)
	}
	for _, name := range []string{
		"TestNoSuchThing", "TestNamesAreChecked/never", "internal/nowhere", "nowhere/", "nowhere.go",
		"internal/nowhere/document_test.go", "port.Nothing", "log/nothing",
	} {
		require.False(t, s.has(name), name)
	}
}

// has tells whether what name looks like exists.
func (s *sources) has(name string) bool {
	switch {
	case testName.MatchString(name):
		return s.hasTest(name)
	case fileName.MatchString(name):
		return s.files[name]
	case strings.Contains(name, "/") && pathName.MatchString(name):
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil || s.std[name]
	}
	if m := qualified.FindStringSubmatch(name); m != nil && s.names[m[1]] != nil {
		return s.names[m[1]][m[2]]
	}

	return true
}

// hasTest looks for the parts of a subtest's name among the string literals
// beside the test, or in the conformance suites, which tests of adapters run.
func (s *sources) hasTest(name string) bool {
	parts := strings.Split(name, "/")
	for _, folder := range s.tests[parts[0]] {
		found := true
		for _, part := range parts[1:] {
			found = found && (s.literals[folder][part] || s.literals["goflow/goflowtest"][part])
		}
		if found {
			return true
		}
	}

	return false
}

func readSources(t *testing.T) *sources {
	t.Helper()

	s := &sources{
		files: map[string]bool{}, tests: map[string][]string{}, std: map[string]bool{},
		literals: map[string]map[string]bool{}, names: map[string]map[string]bool{},
	}
	for _, pkg := range goList(t, "std") {
		s.std[pkg] = true
	}
	eachGoFile(t, func(file string) {
		s.files[file], s.files[path.Base(file)] = true, true
		s.read(file, parse(t, file))
	})

	return s
}

func (s *sources) read(file string, parsed *ast.File) {
	folder := path.Dir(file)
	if s.literals[folder] == nil {
		s.literals[folder] = map[string]bool{}
	}
	if s.names[parsed.Name.Name] == nil {
		s.names[parsed.Name.Name] = map[string]bool{}
	}
	for _, declaration := range parsed.Decls {
		s.declare(folder, parsed.Name.Name, declaration)
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if value, err := strconv.Unquote(literal.Value); err == nil {
				s.literals[folder][strings.ReplaceAll(value, " ", "_")] = true
			}
		}
		return true
	})
}

func (s *sources) declare(folder, pkg string, declaration ast.Decl) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			return
		}
		s.names[pkg][d.Name.Name] = true
		if strings.HasPrefix(d.Name.Name, "Test") || strings.HasPrefix(d.Name.Name, "Fuzz") {
			s.tests[d.Name.Name] = append(s.tests[d.Name.Name], folder)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.names[pkg][spec.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					s.names[pkg][name.Name] = true
				}
			}
		}
	}
}
