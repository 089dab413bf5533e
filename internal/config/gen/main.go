// Command gen writes docs/configuration.md; go generate runs it in
// internal/config.
package main

import (
	"fmt"
	"os"

	"github.com/jamesTait-jt/goflow/internal/config"
)

func main() {
	if err := os.WriteFile("../../docs/configuration.md", []byte(config.Markdown()), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
