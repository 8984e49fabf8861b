#!/usr/bin/env bash
# Builds the control plane into bin/devcluster: `make devcluster` runs this, from any folder.
#
# The first build compiles Kubernetes, which takes minutes; it says every 20 seconds that it goes
# on. Later builds find everything in Go's build cache, and one without a change takes a second.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=../bin/devcluster
kubernetes=v1.37.2
# When that version of the module was published: a build date that is the same in every build.
date=2026-10-27T12:01:04Z
package=k8s.io/component-base/version

ldflags="-s -w"
ldflags+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=37"
# What a module's archive knows of its origin: which release it is, but not which commit.
ldflags+=" -X $package.gitCommit=unknown -X $package.gitTreeState=archive -X $package.buildDate=$date"

export CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
mkdir -p ../bin

listed=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
if [ "$listed" != "$kubernetes" ]; then
	echo "devcluster: go.mod has k8s.io/kubernetes $listed, this script $kubernetes: set kubernetes and date in devcluster/build.sh" >&2
	exit 1
fi

# Nothing to do when the sources, the modules, the toolchain and this script are those of the file
# that is there. Without this the linker takes ten seconds each time.
stamp=../bin/.devcluster.stamp
state=$({
	go version
	go env GOOS GOARCH
	find . -name '*.go' ! -name '*_test.go' -print0 | LC_ALL=C sort -z | xargs -0 cksum
	cksum go.mod go.sum build.sh
} | cksum)
if [ -x "$out" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then
	echo "devcluster: bin/devcluster is up to date"
	exit 0
fi

echo "devcluster: building Kubernetes $kubernetes and etcd into bin/devcluster"
echo "devcluster: the first build downloads and compiles about 1,500 packages: some 6 minutes on 2 cores; later ones take seconds"

work=$(mktemp -d)
next=$out.next.$$
build=
cleanup() {
	[ -z "$build" ] || kill "$build" 2>/dev/null || true
	rm -rf "$work" "$next"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# With -v the compiler names each package as it begins with it; what it says besides is an error.
SECONDS=0
go build -v -ldflags "$ldflags" -o "$next" . >"$work/log" 2>&1 &
build=$!
beat=20
while kill -0 "$build" 2>/dev/null; do
	if [ "$SECONDS" -ge "$beat" ]; then
		echo "devcluster: still building, ${SECONDS} s, $(grep -cE '^[a-zA-Z0-9._~/-]+$' "$work/log" || true) packages compiled"
		beat=$((SECONDS + 20))
	fi
	sleep 0.2
done
status=0
wait "$build" || status=$?
build=
if [ "$status" -ne 0 ]; then
	grep -vE '^[a-zA-Z0-9._~/-]+$|^go: downloading ' "$work/log" >&2 || tail -n 20 "$work/log" >&2
	echo "devcluster: the build failed" >&2
	exit "$status"
fi
mv -f "$next" "$out"
printf '%s\n' "$state" >"$stamp"
echo "devcluster: built bin/devcluster in ${SECONDS} s"
