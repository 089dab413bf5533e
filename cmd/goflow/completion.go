package main

import (
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/jamesTait-jt/goflow/internal/config"
)

func newCompletion() *cobra.Command {
	scripts := map[string]func(root *cobra.Command, w io.Writer) error{
		"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"zsh":        (*cobra.Command).GenZshCompletion,
		"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
		"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	}
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell",
		Example: `  source <(goflow completion bash)
  goflow completion zsh > "${fpath[1]}/_goflow"
  goflow completion fish > ~/.config/fish/completions/goflow.fish
  goflow completion powershell | Out-String | Invoke-Expression`,
		Short:             "Print the script that lets a shell complete commands and flags",
		Args:              arguments(1, 1),
		ValidArgs:         slices.Sorted(maps.Keys(scripts)),
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }, // a shell starts whatever the settings are
		RunE: func(cmd *cobra.Command, args []string) error {
			script, known := scripts[args[0]]
			if !known {
				return config.Errorf("shell %.60q: give bash, zsh, fish or powershell", args[0])
			}
			return script(cmd.Root(), cmd.OutOrStdout())
		},
	}
}
