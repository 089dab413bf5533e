package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// heeding is source for as long as ctx lasts: a read that waits for somebody to
// type or write does not keep a command that is told to stop.
func heeding(ctx context.Context, source io.ReadCloser) io.ReadCloser {
	out, in := io.Pipe()
	forget := context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	go func() {
		defer forget()
		_, err := io.Copy(in, source)
		_ = in.CloseWithError(err)
		_ = source.Close() // only read from
	}()
	return out
}

// longestAnswer is more than any question asks for.
const longestAnswer = 1 << 10

// answer asks on the terminal. No answer is an empty one; the error is that of ctx.
func (c *cli) answer(ctx context.Context, question string) (string, error) {
	_, _ = fmt.Fprintf(c.around.Stderr, "%s: %s: ", name, question) // seen or not, the answer is needed
	source := heeding(ctx, io.NopCloser(c.around.Stdin))
	defer func() { _ = source.Close() }() // only read from
	line, _ := bufio.NewReader(io.LimitReader(source, longestAnswer)).ReadString('\n')
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(c.around.Stderr) // what follows is not part of the question
	}
	return strings.TrimSpace(line), ctx.Err()
}
