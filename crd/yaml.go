package crd

import (
	"bytes"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// YAML returns definitions as a stream of YAML documents, for kubectl apply and for charts. Keys are
// sorted, so that the same definitions give the same bytes.
func YAML(crds ...*unstructured.Unstructured) ([]byte, error) {
	var out bytes.Buffer
	for i, u := range crds {
		if u == nil {
			return nil, fmt.Errorf("write CustomResourceDefinition %d as YAML: it is nil", i+1)
		}
		data, err := yaml.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("write CustomResourceDefinition %s as YAML: %w", u.GetName(), err)
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.Bytes(), nil
}

// Into fills another Go type of CustomResourceDefinitions, through JSON: that of package
// k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1, for example. theirs is a pointer to it. A
// field that it does not have is an error, and theirs is then in an undefined state.
func Into(u *unstructured.Unstructured, theirs any) error {
	if u == nil {
		return fmt.Errorf("read a CustomResourceDefinition into %T: it is nil", theirs)
	}
	data, err := json.Marshal(u.Object)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		err = d.Decode(theirs)
	}
	if err != nil {
		return fmt.Errorf("read CustomResourceDefinition %s into %T: %w", u.GetName(), theirs, err)
	}
	return nil
}
