package check

// Invariant is a promise that every history has to keep.
type Invariant struct{ Name, Says string }

// Invariants are all there are.
func Invariants() []Invariant {
	return []Invariant{
		{"I1", "what was accepted has an outcome: none is lost"},
		{"I2", "nothing runs that nobody pushed"},
		{"I3", "the first outcome of a generation stays as it is"},
		{"I4", "a message is deleted only when its task has an outcome, or a copy carries it on"},
		{"I5", "who has lost the claim of a task writes nothing of it"},
		{"I6", "generations, epochs and attempts only grow, and only the dead are redriven"},
		{"I7", "each run has a receive of its own, and without faults none succeeds twice"},
		{"I8", "no attempt is beyond the last one, and a task kills its process at most once more than it has attempts"},
		{"I9", "a result is what a run returned, and a task is dead, cancelled or expired for a reason of its own"},
		{"I10", "a dead task's message is in the dead letters"},
		{"I11", "no delayed task runs early"},
		{"I12", "without faults everything ends in bounded time"},
		{"I13", "a worker that is told to stop does, and leaves nothing running"},
		{"I14", "a worker runs no more handlers than it has slots, and receives while it has some free"},
		{"I15", "what clients read of a task is linearizable"},
		{"I16", "a push that was said to be rejected has sent nothing"},
		{"I17", "nobody changes the lease of a message after its own is over"},
		{"I18", "a task that is Once is not run after its result is stored, nor beside itself"},
		{"I19", "nothing of a group runs before what was sent before it has an outcome"},
		{"I20", "no two tasks have one key at a time, and no task is refused for a key that it holds itself, or that nobody needs"},
		{"I21", "no call is one that AWS finds wrong"},
		{"I22", "a delete that failed alone of its batch is tried again"},
		{"I23", "a task that may have killed its process runs beside no other such in a process"},
		{"I24", "an attempt is a run that failed, and who gives a task back takes the mark of its start back"},
		{"I25", "a process runs a task once at a time"},
		{"I26", "a record expires, and not before its time"},
		{"I27", "claims and tasks last as long as they are to, by the clocks of the services"},
	}
}

// Violations are all promises that were broken, and how often each was held against
// something.
func (h *History) Violations() (broken []Violation, judged map[string]int) {
	for _, check := range []func(){
		h.nothingLost, h.nothingUnexpected, h.deletedWithReason, h.lettersArrive, h.recordsMoveForward,
		h.outcomesAreEarned, h.runsAreBounded, h.neverEarly, h.stopsAreClean, h.stopsAreHeard, h.slotsHold, h.leasesAreKept,
		h.onceIsOnce, h.orderHolds, h.keysHold, h.callsAreRight, h.deletesAreRepeated, h.suspectsAreAlone,
		h.attemptsAreEarned, h.onceInAProcess, h.recordsExpire, h.clocksAgree, h.readsAreLinearizable,
	} {
		check()
	}
	return h.broken, h.judged
}
