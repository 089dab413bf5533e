package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Example: "  goflow version\n  goflow version -o json",
		Short:   "Print the version",
		Args:    arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			version := "unknown"
			goVersion := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version, goVersion = info.Main.Version, info.GoVersion
			}
			return c.write(version, map[string]string{"version": version, "go": goVersion})
		},
	}
}
