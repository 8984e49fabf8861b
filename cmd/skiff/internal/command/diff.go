package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/dynamic"
)

// differ prints what an apply changes: the difference between the stored object and the result of a
// dry run.
type differ struct {
	f         *cli.Factory
	client    *dynamic.Client
	unchecked bool // an object needs what the dry run does not store
	err       error
}

// print prints the difference of one object. Errors of the dry run are the caller's.
func (d *differ) print(ctx context.Context, a dynamic.Applied) {
	name := appliedName(a)
	if errors.Is(a.Err, dynamic.ErrNotChecked) {
		d.unchecked = true
		fmt.Fprintf(d.f.Err, "%s: new, and not checked: its namespace or its definition is new, too\n", name)
		return
	}
	if a.Err != nil || d.err != nil {
		return
	}
	live, err := d.client.Resource(a.Resource.GVR()).Namespace(a.Stored.GetNamespace()).
		Get(ctx, a.Stored.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		live = nil
	case err != nil:
		d.err = err
		return
	}
	text, err := difference(name, live, a.Stored)
	if err != nil {
		d.err = fmt.Errorf("compare %s: %w", name, err)
		return
	}
	if cli.Colour(d.f.Out) {
		text = coloured(text)
	}
	if _, err := fmt.Fprint(d.f.Out, text); err != nil {
		d.err = err
	}
}

// difference returns the difference of two states of an object as a unified diff of their YAML. live is
// nil if there is none.
func difference(name string, live, next *unstructured.Unstructured) (string, error) {
	next = next.DeepCopy()
	before := ""
	if live != nil {
		live = live.DeepCopy()
		hideSecrets(live, next)
		var err error
		if before, err = comparable(live); err != nil {
			return "", err
		}
	} else {
		hideSecrets(nil, next)
		for _, field := range []string{"uid", "creationTimestamp"} { // of this dry run only
			unstructured.RemoveNestedField(next.Object, "metadata", field)
		}
	}
	after, err := comparable(next)
	if err != nil {
		return "", err
	}
	return udiff.Unified("live/"+name, "applied/"+name, before, after), nil
}

// comparable returns the YAML of an object without the server's records of each write.
func comparable(u *unstructured.Unstructured) (string, error) {
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	text, err := yaml.Marshal(u.Object)
	return string(text), err
}

// hideSecrets replaces the values of Secrets. Values that differ stay different.
func hideSecrets(live, next *unstructured.Unstructured) {
	if gvk := next.GroupVersionKind(); gvk.Group != "" || gvk.Kind != "Secret" {
		return
	}
	values := func(u *unstructured.Unstructured) map[string]any {
		if u == nil {
			return nil
		}
		data, _ := u.Object["data"].(map[string]any)
		return data
	}
	before, after := values(live), values(next)
	for key, value := range after {
		old, there := before[key]
		switch {
		case !there:
			after[key] = "***"
			continue
		case old == value:
			before[key], after[key] = "***", "***"
		default:
			before[key], after[key] = "*** (before)", "*** (after)"
		}
	}
	for key, value := range before {
		if _, there := after[key]; !there && value != nil {
			before[key] = "***"
		}
	}
}

// coloured returns a unified diff with the colours of a terminal.
func coloured(diff string) string {
	var out strings.Builder
	for line := range strings.Lines(diff) {
		colour := ""
		switch line[0] {
		case '-':
			colour = "\x1b[31m"
		case '+':
			colour = "\x1b[32m"
		case '@':
			colour = "\x1b[36m"
		}
		if colour == "" {
			out.WriteString(line)
			continue
		}
		text, end := strings.CutSuffix(line, "\n")
		out.WriteString(colour + text + "\x1b[0m")
		if end {
			out.WriteByte('\n')
		}
	}
	return out.String()
}
