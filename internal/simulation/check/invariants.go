package check

// Violations are all promises that were broken.
func (h *History) Violations() []Violation {
	if h.broken == nil {
		for _, check := range []func(){
			h.nothingLost, h.nothingUnexpected, h.deletedWithReason, h.lettersArrive, h.recordsMoveForward,
			h.outcomesAreEarned, h.runsAreBounded, h.neverEarly, h.stopsAreClean, h.slotsHold, h.leasesAreKept,
			h.onceIsOnce, h.orderHolds, h.readsAreLinearizable,
		} {
			check()
		}
	}
	return h.broken
}

// Judged is how often each invariant was held against something.
func (h *History) Judged() map[string]int { return h.judged }
