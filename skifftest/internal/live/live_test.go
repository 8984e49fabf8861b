package live

import (
	"errors"
	"fmt"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

// end is what a TB of this test answers.
type end struct {
	controlplane.TB
	text string
}

func (e *end) Helper()                        {}
func (e *end) Skipf(format string, _ ...any)  { e.text += "skipped" }
func (e *end) Fatalf(format string, _ ...any) { e.text += "failed" }

// Without a binary a test is skipped, and what else goes wrong fails it.
func TestSkipsWithoutABinary(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("look: %w", controlplane.ErrNoBinary), "skipped"},
		{errors.New("it does not start"), "failed"},
	} {
		e := &end{}
		orSkip{e}.Fatalf("%v\nmake devcluster", test.err)
		if e.text != test.want {
			t.Errorf("%v: the test is %s, want %s", test.err, e.text, test.want)
		}
	}
}
