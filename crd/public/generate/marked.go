package main

import (
	"errors"
	"os"

	gencrd "sigs.k8s.io/controller-tools/pkg/crd"
	"sigs.k8s.io/controller-tools/pkg/genall"
)

// marked writes controller-gen's definitions of the kinds that package crd is compared with, markers
// included, into a folder.
func marked(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	yes := true
	var generator genall.Generator = gencrd.Generator{GenerateEmbeddedObjectMeta: &yes}
	generators := genall.Generators{&generator}
	run, err := generators.ForRoots("github.com/skiff-k8s/skiff/crd/internal/twice/marked")
	if err != nil {
		return err
	}
	run.OutputRules = genall.OutputRules{Default: genall.OutputToDirectory(dir)}
	if run.Run() {
		return errors.New("controller-gen has failed, and has printed why")
	}
	return nil
}
