// Package crd makes a CustomResourceDefinition from a Go struct, without generated code.
package crd

import (
	_ "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	_ "github.com/skiff-k8s/skiff/client"
)
