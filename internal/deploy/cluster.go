package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Cluster is where objects are applied. Progress is told what changes, a line at a time.
type Cluster struct {
	Client   dynamic.Interface
	Progress func(line string)
	Poll     time.Duration // between two looks
}

// resource is where objects of a kind are: its name is regular for all of ours but one.
func (c *Cluster) resource(object *unstructured.Unstructured) dynamic.ResourceInterface {
	kind := object.GroupVersionKind()
	plural := strings.ToLower(kind.Kind) + "s"
	if stem, ok := strings.CutSuffix(plural, "ys"); ok {
		plural = stem + "ies"
	}
	resource := c.Client.Resource(kind.GroupVersion().WithResource(plural))
	if object.GetNamespace() == "" {
		return resource
	}
	return resource.Namespace(object.GetNamespace())
}

// nameOf is an object as kubectl writes it.
func nameOf(object *unstructured.Unstructured) string {
	return strings.ToLower(object.GetKind()) + "/" + object.GetName()
}

func (c *Cluster) pods(ctx context.Context, namespace string, selector map[string]string) ([]corev1.Pod, error) {
	list, err := c.list(ctx, namespace, selector)
	if err != nil {
		return nil, err
	}
	pods := make([]corev1.Pod, len(list))
	for i := range list {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list[i].Object, &pods[i]); err != nil {
			return nil, err
		}
	}
	return pods, nil
}

func (c *Cluster) list(ctx context.Context, namespace string, selector map[string]string) ([]unstructured.Unstructured, error) {
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	list, err := c.Client.Resource(pods).Namespace(namespace).
		List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(selector).String()})
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	return list.Items, nil
}

// look judges a deployment as it is now.
func (c *Cluster) look(ctx context.Context, object *unstructured.Unstructured) (Verdict, error) {
	now, err := c.resource(object).Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Verdict{Text: "not there"}, nil
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", nameOf(object), err)
	}
	d := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(now.Object, d); err != nil {
		return Verdict{}, err
	}
	pods, err := c.pods(ctx, d.Namespace, d.Spec.Selector.MatchLabels)
	if err != nil {
		return Verdict{}, err
	}
	return Judge(d, pods), nil
}

// await looks until done is true, and tells each change of what it says; ctx bounds it.
func (c *Cluster) await(ctx context.Context, look func() (done bool, text string, err error)) error {
	tick := time.NewTicker(c.Poll)
	defer tick.Stop()
	said := ""
	for {
		done, text, err := look()
		if ctx.Err() == nil && text != said && text != "" {
			said = text
			c.Progress(text)
		}
		if ctx.Err() == nil && (done || err != nil) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", said, ctx.Err())
		case <-tick.C:
		}
	}
}

// Wait returns nil when the deployments among the objects have rolled out, and an error with the reason when one has
// failed or ctx has ended.
func (c *Cluster) Wait(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		err := c.await(ctx, func() (bool, string, error) {
			v, err := c.look(ctx, object)
			text := nameOf(object) + ": " + v.Text
			if err == nil && v.Failed {
				err = fmt.Errorf("%s", text) //nolint:err113 // told to a person
			}
			return v.Done, text, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
