package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aymanbagabas/go-udiff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Change is what Apply or Prune would change of one object.
type Change struct {
	Object string `json:"object"` // as in deployment/goflow-worker
	Diff   string `json:"diff"`   // unified, of YAML; all of one side where the object comes or goes
}

// Diff returns what Prune and Apply would change, and changes nothing: the API server is asked what would become of each
// object, its defaults and what other managers set included. Left out is what is not deploy's and changes by itself: status
// and what the server counts. Errors are those of Apply. Of objects in a namespace that is not there yet the server says
// nothing: these are shown as they would be sent.
func (c *Cluster) Diff(ctx context.Context, o Options, force bool) ([]Change, error) {
	objects, err := Objects(o)
	if err != nil {
		return nil, err
	}
	var changes []Change
	add := func(object, before, after *unstructured.Unstructured) error {
		diff, err := difference(nameOf(object), before, after)
		if err == nil && diff != "" {
			changes = append(changes, Change{Object: nameOf(object), Diff: diff})
		}
		return err
	}
	for _, object := range o.unasked() {
		before, err := c.ours(ctx, object, o.Name)
		if err == nil {
			err = add(object, before, nil)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(object), err)
		}
	}
	for _, object := range objects {
		before, after, err := c.wouldBe(ctx, object, force)
		if err == nil {
			err = add(object, before, after)
		}
		if err != nil {
			return nil, err
		}
	}
	return changes, nil
}

// wouldBe is an object as it is, nil if it is not there, and as Apply would make it.
func (c *Cluster) wouldBe(ctx context.Context, object *unstructured.Unstructured, force bool) (before, after *unstructured.Unstructured, err error) {
	resource := c.resource(object)
	before, err = resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		before, err = nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", nameOf(object), err)
	}
	after, err = resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{
		FieldManager: Manager, Force: force, DryRun: []string{metav1.DryRunAll},
	})
	if noNamespace(err) {
		return nil, object, nil
	}
	if err != nil {
		return nil, nil, applyError(object, err)
	}
	return before, after, nil
}

// noNamespace tells whether what is not found is the object's namespace, rather than its kind.
func noNamespace(err error) bool {
	var status apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Kind == "namespaces"
}

func difference(name string, before, after *unstructured.Unstructured) (string, error) {
	old, err := shown(before)
	if err != nil {
		return "", err
	}
	changed, err := shown(after)
	if err != nil {
		return "", err
	}
	return udiff.Unified("live/"+name, "deployed/"+name, old, changed), nil
}

// shown is an object as YAML; nil is empty.
func shown(object *unstructured.Unstructured) (string, error) {
	if object == nil {
		return "", nil
	}
	object = object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	delete(object.Object, "status")
	text, err := yaml.Marshal(object.Object)
	return string(text), err
}
