// Package report turns results into a table for a terminal, and into the generated
// parts and pictures of docs/performance.md.
package report

import (
	"math"
	"strconv"
	"strings"
)

const unknown = "-"

// figure has three significant digits, and commas from a thousand on.
func figure(v float64) string {
	switch {
	case v < 0:
		return unknown
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := math.Pow10(int(math.Log10(v)) - 2)
	return commas(int(math.Round(v/digits) * digits))
}

func commas(n int) string {
	digits := strconv.Itoa(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}

// duration is of seconds.
func duration(s float64) string {
	switch {
	case s < 0:
		return unknown
	case s < 1e-3:
		return figure(s*1e6) + " µs"
	case s < 1:
		return figure(s*1e3) + " ms"
	}
	return figure(s) + " s"
}
