package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Everything is what deploy may have made under the options' names, without the namespace, which may hold more.
func Everything(name, namespace string) ([]*unstructured.Unstructured, error) {
	o := Defaults()
	o.Name, o.Namespace = name, namespace
	if err := o.checkNames(); err != nil {
		return nil, err
	}
	all, err := o.objects()
	if err != nil {
		return nil, err
	}
	return all[1:], nil
}

// Destroy deletes what deploy has made, last first, and returns when all of it and its pods are gone: nil, or an error that
// names what is left when ctx has ended. What is not labelled as ours stays, and so do queues, table, secrets and the
// namespace.
func (c *Cluster) Destroy(ctx context.Context, name, namespace string) error {
	objects, err := Everything(name, namespace)
	if err != nil {
		return err
	}
	var deleted []*unstructured.Unstructured
	for _, object := range slices.Backward(objects) {
		ours, err := c.remove(ctx, object, name)
		if err != nil {
			return fmt.Errorf("%s: %w", nameOf(object), err)
		}
		if ours {
			deleted = append(deleted, object)
		}
	}
	o := Options{Name: name}
	return c.await(ctx, func() (bool, string, error) {
		left, err := c.left(ctx, deleted)
		if err != nil {
			return false, "", err
		}
		pods, err := c.list(ctx, namespace, o.labels(""))
		if err != nil {
			return false, "", err
		}
		for _, pod := range pods {
			left = append(left, "pod/"+pod.GetName())
		}
		if len(left) == 0 {
			return true, "all gone", nil
		}
		return false, "left: " + strings.Join(left, ", "), nil
	})
}

// Prune deletes what an earlier deploy has made under the options' names and these do not ask for: the autoscaling.
func (c *Cluster) Prune(ctx context.Context, o Options) error {
	for _, object := range o.unasked() {
		if gone, err := c.remove(ctx, object, o.Name); err != nil {
			return fmt.Errorf("%s: %w", nameOf(object), err)
		} else if gone {
			c.Progress(nameOf(object) + " deleted")
		}
	}
	return nil
}

// unasked are the objects that an earlier deploy may have made and these options do not ask for.
func (o Options) unasked() []*unstructured.Unstructured {
	if o.autoscaled() {
		return nil
	}
	return []*unstructured.Unstructured{o.scaledObject(), o.triggerAuthentication()}
}

// ours is an object as it is now: nil if it is not there, or not ours.
func (c *Cluster) ours(ctx context.Context, object *unstructured.Unstructured, name string) (*unstructured.Unstructured, error) {
	now, err := c.resource(object).Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // said above
	}
	if err != nil {
		return nil, err
	}
	labels := now.GetLabels()
	if labels["app.kubernetes.io/managed-by"] != Manager || labels["app.kubernetes.io/instance"] != name {
		c.Progress(nameOf(object) + " kept: it has not goflow's labels")
		return nil, nil //nolint:nilnil // said above
	}
	return now, nil
}

// remove deletes an object if it is there and ours.
func (c *Cluster) remove(ctx context.Context, object *unstructured.Unstructured, name string) (ours bool, err error) {
	now, err := c.ours(ctx, object, name)
	if now == nil {
		return false, err
	}
	// Another of that name, made meanwhile, is not what was looked at.
	err = c.resource(object).Delete(ctx, object.GetName(), metav1.DeleteOptions{
		PropagationPolicy: new(metav1.DeletePropagationBackground), Preconditions: metav1.NewUIDPreconditions(string(now.GetUID())),
	})
	if apierrors.IsNotFound(err) {
		err = nil
	}
	return err == nil, err
}

// left names those objects that are still there, with what holds them.
func (c *Cluster) left(ctx context.Context, objects []*unstructured.Unstructured) (left []string, err error) {
	for _, object := range objects {
		now, err := c.resource(object).Get(ctx, object.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(object), err)
		}
		text := nameOf(object)
		if held := now.GetFinalizers(); len(held) > 0 {
			text += " (held by " + strings.Join(held, ", ") + ")"
		}
		left = append(left, text)
	}
	return left, nil
}
