package rest

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// modulePath is skiff's module path in build information.
const modulePath = "github.com/skiff-k8s/skiff"

// defaultUserAgent returns the User-Agent header for a Config without one, such as
// "controller/v1.4.0 (linux/amd64) skiff/v0.3.0".
var defaultUserAgent = sync.OnceValue(func() string {
	program, own := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		program = version(&info.Main)
		if info.Main.Path == modulePath {
			own = version(&info.Main)
		}
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				own = version(dep)
			}
		}
	}
	name := "unknown"
	if len(os.Args) > 0 {
		name = filepath.Base(os.Args[0])
	}
	return product(name) + "/" + product(program) +
		" (" + runtime.GOOS + "/" + runtime.GOARCH + ") skiff/" + product(own)
})

func version(m *debug.Module) string {
	if m.Replace != nil {
		m = m.Replace
	}
	if m.Version == "" || m.Version == "(devel)" {
		return "devel"
	}
	return m.Version
}

// product replaces characters that RFC 9110 does not allow in a product's name or version.
func product(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9',
			strings.ContainsRune("-._+~", r):
			return r
		}
		return '-'
	}, s)
	if s == "" {
		return "unknown"
	}
	return s
}
