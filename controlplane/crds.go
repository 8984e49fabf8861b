package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// WithCRDs installs the CustomResourceDefinitions of files and folders before the control plane is
// handed out: see [Cluster.InstallCRDs]. Options may be repeated.
func WithCRDs(paths ...string) Option {
	return func(o *options) { o.crds = append(o.crds, paths...) }
}

// crdWait bounds the wait for the definitions to be served, beside the context.
const crdWait = time.Minute

// InstallCRDs applies the CustomResourceDefinitions that stand in files, and returns when the server
// serves all their versions. A path is a file of YAML or JSON documents, or a folder: its files that
// end with .yaml, .yml or .json, without those of folders in it. Documents of other kinds are left
// out. What is installed already is changed to what the files say, whoever owns it.
//
// Errors:
//   - a path that does not exist, cannot be read or has no CustomResourceDefinition: the error names
//     it;
//   - what the server refuses, and names that it does not accept;
//   - a definition that is not served within a minute, or when ctx ends: the error names it.
func (c *Cluster) InstallCRDs(ctx context.Context, paths ...string) error {
	return c.installCRDs(ctx, paths, nil)
}

// installCRDs installs the definitions with their conversions, by name, and removes those from the
// map.
func (c *Cluster) installCRDs(ctx context.Context, paths []string, conversions map[string]any) error {
	if err := c.applyCRDs(ctx, paths, conversions); err != nil {
		return fmt.Errorf("controlplane: install CRDs: %w", err)
	}
	return nil
}

func (c *Cluster) applyCRDs(ctx context.Context, paths []string, conversions map[string]any) error {
	var crds []*unstructured.Unstructured
	for _, path := range paths {
		some, err := readCRDs(path)
		if err != nil {
			return err
		}
		crds = append(crds, some...)
	}
	if len(crds) == 0 {
		return nil
	}
	for _, crd := range crds {
		conversion, ok := conversions[crd.GetName()]
		if !ok {
			continue
		}
		if err := unstructured.SetNestedField(crd.Object, conversion, "spec", "conversion"); err != nil {
			return fmt.Errorf("set the conversion of %s: %w", crd.GetName(), err)
		}
		delete(conversions, crd.GetName())
	}
	client, err := rest.NewClient(c.Config())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	mapper := discovery.NewMapper(discovery.New(client))
	all := func(yield func(*unstructured.Unstructured, error) bool) {
		for _, crd := range crds {
			if !yield(crd, nil) {
				return
			}
		}
	}
	d := dynamic.New(client)
	if _, err := dynamic.ApplyAll(ctx, d, mapper, all,
		dynamic.ApplyAllOptions{FieldManager: "controlplane", Force: true}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, crdWait, fmt.Errorf("not served within %s", crdWait))
	defer cancel()
	return dynamic.WaitServed(ctx, d, crds...)
}

// readCRDs returns the definitions of a file or a folder, at least one.
func readCRDs(path string) ([]*unstructured.Unstructured, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	files := []string{path}
	if info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, err
		}
		files = nil
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, ext) {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
	}
	var crds []*unstructured.Unstructured
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		for object, err := range dynamic.Decode(file) {
			if err != nil {
				file.Close()
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if gvk := object.GroupVersionKind(); gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition" {
				crds = append(crds, object)
			}
		}
		file.Close()
	}
	if len(crds) == 0 {
		return nil, fmt.Errorf("%s has no CustomResourceDefinition", path)
	}
	return crds, nil
}
