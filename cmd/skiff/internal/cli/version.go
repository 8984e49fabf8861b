package cli

import (
	"runtime"
	"runtime/debug"
)

// release is set when a release is built: -ldflags "-X …/internal/cli.release=v0.1.0".
var release string

const platform = runtime.GOOS + "/" + runtime.GOARCH

// Version returns the version of this program: of the release, or else of the module, or "devel".
func Version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" &&
		info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Platform returns the system and the architecture that the program was built for: "linux/amd64".
func Platform() string { return platform }
