package client_test

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
)

func TestIgnoreNotFound(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	other := errors.New("no connection")
	conflict := apierrors.NewConflict(pods, "web-0", nil)
	for _, tc := range []struct {
		name      string
		err, want error
	}{
		{"no error", nil, nil},
		{"not found", apierrors.NewNotFound(pods, "web-0"), nil},
		{"not found, wrapped", fmt.Errorf("get: %w", apierrors.NewNotFound(pods, "web-0")), nil},
		{"another status", conflict, conflict},
		{"no status at all", other, other},
	} {
		if got := client.IgnoreNotFound(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
