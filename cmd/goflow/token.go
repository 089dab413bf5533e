package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// maxToken is more than the metadata of a call may have, in bytes.
const maxToken = 64 << 10

// readToken reads the token in a file that is for its owner, or its group, alone.
func readToken(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // reading the file that the user names is the purpose
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read from
	info, err := file.Stat()            // of what is read, whatever the name stands for by now
	if err != nil {
		return "", err
	}
	// Windows has no such bits, and Go makes them up there.
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o004 != 0 {
		return "", fmt.Errorf("%s: mode %04o lets everybody on this machine read the token: chmod 600 it, and get another token", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxToken))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s: there is no token in it: write one, or leave the setting out", path)
	}
	return token, nil
}
