package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Manager owns the fields that deploy sets, in the words of server-side apply.
const Manager = "goflow"

// ConflictError is returned by Apply where another manager has set fields otherwise.
type ConflictError struct {
	Object    string   // as in deployment/goflow-worker
	Conflicts []string // who and what
}

// Error is one line.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s: give --force-conflicts to take these fields over", e.Object, strings.Join(e.Conflicts, "; "))
}

// Apply applies the objects in order, and tells of each whether it was created, changed or neither. With force it takes over
// fields that another manager has set otherwise; without, they are a *ConflictError, and objects after that one stay as
// they are.
func (c *Cluster) Apply(ctx context.Context, objects []*unstructured.Unstructured, force bool) error {
	for _, object := range objects {
		what, err := c.apply(ctx, object, force)
		if err != nil {
			return err
		}
		c.Progress(nameOf(object) + " " + what)
	}
	return nil
}

func (c *Cluster) apply(ctx context.Context, object *unstructured.Unstructured, force bool) (what string, err error) {
	resource := c.resource(object)
	before, err := resource.Get(ctx, object.GetName(), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("%s: %w", nameOf(object), err)
	}
	existed := err == nil
	after, err := resource.Apply(ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: Manager, Force: force})
	switch {
	case err != nil:
		return "", applyError(object, err)
	case !existed:
		return "created", nil
	case before.GetResourceVersion() == after.GetResourceVersion():
		return "unchanged", nil
	}
	return "changed", nil
}

func applyError(object *unstructured.Unstructured, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsConflict(err) || status.Status().Details == nil {
		return fmt.Errorf("%s: %w", nameOf(object), err)
	}
	conflict := &ConflictError{Object: nameOf(object)}
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			conflict.Conflicts = append(conflict.Conflicts, cause.Field+": "+cause.Message)
		}
	}
	if len(conflict.Conflicts) == 0 {
		return fmt.Errorf("%s: %w", nameOf(object), err)
	}
	return conflict
}
