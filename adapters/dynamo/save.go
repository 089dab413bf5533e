package dynamo

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// saving is one record on its way into the table.
type saving struct {
	store *Store
	id    key
	rec   port.Record
}

// start guesses whether there is a row already: a wrong guess costs one more
// statement, and nothing else.
func (v *saving) start() statement {
	first := v.rec.GiveBacks+v.rec.Starts == 0
	if !v.rec.State.Terminal() {
		first = v.rec.GiveBacks+v.rec.Starts <= 1
	}
	switch {
	case first && v.rec.Epoch == 0:
		return v.store.insert(v.id, attributes(&v.rec))
	case v.rec.State == task.Open && v.rec.Attempts+v.rec.GiveBacks+v.rec.Starts == 0:
		return v.endClaim() // It has no progress to add.
	}
	return v.update()
}

func (v *saving) then(a answer) (*statement, error) {
	switch {
	case a.ok:
		return nil, nil
	case a.duplicate:
		return new(v.update()), nil
	case a.row == nil:
		return new(v.store.insert(v.id, attributes(&v.rec))), nil
	}
	return v.judge(a.row)
}

// judge decides by the row that has made a condition fail.
func (v *saving) judge(row item) (*statement, error) {
	stands := decode(v.rec.ID, row)
	switch {
	case expired(row, v.store.now()):
		return new(v.replace(stands)), nil
	case v.repeats(&stands):
		return nil, nil
	case stands.Generation > v.rec.Generation, stands.Generation == v.rec.Generation && stands.State != task.Open:
		return nil, v.store.refused(opSave, port.ErrFinished, fmt.Sprintf("it is %v in generation %d", stands.State, stands.Generation))
	case v.rec.Epoch > 0 && stands.Epoch != v.rec.Epoch:
		return nil, v.store.refused(opSave, port.ErrFenced, "another claim holds it")
	case stands.Generation < v.rec.Generation:
		return new(v.replace(stands)), nil
	case v.rec.State == task.Open && !later(&v.rec, &stands):
		return v.known(&stands), nil
	}
	return new(v.update()), nil // The row has changed since.
}

// repeats reports whether the outcome that stands is the one to be saved, as
// after an answer that was lost.
func (v *saving) repeats(stands *port.Record) bool {
	return v.rec.State.Terminal() && stands.State == v.rec.State && stands.Generation == v.rec.Generation &&
		slices.Equal(stands.Result, v.rec.Result) && stands.Error == v.rec.Error
}

// known is for an open record that says nothing new: all it does is end the
// claim that it names.
func (v *saving) known(stands *port.Record) *statement {
	if v.rec.Epoch == 0 || stands.LeaseEnd.IsZero() {
		return nil
	}
	return new(v.endClaim())
}

// endClaim ends the claim that the record names, and changes nothing else.
func (v *saving) endClaim() statement {
	u := v.store.update(v.id)
	u.put("l", nil)
	u.put("w", nil)
	u.where("s = ?", number(0))
	u.where("g = ?", number(int64(v.rec.Generation)))
	u.where("(t IS MISSING OR t > ?)", v.store.nowSeconds())
	u.where("e = ?", epoch(v.rec.Epoch))
	return u.statement()
}

// later reports whether open record a has more progress than b.
func later(a, b *port.Record) bool {
	return cmp.Or(cmp.Compare(a.Attempts, b.Attempts), cmp.Compare(a.GiveBacks, b.GiveBacks), cmp.Compare(a.Starts, b.Starts)) > 0
}

// update writes an outcome over an open row of the same generation, or later
// progress over earlier.
func (v *saving) update() statement {
	u := v.store.update(v.id)
	ends := v.rec.Epoch > 0 || v.rec.State.Terminal()
	for _, a := range attributes(&v.rec) {
		switch a.name {
		case "e": // As it is: the condition compares it.
		case "l", "w":
			if ends {
				u.put(a.name, nil)
			}
		case "d", "p", "t": // An open row has no d.
			u.putIfAny(a)
		default:
			u.put(a.name, a.value)
		}
	}
	u.where("s = ?", number(0))
	u.where("g = ?", number(int64(v.rec.Generation)))
	u.where("(t IS MISSING OR t > ?)", v.store.nowSeconds())
	if v.rec.Epoch > 0 {
		u.where("e = ?", epoch(v.rec.Epoch))
	}
	if v.rec.State == task.Open {
		a, o := number(int64(v.rec.Attempts)), number(int64(v.rec.GiveBacks))
		u.where("(a < ? OR (a = ? AND (o < ? OR (o = ? AND c < ?))))", a, a, o, o, number(int64(v.rec.Starts)))
	}
	return u.statement()
}

// replace writes the whole record over a row that counts as absent, or is of
// an earlier generation.
func (v *saving) replace(stands port.Record) statement {
	u := v.store.update(v.id)
	older := stands.Generation < v.rec.Generation && !v.store.over(stands)
	for _, a := range attributes(&v.rec) {
		if older && (a.name == "p" || a.name == "t") {
			u.putIfAny(a)
			continue
		}
		u.put(a.name, a.value)
	}
	v.store.sameAs(u, stands, older)
	return u.statement()
}

// sameAs makes a replacement fail if the row was replaced already. An expired
// row is known by its expiry: whoever brings it to life gives it a new one.
func (s *Store) sameAs(u *update, stands port.Record, older bool) {
	if older {
		u.where("g = ?", number(int64(stands.Generation)))
		u.where("(t IS MISSING OR t > ?)", s.nowSeconds())
		return
	}
	u.where("t = ?", expiry(stands.Expires))
	u.where("g = ?", number(int64(stands.Generation)))
}

// over reports whether a record counts as absent.
func (s *Store) over(rec port.Record) bool {
	return !rec.Expires.IsZero() && rec.Expires.Unix() <= s.now().Unix()
}

func (s *Store) nowSeconds() types.AttributeValue { return number(s.now().Unix()) }

// reopening is one dead record to be opened again.
type reopening struct {
	store *Store
	id    key
	rec   port.Record
}

func (v *reopening) start() statement {
	u := v.store.update(v.id)
	open := port.Record{State: task.Open, Generation: v.rec.Generation + 1, Expires: v.rec.Expires}
	for _, a := range attributes(&open) {
		if a.name == "p" || a.name == "t" {
			u.putIfAny(a)
			continue
		}
		u.put(a.name, a.value)
	}
	u.where("s = ?", number(int64(task.Dead)-1))
	u.where("g = ?", number(int64(v.rec.Generation)))
	u.where("(t IS MISSING OR t > ?)", v.store.nowSeconds())
	return u.statement()
}

// then has nothing to add: a row that the condition does not fit stays.
func (v *reopening) then(answer) (*statement, error) { return nil, nil }
