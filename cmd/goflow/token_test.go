package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadToken(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no such bits there")
	}
	for name, test := range map[string]struct {
		mode fs.FileMode
		text string
		want string // empty: it is refused, with the reason
		err  string
	}{
		"its owner's":             {0o600, "token\n", "token", ""},
		"its owner's and group's": {0o440, " token", "token", ""},
		"everybody's":             {0o644, "token", "", "mode 0644 lets everybody on this machine read the token"},
		"all the others'":         {0o604, "token", "", "mode 0604 lets everybody"},
		"nothing":                 {0o600, "\n", "", "there is no token in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "token")
			require.NoError(t, os.WriteFile(path, []byte(test.text), 0o600))
			require.NoError(t, os.Chmod(path, test.mode))
			got, err := readToken(path)
			require.Equal(t, test.want, got)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, path+": "+test.err)
			}
		})
	}
}
