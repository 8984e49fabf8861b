package client

import apierrors "k8s.io/apimachinery/pkg/api/errors"

// IgnoreNotFound returns nil for an error for which apierrors.IsNotFound holds, and err otherwise:
// for the many places where an object that is gone is as good as one that is done with.
func IgnoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
