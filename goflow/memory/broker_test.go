package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jamesTait-jt/goflow/goflow/goflowtest"
	"github.com/jamesTait-jt/goflow/goflow/memory"
	"github.com/jamesTait-jt/goflow/goflow/port"
	"github.com/jamesTait-jt/goflow/internal/features"
)

// strictBroker is what memory.Broker promises, local what memory.LocalBroker.
var (
	strictBroker = goflowtest.BrokerFeatures{
		LeasesEnd: true, KnowsLostLease: true, KnowsEndedLease: true, EnforcesLeaseOnAck: true, EnforcesMaxReceives: true,
		DeadLettersKeepSentAt: true, EnforcesRetention: true, Blocks: true, PollWaits: true,
		MaxMessageBytes: 1 << 20, MaxDelay: 15 * time.Minute,
		RefusesEleventhAttribute: true, RefusesBadAttributes: true, RefusesBadBodies: true,
		Ordered: true, Limiter: true, Orderer: true, Sizer: true,
	}
	localBroker = goflowtest.BrokerFeatures{
		KnowsLostLease: true, EnforcesLeaseOnAck: true, Blocks: true, InProcess: true, Limiter: true, Sizer: true,
	}
)

func TestBroker(t *testing.T) {
	t.Parallel()
	goflowtest.TestBroker(t, synctest.Test, strictBroker, func(_ *testing.T, o goflowtest.BrokerOptions) port.Broker {
		opts := []memory.BrokerOption{memory.Lease(o.Lease), memory.PollWait(o.PollWait), memory.Capacity(o.Capacity)}
		if o.Retention > 0 {
			opts = append(opts, memory.Retention(o.Retention))
		}
		if dead, ok := o.DeadLetter.(*memory.Broker); ok {
			opts = append(opts, memory.DeadLetter(dead, o.MaxReceives))
		}
		if o.Ordered {
			opts = append(opts, memory.Ordered())
		}
		return memory.NewBroker(opts...)
	})
}

func TestLocalBroker(t *testing.T) {
	t.Parallel()
	goflowtest.TestBroker(t, synctest.Test, localBroker, func(_ *testing.T, o goflowtest.BrokerOptions) port.Broker {
		return memory.NewLocalBroker(o.Capacity)
	})
}

func TestFeaturesStandInArchitecture(t *testing.T) {
	t.Parallel()
	features.Check(t, "memory", strictBroker.Rows())
	features.Check(t, "local mode", localBroker.Rows())
	features.Check(t, "memory store", strictStore.Rows())
	features.Check(t, "local mode's store", localStore.Rows())
}
