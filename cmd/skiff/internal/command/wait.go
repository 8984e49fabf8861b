package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/output"
)

const (
	// waitTimeout is the default of wait's --timeout.
	waitTimeout = 30 * time.Second
	// maxWaits is how many objects are waited for at once: each takes a watch.
	maxWaits = 50
	// firstNews is when a line tells what a wait still waits for. The next ones come later and later,
	// at most lastNews apart.
	firstNews = 10 * time.Second
	lastNews  = 2 * time.Minute
)

type waiting struct {
	selection
	until   string
	timeout time.Duration
}

func newWait(f *cli.Factory) *cobra.Command {
	var o waiting
	cmd := &cobra.Command{
		Use:   "wait (TYPE NAME ... | TYPE/NAME ... | TYPE -l SELECTOR | -f FILE) --for CONDITION",
		Short: "Wait until objects meet a condition",
		Long: "Wait until objects meet a condition:\n\n" +
			"  condition=TYPE[=STATUS]     the status has such a condition, of the status True by default\n" +
			"  jsonpath='{PATH}'[=VALUE]   a field has a value, or has the one that is given\n" +
			"  create                      the object exists\n" +
			"  delete                      the object that is there now exists no more\n\n" +
			"The wait goes on while the server is away. It ends with an error after --timeout.",
		Example: "  skiff wait deploy/web --for condition=Available --timeout 5m\n" +
			"  skiff wait pod -l app=web --for jsonpath='{.status.phase}'=Running\n" +
			"  skiff wait pod/web-0 --for delete",
		GroupID:           groupRead,
		ValidArgsFunction: f.CompleteTargets("watch"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), f, args)
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&o.until, "for", "", "`condition` to wait for")
	cmd.Flags().DurationVar(&o.timeout, "timeout", waitTimeout,
		"how long to wait; 0 looks once, and negative means no limit")
	complete(cmd, "for", "condition=", "jsonpath=", "create", "delete")
	return cmd
}

func (o *waiting) run(ctx context.Context, f *cli.Factory, args []string) error {
	if _, err := parseCondition(o.until); err != nil {
		return err
	}
	targets, err := o.targets(ctx, f, "watch", args)
	switch {
	case err != nil:
		return err
	case len(targets) == 0 && o.until == "delete":
		return nil
	case len(targets) == 0:
		return errors.New("wait: no object matches")
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout,
			fmt.Errorf("the timeout of %v (--timeout) is over", o.timeout))
		defer cancel()
	}
	return waitFor(ctx, f, targets, o.until == "delete", func(t target) (client.Condition, func()) {
		until, _ := parseCondition(o.until)
		if o.until == "delete" {
			until = deletion(t.uid)
		}
		if o.timeout == 0 {
			until = once(until)
		}
		return until, func() { fmt.Fprintln(f.Out, t.String(), "condition met") }
	})
}

// parseCondition returns the condition that --for names. A condition has a state, and is for one
// object.
func parseCondition(text string) (client.Condition, error) {
	name, value, has := strings.Cut(text, "=")
	switch {
	case text == "":
		return client.Condition{}, cli.Usagef("--for is missing: condition=…, jsonpath=…, create or delete")
	case text == "delete":
		return deletion(""), nil
	case text == "create":
		return wait.Exists(), nil
	case name == "condition" && value != "":
		condition, status, has := strings.Cut(value, "=")
		if !has {
			status = "True"
		}
		if condition == "" || status == "" {
			return client.Condition{}, cli.Usagef("--for %q: want condition=TYPE[=STATUS]", text)
		}
		return existing(wait.Condition(condition, status)), nil
	case name == "jsonpath" && has:
		until, err := fieldCondition(value)
		if err != nil {
			return client.Condition{}, cli.Usagef("--for %q: %w", text, err)
		}
		return existing(until), nil
	}
	return client.Condition{}, cli.Usagef(
		"--for %q: want condition=TYPE[=STATUS], jsonpath='{PATH}'[=VALUE], create or delete", text)
}

// fieldCondition is the condition {PATH}[=VALUE].
func fieldCondition(text string) (client.Condition, error) {
	expression, want, has := text, "", false
	if i := strings.LastIndex(text, "}"); i >= 0 && strings.HasPrefix(text, "{") {
		expression = text[:i+1]
		if rest := text[i+1:]; rest != "" {
			if want, has = strings.CutPrefix(rest, "="); !has {
				return client.Condition{}, fmt.Errorf("want = behind the path")
			}
		}
	} else {
		expression, want, has = strings.Cut(text, "=")
	}
	if has && want == "" {
		return client.Condition{}, errors.New("the value behind = is empty")
	}
	path, err := output.ParsePath(expression)
	if err != nil {
		return client.Condition{}, err
	}
	name := "have " + expression
	if has {
		name += " = " + want
	}
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		values, err := path.Values(s.Object)
		if err != nil {
			return false, "", err
		}
		if len(values) == 0 {
			return false, "there is no such field", nil
		}
		for _, v := range values {
			if text := textOf(v); has && text != want {
				return false, expression + " is " + text, nil
			}
		}
		return true, expression + " is there", nil
	}}, nil
}

// textOf returns a value of a field as a user writes it.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// existing is a condition of an object that has to be there.
func existing(c client.Condition) client.Condition {
	met := c.Met
	c.Met = func(s client.Seen) (bool, string, error) {
		if s.Object == nil {
			return false, "it does not exist", errors.New("it does not exist")
		}
		return met(s)
	}
	return c
}

// once is a condition that is looked at once.
func once(c client.Condition) client.Condition {
	met := c.Met
	c.Met = func(s client.Seen) (bool, string, error) {
		ok, seen, err := met(s)
		if !ok && err == nil {
			err = errors.New("it is not so now (--timeout 0)")
		}
		return ok, seen, err
	}
	return c
}

// deletion is met when the object with the uid exists no more. With uid "" it is about the object that
// is seen first.
func deletion(uid types.UID) client.Condition {
	c := wait.Deleted(uid)
	c.Met = func(s client.Seen) (bool, string, error) {
		if u := (unstructured.Unstructured{Object: s.Object}); uid == "" && s.Object != nil {
			uid = u.GetUID()
		}
		return wait.Deleted(uid).Met(s)
	}
	return c
}

// anyObject is an object of any kind, of which only the metadata is decoded.
type anyObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

// waitFor waits for all targets at once. condition returns what is waited for, and a function that is
// called when it is met, under a lock. If that is their deletion, an object whose resource is not served
// any more is deleted. The error joins those of the targets.
func waitFor(
	ctx context.Context, f *cli.Factory, targets []target, deletion bool,
	condition func(target) (until client.Condition, met func()),
) error {
	c, err := f.REST()
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards errs, and the output
	errs := make([]error, len(targets))
	slots := make(chan struct{}, maxWaits)
	var running sync.WaitGroup
	for i, t := range targets {
		running.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				errs[i] = fmt.Errorf("wait for %s: %w", t, context.Cause(ctx))
				return
			}
			until, met := condition(t)
			objects := client.Of[anyObject](c, client.WithKind(t.resource.Info))
			until, stop := withNews(f, &mu, t, until)
			_, err := objects.In(t.namespace).WaitFor(ctx, t.name, until)
			stop()
			if deletion && apierrors.IsNotFound(err) {
				err = nil
			}
			mu.Lock()
			defer mu.Unlock()
			if errs[i] = err; err == nil {
				met()
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// withNews makes a condition tell what is still waited for, from time to time, until stop is called.
func withNews(
	f *cli.Factory, mu *sync.Mutex, t target, c client.Condition,
) (told client.Condition, stop func()) {
	var lock sync.Mutex // guards last
	last := "nothing, the server has not answered"
	met := c.Met
	c.Met = func(s client.Seen) (bool, string, error) {
		ok, seen, err := met(s)
		lock.Lock()
		defer lock.Unlock()
		last = seen
		return ok, seen, err
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for pause := firstNews; ; pause = min(2*pause, lastNews) {
			select {
			case <-done:
				return
			case <-time.After(pause):
			}
			lock.Lock()
			seen := last
			lock.Unlock()
			mu.Lock()
			fmt.Fprintf(f.Err, "%s: still waiting for it to %s; last seen: %s\n", t, c.Name, seen)
			mu.Unlock()
		}
	})
	return c, func() {
		close(done)
		running.Wait()
	}
}
