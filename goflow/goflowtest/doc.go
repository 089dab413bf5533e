// Package goflowtest holds what every broker and every store has to do, as
// tests. An adapter's own test calls [TestBroker] or [TestStore] with a
// function that opens a fresh one, and says by its features where the
// implementation is weaker or stronger than others.
//
// The suites run on any clock: pass testing/synctest.Test as the [Runner] for
// an implementation that lives in the process, and [RealTime] for one behind a
// network. No subtest knows a vendor; only the features decide.
package goflowtest
