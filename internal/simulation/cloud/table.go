package cloud

import (
	"bytes"
	"encoding/hex"
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/internal/simulation/history"
)

// item is a row as DynamoDB has it.
type item = map[string]types.AttributeValue

// row is one of the table, with what it was: a stale read shows that.
type row struct {
	now      item
	versions []version
}

type version struct {
	until time.Time // when the next one came
	row   item      // nil: there was none
}

// table has rows by their keys. All of it is guarded by Cloud.mu.
type table map[string]*row

// set replaces a row and writes that down.
func (c *Cloud) set(actor, key string, to item) {
	r := c.rows[key]
	if r == nil {
		r = &row{}
		c.rows[key] = r
	}
	before := r.now
	r.versions = append(r.versions, version{until: time.Now(), row: before})
	r.now = copyOf(to)
	c.Log.Add(history.Event{
		Actor: actor, Kind: history.Wrote, Task: idOf(key), Before: seen(before), After: seen(to),
		Ends: c.until(time.UnixMilli(int64(number(to, "l")))), Expires: c.until(time.Unix(int64(number(to, "t")), 0)),
	})
}

// until is how long there is until then by the services' clock; 0: no such time.
func (c *Cloud) until(t time.Time) time.Duration {
	if t.UnixMilli() == 0 {
		return 0
	}
	now := time.Now()
	if c.Wire {
		now = now.Add(c.Skew)
	}
	return t.Sub(now)
}

// staleFor is how long a read may lag behind: far more than AWS says.
const staleFor = 2 * time.Second

// at is what the row was at that moment.
func (r *row) at(t time.Time) item {
	for _, v := range r.versions {
		if t.Before(v.until) {
			return v.row
		}
	}
	return r.now
}

// Rows are all that the table has, by the task's ID.
func (c *Cloud) Rows() map[string]*history.Row {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := map[string]*history.Row{}
	for key, r := range c.rows {
		rows[idOf(key)] = seen(r.now)
	}
	return rows
}

// seen is a row as the checkers know it.
func seen(row item) *history.Row {
	if row == nil {
		return nil
	}
	return &history.Row{
		State: number(row, "s"), Generation: number(row, "g"), Attempts: number(row, "a"), GiveBacks: number(row, "o"),
		Starts: number(row, "c"), Epoch: number(row, "e"), Reason: text(row, "d"), Result: text(row, "r"),
	}
}

func number(row item, name string) int {
	v, ok := row[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, _ := strconv.Atoi(v.Value) // the adapter writes whole numbers
	return n
}

func text(row item, name string) string {
	switch v := row[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	}
	return ""
}

// idOf is the ID of a row's task.
func idOf(key string) string {
	h := hex.EncodeToString([]byte(key))
	if len(h) != 32 {
		return h
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// copyOf is a row that may be changed, its bytes included; nil where there is none.
func copyOf(row item) item {
	other := maps.Clone(row)
	for name, v := range row {
		if b, ok := v.(*types.AttributeValueMemberB); ok {
			other[name] = &types.AttributeValueMemberB{Value: bytes.Clone(b.Value)}
		}
	}
	return other
}
