// Package chaos is what the chaos demo and its workers share: jobs that write
// down what they do, outside of GoFlow, and the judge of what they wrote.
package chaos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// What a run, or the store for it, came to.
const (
	Began  = "began"
	Effect = "effect"
	Ended  = "ended"
	Stored = "stored" // the store has confirmed the run's result
	Call   = "call"   // what else was asked of the store, with its answer
	Signal = "signal" // what the demo did to the process
)

// Entry is a line of the journal.
type Entry struct {
	At     time.Time `json:"at"`
	Worker int       `json:"worker"` // the process, by its number
	Task   string    `json:"task"`
	Run    string    `json:"run"`
	What   string    `json:"what"`
	Note   string    `json:"note,omitempty"` // for people
}

// Journal is a file that several processes write to. What a process has
// written stays when it is killed.
type Journal struct {
	file   *os.File
	worker int
}

// Open opens the journal at path for a worker, and makes it where there is none.
func Open(path string, worker int) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the demo's own file
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	return &Journal{file: file, worker: worker}, nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// write adds an entry of this worker by one call, so that entries of others
// don't mix in.
func (j *Journal) write(task, run, what string) error {
	return j.Write(Entry{At: time.Now(), Worker: j.worker, Task: task, Run: run, What: what})
}

// Write adds any entry.
func (j *Journal) Write(e Entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	return err
}

// Read returns the entries of the journal at path, in order.
func Read(path string) (entries []Entry, err error) {
	file, err := os.Open(path) //nolint:gosec // the demo's own file
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &e); err != nil {
			return nil, fmt.Errorf("journal: %q: %w", lines.Text(), err)
		}
		entries = append(entries, e)
	}
	return entries, lines.Err()
}
