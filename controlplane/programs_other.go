//go:build !unix

package controlplane

import (
	"context"
	"errors"
	"runtime"
)

// programs is a control plane of the binaries in a folder. There is none on this system.
type programs struct{ guest }

func startPrograms(context.Context, string, options) (*programs, error) {
	return nil, errors.New("this package does not run them on " + runtime.GOOS)
}

func (*programs) kubeconfig() string { return "" }
