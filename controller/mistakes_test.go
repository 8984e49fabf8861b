package controller

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// unknown is a type that nobody has registered.
type unknown struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

// Each mistake that is easily made does not compile, or is an error at once.
func TestMistakesAreErrorsAtOnce(t *testing.T) {
	for _, tt := range []struct{ name, program, says string }{
		{"a pointer type", "./testdata/pointer", `*"k8s.io/api/core/v1".Pod`},
		{"a type without metadata", "./testdata/nometadata", "PodSpec"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "go", "build", "-o", t.TempDir(), tt.program).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "does not satisfy") || !strings.Contains(string(out), tt.says) {
				t.Errorf("go build: %v\n%s", err, out)
			}
		})
	}
	running := func(s *stage) (stop func() error) {
		stop, _ = start(s.factory.Run)
		time.Sleep(time.Second)
		return stop
	}
	for _, tt := range []struct {
		name string
		err  func(s *stage) error
		is   func(error) bool
		says string
	}{
		{"an unregistered type, its controller", func(s *stage) error {
			return New("test", noop, For(informer.For[unknown](s.factory))).Run(t.Context())
		}, is[*kind.UnknownError], "controller.unknown"},
		{"an unregistered type, its factory", func(s *stage) error {
			informer.For[unknown](s.factory)
			return s.factory.Run(t.Context())
		}, is[*kind.UnknownError], "controller.unknown"},
		{"an unregistered type, its lister", func(s *stage) error {
			_, err := informer.For[unknown](s.factory).Lister().Get("n", "a")
			return err
		}, is[*kind.UnknownError], "controller.unknown"},
		{"a bare name in ByKey", func(s *stage) error {
			maps := s.configMaps()
			defer running(s)()
			_, err := maps.Lister().ByKey("a")
			return err
		}, is[*kind.MisuseError], `"a"`},
		{"a lister before its informer is in sync", func(s *stage) error {
			_, err := s.configMaps().Lister().Get("n", "a")
			return err
		}, is[*informer.NotSyncedError], "configmaps"},
		{"one factory under two contexts", func(s *stage) error {
			s.configMaps()
			defer running(s)()
			return s.factory.Start(context.WithValue(context.Background(), s, s))
		}, is[*kind.MisuseError], "another context"},
		{"one factory under two contexts, in Run", func(s *stage) error {
			maps := s.configMaps()
			defer running(s)()
			return Run(context.Background(), s.factory, New("test", noop, For(maps)))
		}, is[*kind.MisuseError], "runs already"},
		{"an empty name", func(s *stage) error {
			return New("", noop, For(s.configMaps())).Run(t.Context())
		}, nil, "no name"},
		{"a nil Reconcile", func(s *stage) error {
			return New("test", nil, For(s.configMaps())).Run(context.Background())
		}, nil, `run controller "test": its Reconcile is nil`},
		{"a nil Reconcile, in Run", func(s *stage) error {
			return Run(context.Background(), s.factory, New("test", nil, For(s.configMaps())))
		}, nil, `run controller "test": its Reconcile is nil`},
		{"a controller whose cache stops", func(s *stage) error {
			c := New("test", noop, For(s.configMaps()), s.logger())
			stop := running(s)
			_, ended := start(c.Run)
			synctest.Wait()
			_ = stop()
			return <-ended
		}, is[*informer.StoppedError], "informer configmaps: stopped"},
		{"no For", func(s *stage) error {
			return New("test", noop, Owns(s.configMaps())).Run(context.Background())
		}, nil, "no For"},
		{"For two kinds", func(s *stage) error {
			return New("test", noop, For(s.configMaps()), For(s.secrets())).Run(context.Background())
		}, nil, "For v1 ConfigMap and For v1 Secret"},
		{"a source of two controllers", func(s *stage) error {
			source := For(s.configMaps())
			New("first", noop, source)
			return New("test", noop, source).Run(context.Background())
		}, nil, "was given to New before"},
		{"a negative number of workers", func(s *stage) error {
			return New("test", noop, For(s.configMaps()), Workers(-1)).Run(context.Background())
		}, nil, "-1 workers"},
		{"a nil informer", func(*stage) error {
			return New("test", noop, For[corev1.ConfigMap](nil)).Run(context.Background())
		}, nil, "For: its informer is nil"},
		{"a nil function", func(s *stage) error {
			return New("test", noop, For(s.configMaps()), Watches[corev1.Secret, Key](s.secrets(), nil)).Run(context.Background())
		}, nil, "Watches: its function is nil"},
		{"a nil predicate within others", func(s *stage) error {
			deep := Or(GenerationChanged, And(LabelsChanged, Not(nil)))
			return New("test", noop, For(s.configMaps()).When(deep)).Run(t.Context())
		}, nil, "For: When has a nil predicate"},
		{"a nil predicate", func(s *stage) error {
			return New("test", noop, For(s.configMaps()).When(GenerationChanged, nil)).Run(context.Background())
		}, nil, "For: When has a nil predicate"},
		{"a nil function in Where", func(s *stage) error {
			return New("test", noop, For(s.configMaps()).Where(nil)).Run(context.Background())
		}, nil, "For: Where has a nil function"},
		{"a nil *Informer in Reads", func(s *stage) error {
			var none *informer.Informer[corev1.Secret]
			return New("test", noop, For(s.configMaps()), Reads(none)).Run(context.Background())
		}, nil, "Reads: its informer is nil"},
		{"a nil informer in Reads", func(s *stage) error {
			return New("test", noop, For(s.configMaps()), Reads([]informer.Untyped{nil}...)).Run(context.Background())
		}, nil, "Reads: its informer is nil"},
		{"an unregistered type in Reads", func(s *stage) error {
			return New("test", noop, For(s.configMaps()), Reads(informer.For[unknown](s.factory))).Run(context.Background())
		}, is[*kind.UnknownError], "Reads: "},
		{"a second Run", func(s *stage) error {
			c := New("test", noop, For(s.configMaps()), s.logger())
			stop, _ := start(c.Run)
			synctest.Wait()
			defer stop()
			return c.Run(context.Background())
		}, nil, "it was run before"},
		{"a nil controller", func(s *stage) error {
			return Run(context.Background(), s.factory, nil)
		}, nil, "a controller is nil"},
		{"a nil factory", func(s *stage) error {
			return Run(context.Background(), nil)
		}, nil, "the factory is nil"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				err := tt.err(newStage(t))
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("it takes %v", took)
				}
				if err == nil || !strings.Contains(err.Error(), tt.says) || tt.is != nil && !tt.is(err) {
					t.Errorf("the error is %T: %[1]v; want one that says %q", err, tt.says)
				}
			})
		})
	}
}

// is reports whether err is, or wraps, an E.
func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}
