package report

import (
	"fmt"
	"os"
	"strings"
)

// Part is what lies between two marks of a document:
//
//	<!-- bench: NAME -->
//	<!-- bench: end -->
type Part struct{ Name, Text string }

const endMark = "<!-- bench: end -->"

// Replace puts parts into a document. It is an error if one has no place there.
func Replace(document string, parts []Part) (string, error) {
	for _, p := range parts {
		mark := "<!-- bench: " + p.Name + " -->\n"
		before, rest, ok := strings.Cut(document, mark)
		if !ok {
			return "", fmt.Errorf("report: the document has no %q", strings.TrimSpace(mark))
		}
		_, after, ok := strings.Cut(rest, endMark)
		if !ok {
			return "", fmt.Errorf("report: no %q after %q", endMark, strings.TrimSpace(mark))
		}
		document = before + mark + strings.TrimSpace(p.Text) + "\n" + endMark + after
	}
	return document, nil
}

// Write replaces the parts of the document in a file.
func Write(path string, parts []Part) error {
	document, err := os.ReadFile(path) //nolint:gosec // the caller's own document
	if err != nil {
		return err
	}
	replaced, err := Replace(string(document), parts)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(replaced), 0o644) //nolint:gosec // a page of the repository
}
