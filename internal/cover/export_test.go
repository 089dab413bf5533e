package main

import "io"

// Report reads a profile and reports it, with these files held.
func Report(out io.Writer, profile io.Reader, held ...string) error {
	files, err := read(profile)
	if err != nil {
		return err
	}
	return report(out, files, held)
}

// Held are the files that are really held.
func Held() []string { return held() }
