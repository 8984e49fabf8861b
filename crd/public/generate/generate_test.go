package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The definitions that package crd is compared with are those that controller-gen makes today.
func TestTheMarkedDefinitionsAreUpToDate(t *testing.T) {
	dir := t.TempDir()
	if err := marked(dir); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadDir(dir)
	if err != nil || len(made) != 10 {
		t.Fatalf("%d definitions, %v", len(made), err)
	}
	for _, file := range made {
		now, err := os.ReadFile(filepath.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join("..", "..", "testdata", "marked", file.Name()))
		if err != nil || string(kept) != string(now) {
			t.Errorf("%s differs (%v): run in crd/public: go run ./generate", file.Name(), err)
		}
	}
}

// The words of Kubernetes' types are those of the version that is required.
func TestTheForeignWordsAreUpToDate(t *testing.T) {
	name := filepath.Join(t.TempDir(), "foreign.go")
	if err := foreign(name); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join("..", "..", "foreign.go"))
	if err != nil || string(kept) != string(now) {
		t.Errorf("crd/foreign.go differs (%v): run in crd/public: go run ./generate", err)
	}
}
