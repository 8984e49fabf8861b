package rest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// defaultUserAgent returns the User-Agent header for a Config without one, such as
// "controller/unknown (linux/amd64) skiff/unknown". It has no versions: reading the build information
// would make a small program larger by 12 KB (examples, TestInformerIsSmall).
func defaultUserAgent() string {
	name := "unknown"
	if len(os.Args) > 0 {
		name = filepath.Base(os.Args[0])
	}
	return product(name) + "/unknown (" + runtime.GOOS + "/" + runtime.GOARCH + ") skiff/unknown"
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
