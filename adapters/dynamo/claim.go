package dynamo

import (
	"time"

	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/goflow/task"
)

// claiming is one claim on its way; rec becomes the record as it stands.
type claiming struct {
	store *Store
	id    key
	claim port.Claim
	rec   *port.Record
	made  port.Record // what the last INSERT would have made
}

func (v *claiming) start() statement {
	if v.claim.Epoch > 0 {
		return v.renew()
	}
	return v.insert()
}

func (v *claiming) then(a answer) (*statement, error) {
	switch {
	case a.ok && a.row == nil:
		*v.rec = v.made
		return nil, nil
	case a.ok:
		*v.rec = decode(v.claim.ID, a.row)
		return nil, nil
	case a.duplicate:
		return new(v.takeUnclaimed()), nil
	case a.row == nil && v.claim.Epoch > 0:
		return nil, v.store.refused(opClaim, port.ErrFenced, "the record is gone")
	case a.row == nil:
		return new(v.insert()), nil
	}
	return v.judge(a.row)
}

// judge decides by the row that has made a condition fail.
func (v *claiming) judge(row item) (*statement, error) {
	stands := decode(v.claim.ID, row)
	if expired(row, v.store.now()) {
		if v.claim.Epoch > 0 {
			return nil, v.store.refused(opClaim, port.ErrFenced, "the record has expired")
		}
		return new(v.replace(stands)), nil
	}
	*v.rec = stands
	switch {
	case stands.State != task.Open, stands.Generation > v.claim.Generation:
		return nil, v.store.refused(opClaim, port.ErrFinished, "it is "+stands.State.String())
	case v.claim.Epoch > 0:
		return v.judgeRenewal(&stands)
	case stands.Generation < v.claim.Generation:
		return new(v.replace(stands)), nil
	case stands.Epoch == 0:
		return new(v.takeUnclaimed()), nil
	case stands.LeaseEnd.IsZero():
		return new(v.takeFrom(stands, stands.Epoch+1)), nil
	case stands.Token == v.claim.Token:
		return new(v.takeFrom(stands, stands.Epoch)), nil // Our own, whose answer was lost.
	}
	return v.takeOver(stands)
}

// takeOver takes another's claim whose time is over.
func (v *claiming) takeOver(stands port.Record) (*statement, error) {
	switch {
	case v.store.clock.Load() == clockUnknown:
		return nil, v.store.refused(opClaim, port.ErrUnavailable, "what time it is there is not known yet; try again")
	case stands.LeaseEnd.Add(v.store.claimSlack).After(v.store.now()):
		return nil, v.store.refused(opClaim, port.ErrClaimed, "until "+stands.LeaseEnd.UTC().Format(time.RFC3339))
	}
	return new(v.takeFrom(stands, stands.Epoch+1)), nil
}

func (v *claiming) judgeRenewal(stands *port.Record) (*statement, error) {
	if stands.Epoch == v.claim.Epoch && stands.Generation == v.claim.Generation && !stands.LeaseEnd.IsZero() {
		return new(v.renew()), nil // The row has changed since.
	}
	return nil, v.store.refused(opClaim, port.ErrFenced, "the claim is over")
}

// record is a new one under this claim.
func (v *claiming) record() port.Record {
	return port.Record{
		ID: v.claim.ID, State: task.Open, Generation: v.claim.Generation,
		Epoch: 1, LeaseEnd: v.leaseEnd(), Token: v.claim.Token, Expires: v.claim.Expires,
	}
}

// leaseEnd is by the service's clock and in whole milliseconds, as a row has it.
func (v *claiming) leaseEnd() time.Time {
	return time.UnixMilli(v.store.now().Add(v.claim.For).UnixMilli())
}

func (v *claiming) insert() statement {
	v.made = v.record()
	return v.store.insert(v.id, attributes(&v.made))
}

// takeUnclaimed claims an open row that nobody has claimed.
func (v *claiming) takeUnclaimed() statement {
	u := v.take(1)
	u.where("e IS MISSING")
	return u.statement()
}

// takeFrom claims a row whose claim has ended. Epoch and lease end are compared:
// by the epoch alone, a renewal in between would be overlooked.
func (v *claiming) takeFrom(stands port.Record, to uint64) statement {
	u := v.take(to)
	u.where("e = ?", epoch(stands.Epoch))
	if stands.LeaseEnd.IsZero() {
		u.where("l IS MISSING")
	} else {
		u.where("l = ?", milliseconds(stands.LeaseEnd))
	}
	return u.statement()
}

func (v *claiming) take(to uint64) *update {
	u := v.store.update(v.id)
	u.returnsNew = true
	u.put("e", epoch(to))
	u.put("l", milliseconds(v.leaseEnd()))
	u.put("w", text(v.claim.Token))
	v.open(u)
	return u
}

func (v *claiming) renew() statement {
	u := v.store.update(v.id)
	u.returnsNew = true
	u.put("l", milliseconds(v.leaseEnd()))
	v.open(u)
	u.where("e = ?", epoch(v.claim.Epoch))
	u.where("l > ?", number(0)) // A claim that a save has ended is not brought back.
	return u.statement()
}

// open is what every claim on a row needs and does.
func (v *claiming) open(u *update) {
	u.putIfAny(attribute{"t", expiry(v.claim.Expires)})
	u.where("s = ?", number(0))
	u.where("g = ?", number(int64(v.claim.Generation)))
	u.where("(t IS MISSING OR t > ?)", v.store.nowSeconds())
}

// replace makes a new record of a row that counts as absent or is open in an
// earlier generation.
func (v *claiming) replace(stands port.Record) statement {
	u := v.store.update(v.id)
	u.returnsNew = true
	older := stands.Generation < v.claim.Generation && !v.store.over(stands)
	rec := v.record()
	for _, a := range attributes(&rec) {
		if older && (a.name == "p" || a.name == "t") {
			u.putIfAny(a)
			continue
		}
		u.put(a.name, a.value)
	}
	v.store.sameAs(u, stands, older)
	if older {
		u.where("s = ?", number(0))
	}
	return u.statement()
}
