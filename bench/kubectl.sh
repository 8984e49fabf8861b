#!/usr/bin/env bash
# Builds skiff, kubectl and what measures them into bin/bench-kubectl: `make bench-kubectl` runs this,
# from any folder. The first build of kubectl takes minutes. Both tools have the same flags.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$PWD/bin/bench-kubectl
mkdir -p "$out"
build() { CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/" "$@"; }

(cd cmd/skiff && build .)
(cd bench && build ./cmd/measure)
(cd bench && CGO_ENABLED=0 go build -trimpath -o "$out/bench" ./cmd/kubectl)

# kubectl's module is devcluster's, which requires the same Kubernetes. A copy of it may add the sums of
# what only kubectl needs.
module=$(mktemp -d)
trap 'rm -rf "$module"' EXIT
cp devcluster/go.mod devcluster/go.sum "$module"
cd "$module"
GOFLAGS=-mod=mod build k8s.io/kubernetes/cmd/kubectl
go list -m -f '{{.Version}}' k8s.io/kubernetes >"$out/version"
