package deploy

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Part is an object that deploy makes, as it is now.
type Part struct {
	Object string `json:"object"` // as in deployment/goflow-worker
	State  string `json:"state"`
	Wrong  bool   `json:"wrong"` // a deployment that is missing, or not all of which is available
}

// Status returns every part that deploy may make under a name, those that are missing too.
func (c *Cluster) Status(ctx context.Context, name, namespace string) ([]Part, error) {
	objects, err := Everything(name, namespace)
	if err != nil {
		return nil, err
	}
	var parts []Part
	for _, object := range objects {
		part := Part{Object: nameOf(object), State: "there"}
		if object.GetKind() == "Deployment" {
			v, err := c.look(ctx, object)
			if err != nil {
				return nil, err
			}
			part.State, part.Wrong = v.Text, !v.Done
		} else if _, err := c.resource(object).Get(ctx, object.GetName(), metav1.GetOptions{}); apierrors.IsNotFound(err) {
			part.State = "not there"
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", part.Object, err)
		}
		parts = append(parts, part)
	}
	return parts, nil
}
