// Package ingresses measures a controller under load: many Services are annotated at once, and each is
// to get an Ingress. The same controller is written on skiff (cmd/ingress-skiff) and on controller-runtime
// (cmd/ingress-ctrl), and runs against a real control plane.
package ingresses

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// The figures, by their names in Samples.
const (
	writes = "writes" // of Ingresses, for each Service
	rss    = "rss"    // peak, above that of the idle program
	cpu    = "cpu"
	p50    = "p50"
	p99    = "p99"
)

// The sides.
const (
	skiff = stats.Side("skiff")
	ctrl  = stats.Side("controller-runtime")
)

const (
	// annotators is how many requests annotate Services at a time.
	annotators = 20
	// patience is how long a run may take.
	patience = 3 * time.Minute
)

// Bench is a measurement.
type Bench struct {
	Programs       string // the folder of ingress-skiff and ingress-ctrl
	Services, Runs int
	Progress       io.Writer // a line for each run

	Samples stats.Samples

	cluster *controlplane.Cluster
	client  *rest.Client
}

// Run starts a control plane, and runs the two programs by turns.
func (b *Bench) Run(ctx context.Context) error {
	b.Samples = stats.Samples{}
	var err error
	if b.cluster, err = controlplane.Run(ctx, controlplane.WithoutControllerManager()); err != nil {
		return err
	}
	defer b.cluster.Stop()
	if b.client, err = rest.NewClient(b.cluster.Config()); err != nil {
		return err
	}
	defer b.client.CloseIdleConnections()
	sides := []stats.Side{skiff, ctrl}
	for n := range b.Runs {
		for _, s := range sides {
			if err := b.turn(ctx, s, fmt.Sprintf("run-%d-%s", n, s)); err != nil {
				return fmt.Errorf("run %d, %s: %w", n+1, s, err)
			}
		}
		slices.Reverse(sides)
	}
	return nil
}

// turn is one run of one side.
func (b *Bench) turn(ctx context.Context, side stats.Side, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	idle, err := b.start(ctx, side, "idle")
	if err != nil {
		return err
	}
	empty, _, err := idle.usage()
	if err := errors.Join(err, idle.stop()); err != nil {
		return err
	}
	if err := b.fill(ctx, namespace); err != nil {
		return err
	}
	p, err := b.start(ctx, side)
	if err != nil {
		return err
	}
	err = b.load(ctx, side, p, namespace, empty)
	// The controller ends before the Ingresses, or it would make them again.
	return errors.Join(err, p.stop(), b.clear(ctx, namespace))
}

// load annotates the Services, and takes the figures. empty is the memory of the idle program.
func (b *Bench) load(ctx context.Context, side stats.Side, p *process, namespace string, empty int64) error {
	before, err := b.written(ctx)
	if err != nil {
		return err
	}
	took, err := b.annotate(ctx, namespace)
	if err != nil {
		return err
	}
	after, err := b.written(ctx)
	if err != nil {
		return err
	}
	peak, used, err := p.usage()
	if err != nil {
		return err
	}
	b.Samples.Add(writes, side, float64(after-before)/float64(b.Services))
	b.Samples.Add(rss, side, float64(peak-empty))
	b.Samples.Add(cpu, side, used.Seconds())
	b.Samples.Add(p50, side, stats.Quantile(took, 0.5))
	b.Samples.Add(p99, side, stats.Quantile(took, 0.99))
	fmt.Fprintf(b.Progress, "ingresses: %s: %d writes, %.1f MB above %.1f, %s of CPU, median %.2f s, p99 %.2f s\n", side, after-before,
		float64(peak-empty)/1e6, float64(empty)/1e6, used, stats.Quantile(took, 0.5), stats.Quantile(took, 0.99))
	return nil
}

// fill makes a namespace of Services that ask for nothing yet.
func (b *Bench) fill(ctx context.Context, namespace string) error {
	_, err := client.Of[corev1.Namespace](b.client).Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	services := client.Of[corev1.Service](b.client).In(namespace)
	return b.each(func(name string) error {
		_, err := services.Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
			// Without an address of its own: the range has fewer than there are runs.
			Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		return err
	})
}

func (b *Bench) clear(ctx context.Context, namespace string) error {
	return errors.Join(
		client.Of[networkingv1.Ingress](b.client).In(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
		client.Of[corev1.Service](b.client).In(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
}

// each calls f for each Service's name, several at a time, and returns the first error.
func (b *Bench) each(f func(name string) error) error {
	names := make(chan string)
	errs := make(chan error, annotators)
	var workers sync.WaitGroup
	for range annotators {
		workers.Go(func() {
			for name := range names {
				if err := f(name); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for i := range b.Services {
		names <- fmt.Sprint("web-", i)
	}
	close(names)
	workers.Wait()
	close(errs)
	return <-errs
}

// annotate annotates all Services, and returns for each how many seconds after the server's answer its
// Ingress was seen.
func (b *Bench) annotate(ctx context.Context, namespace string) ([]float64, error) {
	var mu sync.Mutex
	asked, came := map[string]time.Time{}, map[string]time.Time{}
	all := make(chan struct{})
	factory := informer.NewFactory(b.client, informer.Namespace(namespace))
	informer.For[networkingv1.Ingress](factory).AddHandler(informer.Handler[networkingv1.Ingress]{
		OnAdd: func(item informer.Item[networkingv1.Ingress]) {
			mu.Lock()
			defer mu.Unlock()
			if _, again := came[item.Name()]; again {
				return
			}
			if came[item.Name()] = time.Now(); len(came) == b.Services {
				close(all)
			}
		},
	})
	watching, stop := context.WithCancel(ctx)
	defer factory.Wait()
	defer stop()
	if err := factory.Start(watching); err != nil {
		return nil, err
	}
	if err := factory.WaitForSync(ctx); err != nil {
		return nil, err
	}
	services := client.Of[corev1.Service](b.client).In(namespace)
	patch := []byte(`{"metadata":{"annotations":{"` + Annotation + `":"true"}}}`)
	err := b.each(func(name string) error {
		_, err := services.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		mu.Lock()
		defer mu.Unlock()
		asked[name] = time.Now()
		return err
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-all:
	case <-ctx.Done():
		return nil, fmt.Errorf("%d of %d Ingresses: %w", len(came), b.Services, context.Cause(ctx))
	}
	var took []float64
	for name, at := range asked {
		took = append(took, max(0, came[name].Sub(at).Seconds()))
	}
	return took, nil
}

// written returns how many writes of Ingresses the API server has carried out, by its metrics.
func (b *Bench) written(ctx context.Context) (int, error) {
	text, err := b.client.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, err
	}
	return countWrites(string(text)), nil
}

func countWrites(metrics string) (n int) {
	for line := range strings.Lines(metrics) {
		rest, ok := strings.CutPrefix(line, "apiserver_request_total{")
		labels, value, _ := strings.Cut(rest, "} ")
		if !ok || !strings.Contains(labels, `resource="ingresses"`) || !strings.Contains(labels, `code="2`) {
			continue
		}
		for _, verb := range []string{"POST", "PUT", "PATCH", "APPLY", "DELETE"} {
			if strings.Contains(labels, `verb="`+verb+`"`) {
				count, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
				n += int(count)
			}
		}
	}
	return n
}

// process is a running side.
type process struct {
	cmd    *exec.Cmd
	faults *bytes.Buffer // what skiff's side has written to its stderr: reconciles that failed
}

// start starts a side, and waits until it is ready.
func (b *Bench) start(ctx context.Context, side stats.Side, args ...string) (*process, error) {
	program := map[stats.Side]string{skiff: "ingress-skiff", ctrl: "ingress-ctrl"}[side]
	cmd := exec.CommandContext(ctx, filepath.Join(b.Programs, program), append([]string{b.cluster.Kubeconfig()}, args...)...)
	cmd.Stderr = os.Stderr
	var faults bytes.Buffer
	if side == skiff { // whose cache knows its own writes: nothing of it fails
		cmd.Stderr = &faults
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	p := &process{cmd, &faults}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || strings.TrimSpace(line) != Ready {
		return nil, errors.Join(fmt.Errorf("it is not ready: %q, %w", line, err), p.stop())
	}
	return p, nil
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := p.cmd.Wait()
	if text := p.faults.Bytes(); len(text) > 0 {
		first, _, _ := bytes.Cut(text, []byte("\n"))
		err = errors.Join(err, fmt.Errorf("%s: %d lines of faults, the first is: %s",
			p.cmd.Path, bytes.Count(text, []byte("\n")), first))
	}
	return err
}

// usage returns the peak of the process's memory in bytes, and its CPU time.
func (p *process) usage() (peak int64, used time.Duration, err error) {
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if peak, err = strconv.ParseInt(kilobytes, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("read VmHWM of %sstatus: %w", dir, err)
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return 0, 0, err
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the program's name may have spaces
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("read %sstat: %q", dir, stat)
	}
	for _, ticks := range fields[11:13] { // utime, stime (proc_pid_stat(5)), of 10 ms
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read %sstat: %w", dir, err)
		}
		used += time.Duration(n) * 10 * time.Millisecond
	}
	return peak << 10, used, nil
}
