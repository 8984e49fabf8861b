//go:build aix || solaris

package controlplane

import "os"

// lock does nothing: these systems have no such lock.
func lock(string) (*os.File, error) { return nil, nil }
