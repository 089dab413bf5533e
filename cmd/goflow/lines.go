package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
	"github.com/jamesTait-jt/goflow/internal/config"
	"github.com/jamesTait-jt/goflow/internal/lines"
	"github.com/jamesTait-jt/goflow/internal/program"
)

// batch is how many lines are pushed together.
const batch = port.MaxMessages

// linePusher pushes tasks that are written one a line.
type linePusher struct {
	*push
	client *goflow.Client
	types  map[string]string // by ID, of those that are waited for
	ids    []string
	held   map[string]bool // groups of which a line was not pushed
	worst  int             // the exit code of the worst line
}

func (p *push) lines(ctx context.Context, argument string) error {
	source, err := p.source(ctx, argument)
	if err != nil {
		return err
	}
	if source == nil {
		return config.Errorf("push %.60q: give its payload too, or - or @FILE for lines of tasks", argument)
	}
	defer func() { _ = source.Close() }() // only read from
	if p.id != nil || p.options.Unique != nil {
		return config.Errorf("push %s: --id, --id-from and --unique are for one task: write them into its line", argument)
	}
	client, all, err := p.client(ctx, p.needs()...)
	if err != nil {
		return err
	}
	if err := checked(ctx, all); err != nil { // once, not for each line
		return err
	}
	l := &linePusher{push: p, client: client, types: map[string]string{}, held: map[string]bool{}}
	refused := l.pushAll(ctx, source)
	if err := l.awaitAll(ctx); err != nil { // what was pushed by then
		return err
	}
	if refused != nil {
		return refused
	}
	return ended(l.worst)
}

// pushAll pushes lines that follow each other and ask for the same ten in a call,
// so that the tasks of a group keep their order.
func (l *linePusher) pushAll(ctx context.Context, source io.Reader) error {
	var ready []lines.Line
	for line, err := range lines.Read(source) {
		if ctx.Err() != nil {
			return fmt.Errorf("lines from %d on were not pushed: %w", append(ready, line)[0].Number, ctx.Err())
		}
		line.Options = line.Over(l.options)
		if len(ready) > 0 && ends(ready, line, err) {
			if err := l.pushBatch(ctx, ready); err != nil {
				l.bad(fmt.Errorf("lines from %d on were not pushed: they would fare no better", line.Number))
				return err
			}
			ready = ready[:0]
		}
		if err != nil {
			l.refuse(line, err)
			continue
		}
		ready = append(ready, line)
	}
	return l.pushBatch(ctx, ready)
}

// ends tells whether what is ready goes before the next line is looked at, which is bad if there is an error.
func ends(ready []lines.Line, next lines.Line, err error) bool {
	return len(ready) == batch || !ready[0].Same(next.Options) || err != nil && groupOf(next) != ""
}

// pushBatch pushes lines that ask for the same, and so are of one group if they are of any.
func (l *linePusher) pushBatch(ctx context.Context, ready []lines.Line) error {
	if len(ready) == 0 {
		return nil
	}
	opts, err := ready[0].Push()
	if err != nil {
		err = config.Errorf("%v", err)
	} else if group := groupOf(ready[0]); l.held[group] {
		err = fmt.Errorf("%w: not sent, as an earlier line of group %s was not", goflow.ErrUnavailable, group)
	}
	if err != nil {
		for _, line := range ready {
			l.refuse(line, err)
		}
		return nil
	}
	ctx, cancel := starting(ctx)
	defer cancel()
	ids, err := l.client.PushMany(ctx, tasksOf(ready), opts...)
	return l.outcome(ready, ids, err)
}

// outcome says what became of each line; its error says that those which follow would fare no better.
func (l *linePusher) outcome(ready []lines.Line, ids []string, err error) (refused error) {
	for i, line := range ready {
		itemErr := port.ItemError(err, i)
		if itemErr == nil {
			if err := l.pushed(ids[i], line); err != nil {
				return err
			}
			continue
		}
		behind := l.held[groupOf(line)] // and so refused for that alone
		l.refuse(line, repeatable(ids[i], itemErr))
		if program.Code(itemErr) == program.Refused && !errors.Is(itemErr, goflow.ErrAmbiguous) && !behind {
			refused = program.ExitError(program.Refused)
		}
	}
	return refused
}

func tasksOf(ready []lines.Line) []task.Task {
	tasks := make([]task.Task, len(ready))
	for i, line := range ready {
		tasks[i] = task.Task{ID: line.ID, Type: line.Type, Payload: line.Payload}
	}
	return tasks
}

// groupOf is empty for a line without one.
func groupOf(line lines.Line) string {
	if line.Group == nil {
		return ""
	}
	return *line.Group
}

// refuse names a line that was not pushed. None of its group, where that could be read, is pushed behind it.
func (l *linePusher) refuse(line lines.Line, err error) {
	if group := groupOf(line); group != "" {
		l.held[group] = true
	}
	if _, named := errors.AsType[*lines.Error](err); !named {
		err = &lines.Error{Number: line.Number, Reason: err}
	}
	l.bad(err)
}

// pushed notes or writes the ID of a task.
func (l *linePusher) pushed(id string, line lines.Line) error {
	if l.wait {
		l.ids = append(l.ids, id)
		l.types[id] = line.Type
		return nil
	}
	return l.write(id, map[string]any{"id": id, "type": line.Type, "line": line.Number})
}

// bad names a line that was not pushed.
func (l *linePusher) bad(err error) {
	l.around.Say(name, err)
	l.worst = max(l.worst, program.Code(err), program.Usage)
}

// awaitAll writes the outcomes as they come; without --wait there are none to
// wait for.
func (l *linePusher) awaitAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	for rec, err := range l.client.WaitAll(ctx, l.ids) {
		if err != nil {
			l.around.Say(name, err)
			l.worst = max(l.worst, program.Code(err))
			continue
		}
		o := program.NewOutcome(rec, l.types[rec.ID])
		last := string(o.Result)
		if failure(rec) != nil {
			l.worst = max(l.worst, program.Failed)
			last = o.Error
		}
		if err := l.write(fmt.Sprintf("%s %s %s", o.ID, o.State, last), o); err != nil {
			return err
		}
	}
	return nil
}
