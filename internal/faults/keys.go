package faults

import (
	crand "crypto/rand"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// window is how long before a key expires the SDK no longer uses it.
// https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/config
const window = 5 * time.Minute

// Early is how much too soon some keys end, and Grace how much longer than a
// client uses them the others are good.
const (
	Early = 2 * time.Second
	Grace = 2 * time.Second
)

// Keys gives each who asks another key of a short life, as the endpoint of a
// container does (AWS_CONTAINER_CREDENTIALS_FULL_URI), and knows which of them
// are still good. One in five ends sooner than was said, as when somebody ends a
// role's sessions: until its holder asks for the next, all it signs is refused.
// In a storm, one in twenty who ask is told to come again.
type Keys struct {
	life time.Duration

	mu     sync.Mutex
	random *rand.Rand
	good   map[string]time.Time // until when
	stormy bool
	counts map[Kind]int
}

// NewKeys returns one whose keys a client of the SDK uses for life, of more than
// Early.
func NewKeys(seed uint64, life time.Duration) *Keys {
	random := rand.New(rand.NewPCG(seed, streamOf("keys"))) //nolint:gosec // a seed has to repeat it
	return &Keys{life: life, random: random, good: map[string]time.Time{}, counts: map[Kind]int{}}
}

// Storm says whether it is to fail, and whether keys end too soon.
func (k *Keys) Storm(on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stormy = on
}

// ServeHTTP gives a key.
func (k *Keys) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	made := k.issue(time.Now())
	if made == nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(made) //nolint:gosec // it opens nothing; and whoever asked may have gone
}

// key is one, in the words of the endpoint.
type key struct {
	ID         string `json:"AccessKeyId"`
	Secret     string `json:"SecretAccessKey"`
	Token      string `json:"Token"`
	Expiration string `json:"Expiration"`
}

// issue makes a key; nil: not now.
func (k *Keys) issue(now time.Time) *key {
	k.mu.Lock()
	defer k.mu.Unlock()
	fate := k.random.Float64()
	if k.stormy && fate < 0.05 {
		k.counts[Error500]++
		return nil
	}
	k.counts[None]++
	id := "ASIA" + strings.ToUpper(crand.Text()[:16])
	k.good[id] = now.Add(k.life + Grace)
	if k.stormy && fate > 0.8 {
		k.good[id] = now.Add(k.life - Early)
	}
	// The SDK's client puts it aside that much earlier than it ends.
	ends := now.Add(k.life + window)
	return &key{ID: id, Secret: crand.Text(), Token: crand.Text(), Expiration: ends.UTC().Format(time.RFC3339Nano)}
}

// Good reports whether a key may be used at that time.
func (k *Keys) Good(id string, at time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	until, known := k.good[id]
	return known && at.Before(until)
}

// Counts are the keys (None) and those that were refused one.
func (k *Keys) Counts() Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	return Counts{"credentials": copyOf(k.counts)}
}
