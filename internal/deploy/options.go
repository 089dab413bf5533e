package deploy

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/jamesTait-jt/goflow/internal/config"
)

// Options say what is deployed. Check judges them.
type Options struct {
	Name, Namespace string
	Image           string // of the workers: the user's own, with /worker
	ServerImage     string // with /goflow
	RoleARN         string // the AWS role of the pods; empty: they get their rights in another way
	Region          string
	Endpoint        string // of AWS; empty: AWS itself

	QueueURL, DLQURL, Table string
	NoDLQ                   bool          // instead of DLQURL: dead tasks are only recorded
	RecordTTL               time.Duration // 0: the pods' default

	Servers                int // replicas
	MinWorkers, MaxWorkers int // equal: no autoscaling, and KEDA is not needed
	Concurrency            int // of one worker
	PollWait, Drain        time.Duration

	CPU, Memory string // of one pod: the request, and for memory the limit too

	CredentialsSecret string // holds credentials.yaml
	TLSSecret         string // holds tls.crt and tls.key; empty: plain text
}

// Defaults are the options that need not be given.
func Defaults() Options {
	return Options{ //nolint:gosec // the names of secrets are none
		Name: "goflow", Namespace: "goflow", Servers: 2, MinWorkers: 1, MaxWorkers: 10, Concurrency: 10,
		PollWait: 20 * time.Second, Drain: 25 * time.Second, CPU: "100m", Memory: "256Mi",
		CredentialsSecret: "goflow-credentials",
	}
}

// margin is what a pod gets beyond poll wait and drain: a receive that hangs may take 10 s longer, handlers whose time is
// over have a second to return, and storing what became of them has 30 s. The rest is for the process to end.
const margin = 45 * time.Second

// grace is how long a pod may take to stop: a worker waits for its receive, and at the same time for its tasks.
func (o Options) grace() int64 {
	return int64((max(o.PollWait, o.Drain) + margin + time.Second - 1) / time.Second)
}

// autoscaled tells whether KEDA decides how many workers there are.
func (o Options) autoscaled() bool { return o.MinWorkers != o.MaxWorkers }

// arn is an IAM role's name in AWS.
var arn = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)

// Check returns a *config.Error for the first option that is missing or bad.
func (o Options) Check() error {
	for _, check := range []func() error{o.checkNames, o.checkImages, o.checkPlaces, o.checkDead, o.checkNumbers, o.checkSizes} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o Options) checkNames() error {
	// With "-server" it still has to be a label.
	const longest = validation.DNS1123LabelMaxLength - len("-credentials")
	if wrong := validation.IsDNS1035Label(o.Name); len(wrong) > 0 || len(o.Name) > longest {
		return config.Errorf("--name %.80q: give a letter, then letters, digits and hyphens, all small, %d at most", o.Name, longest)
	}
	if len(validation.IsDNS1123Label(o.Namespace)) > 0 {
		return config.Errorf("--namespace %.80q: give small letters, digits and hyphens, %d at most", o.Namespace, validation.DNS1123LabelMaxLength)
	}
	for flag, secret := range map[string]string{"credentials-secret": o.CredentialsSecret, "tls-secret": o.TLSSecret} {
		if len(validation.IsDNS1123Subdomain(secret)) > 0 && (secret != "" || flag == "credentials-secret") {
			return config.Errorf("--%s %.80q: give the name of a secret in the namespace", flag, secret)
		}
	}
	return nil
}

// checkImages refuses images that may be another tomorrow.
func (o Options) checkImages() error {
	for _, i := range []struct{ flag, image string }{{"image", o.Image}, {"server-image", o.ServerImage}} {
		last := i.image[strings.LastIndex(i.image, "/")+1:]
		_, tag, tagged := strings.Cut(last, ":")
		switch {
		case i.image == "" || strings.ContainsAny(i.image, " \t\n"):
			return config.Errorf("--%s %.80q: give an image with a tag or a digest, as in registry.example/orders:1.4.2", i.flag, i.image)
		case !tagged || tag == "latest":
			return config.Errorf("--%s %.80q may be another image tomorrow: give a tag other than latest, or a digest", i.flag, i.image)
		}
	}
	return nil
}

func (o Options) checkPlaces() error {
	switch {
	case o.QueueURL == "":
		return config.Errorf("queue-url is missing: give --queue-url, or the stack that has it as --stack")
	case o.Table == "":
		return config.Errorf("table is missing: give --table, or the stack that has it as --stack")
	case o.Region == "":
		return config.Errorf("the region is missing: give --region, or AWS_REGION")
	case o.RoleARN != "" && !arn.MatchString(o.RoleARN):
		return config.Errorf("--role-arn %.120q: give a role, as in arn:aws:iam::123456789012:role/goflow", o.RoleARN)
	}
	if o.Endpoint == "" {
		return nil
	}
	if u, err := url.Parse(o.Endpoint); err != nil || u.Host == "" {
		return config.Errorf("--endpoint %.80q: give a URL, as in http://localstack:4566", o.Endpoint)
	}
	return nil
}

// checkDead wants it said that there are no dead letters: what is dead could not be run again.
func (o Options) checkDead() error {
	switch {
	case o.DLQURL == "" && !o.NoDLQ:
		return config.Errorf("dlq-url is missing: give --dlq-url, or the stack that has it as --stack, or --no-dlq to only record dead tasks")
	case o.DLQURL != "" && o.NoDLQ:
		return config.Errorf("--no-dlq: dlq-url names a dead-letter queue too: leave one of the two out")
	}
	return nil
}

func (o Options) checkNumbers() error {
	for _, n := range []struct {
		flag               string
		value, least, most int
	}{
		{"servers", o.Servers, 1, 100},
		{"min-workers", o.MinWorkers, 0, 1000},
		{"concurrency", o.Concurrency, 1, 10000},
		{"max-workers", o.MaxWorkers, max(o.MinWorkers, 1), 1000},
	} {
		if n.value < n.least || n.value > n.most {
			return config.Errorf("--%s %d is out of range: give %d to %d", n.flag, n.value, n.least, n.most)
		}
	}
	if o.PollWait < time.Second || o.PollWait > 20*time.Second || o.PollWait%time.Second != 0 {
		return config.Errorf("--poll-wait %v: give whole seconds, 1s to 20s", o.PollWait)
	}
	if o.Drain < 0 || o.Drain > 11*time.Hour {
		return config.Errorf("--drain %v is out of range: give 0s to 11h", o.Drain)
	}
	return nil
}

func (o Options) checkSizes() error {
	for _, q := range []struct{ flag, value, least, most string }{
		{"cpu", o.CPU, "10m", "64"}, {"memory", o.Memory, "32Mi", "256Gi"},
	} {
		size, err := resource.ParseQuantity(q.value)
		if err != nil || size.Cmp(resource.MustParse(q.least)) < 0 || size.Cmp(resource.MustParse(q.most)) > 0 {
			return config.Errorf("--%s %.40q: give %s to %s", q.flag, q.value, q.least, q.most)
		}
	}
	return nil
}

// goMemLimit leaves a tenth of a pod's memory to what Go does not count, in bytes.
func (o Options) goMemLimit() string {
	limit := resource.MustParse(o.Memory)
	return fmt.Sprint(limit.Value() / 10 * 9)
}
