package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

// measured is what client-go's informer cache needs for an object, beside the object's bytes as the
// server sends them, managedFields included. Source: bench/RESULTS.md, "Memory of what is cached" and
// "Workload"; a test compares the two.
type measured struct{ cached, received float64 }

func (m measured) ratio() float64 { return m.cached / m.received }

// The kinds that bench measures, by group and resource. "" stands for custom resources.
var measuredKinds = map[string]measured{
	"pods":                            {18134, 6166},
	"configmaps":                      {7121, 4714},
	"nodes":                           {21189, 11922},
	"endpointslices.discovery.k8s.io": {27010, 9543},
	"":                                {6443, 4125},
}

// clientGo returns how many bytes client-go's informer needs for a byte that it receives of a resource,
// and whether that was measured for the resource, or is the least of those that were.
func clientGo(resource string, format wire.Format) (ratio float64, exact bool) {
	if m, ok := measuredKinds[resource]; ok && resource != "" && format == wire.Protobuf {
		return m.ratio(), true
	}
	if format == wire.JSON {
		return measuredKinds[""].ratio(), false
	}
	return measuredKinds["configmaps"].ratio(), false
}

// cacheReport is what top-cache prints. Sizes are in bytes.
type cacheReport struct {
	Resource      string `json:"resource"`
	Namespace     string `json:"namespace,omitempty"`
	Objects       int    `json:"objects"`
	Format        string `json:"format"`
	ReceivedBytes int64  `json:"receivedBytes"` // with managedFields
	PackedBytes   int64  `json:"packedBytes"`   // with the bases
	HeapBytes     int64  `json:"heapBytes"`     // all that the cache takes
	ClientGoBytes int64  `json:"clientGoBytes"` // estimated
	ClientGoExact bool   `json:"clientGoMeasuredForResource"`
}

type topCache struct {
	f      *cli.Factory
	output string
}

func newTopCache(f *cli.Factory) *cobra.Command {
	o := topCache{f: f}
	cmd := &cobra.Command{
		Use:   "top-cache TYPE",
		Short: "Print how much memory skiff's cache needs for a resource, and client-go's",
		Long: "top-cache lists a resource once and packs it as an informer of skiff does. It prints how much " +
			"memory that takes, and how much client-go's informer would need by the ratio that skiff's " +
			"benchmark has measured (bench/RESULTS.md, \"Memory of what is cached\").\n\n" +
			"Without --namespace it reads all namespaces.",
		Example:           "  skiff top-cache pods",
		GroupID:           groupRead,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.CompleteTargets("list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "`format`: json or yaml")
	complete(cmd, "output", "json", "yaml")
	return cmd
}

func (o *topCache) run(ctx context.Context, name string) error {
	if o.output != "" && o.output != "json" && o.output != "yaml" {
		return cli.Usagef("--output %q: want json or yaml", o.output)
	}
	r, err := o.f.Resource(ctx, name)
	if err != nil {
		return err
	}
	namespace, chosen, err := o.f.Namespace()
	if err != nil {
		return err
	}
	if !chosen || !r.Info.Namespaced {
		namespace = ""
	}
	report := cacheReport{Resource: r.Info.GVR().GroupResource().String(), Namespace: namespace}
	if err := o.measure(ctx, r, &report); err != nil {
		return err
	}
	return o.print(&report)
}

// measure lists the resource into a store.
func (o *topCache) measure(ctx context.Context, r discovery.Resource, report *cacheReport) error {
	c, err := o.f.REST()
	if err != nil {
		return err
	}
	progress := o.f.Progress("objects")
	defer progress.Close()

	before := heap()
	cache := store.New(store.Options{})
	arena := wire.NewArena(1 << 20)
	packed := wire.Options{Arena: func() *wire.Arena { arena.Reset(); return arena }}
	opts := metav1.ListOptions{Limit: list.DefaultChunk}
	format := wire.Format(0)
	for {
		req := c.GroupVersion(r.Info.GVK().GroupVersion()).Get().Resource(r.Info.Resource).
			Namespace(report.Namespace).VersionedParams(&opts)
		stream, err := req.List(ctx, wire.Options{APIVersion: r.Info.APIVersion(), Kind: r.Info.Kind,
			KeepManagedFields: true})
		if err != nil {
			return cli.Describe("list", r.Info, "", err)
		}
		err = pack(stream, func(received wire.Object) error {
			format = received.Format
			report.ReceivedBytes += int64(len(received.Data))
			packed.APIVersion, packed.Kind = received.APIVersion, received.Kind
			object, err := wire.ReadObject(received.Data, received.Format, packed)
			if err != nil {
				return err
			}
			cache.Set(object)
			report.Objects++
			progress.Count(report.Objects)
			return nil
		})
		_ = stream.Close()
		if err != nil {
			return cli.Describe("list", r.Info, "", err)
		}
		next := stream.Meta().Continue
		if next == "" {
			break
		}
		if next == opts.Continue {
			return fmt.Errorf("list %s, after %d objects: the server repeats a continue token, so the "+
				"list has no end", report.Resource, report.Objects)
		}
		opts.Continue = next
	}
	cache.Rest()
	arena, packed.Arena = nil, nil
	report.HeapBytes = max(heap()-before, 0)
	stats := cache.Stats()
	report.Objects = stats.Objects
	report.PackedBytes = stats.PackedBytes + stats.BaseBytes
	if format != 0 {
		report.Format = format.String()
	}
	ratio, exact := clientGo(report.Resource, format)
	report.ClientGoBytes, report.ClientGoExact = int64(ratio*float64(report.ReceivedBytes)), exact
	runtime.KeepAlive(cache)
	return nil
}

// pack calls set with each object of a page.
func pack(stream interface{ Next() (wire.Object, error) }, set func(wire.Object) error) error {
	for {
		o, err := stream.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := set(o); err != nil {
			return err
		}
	}
}

// heap returns the size of what is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what has a finalizer goes in the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (o *topCache) print(r *cacheReport) error {
	switch o.output {
	case "json", "yaml":
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if text = append(indentJSON(text), '\n'); o.output == "yaml" {
			if text, err = yaml.JSONToYAML(text); err != nil {
				return err
			}
		}
		_, err = o.f.Out.Write(text)
		return err
	}
	each := func(bytes int64) string {
		if r.Objects == 0 {
			return ""
		}
		return thousands(bytes/int64(r.Objects)) + " B each"
	}
	t := columns.New(o.f.Out)
	t.Row("objects", thousands(int64(r.Objects)), "", r.Resource)
	if r.Objects > 0 {
		t.Row("received", thousands(r.ReceivedBytes)+" B", each(r.ReceivedBytes),
			r.Format+", with managedFields")
		t.Row("packed", thousands(r.PackedBytes)+" B", each(r.PackedBytes), "the objects, with bases")
		t.Row("skiff's cache", thousands(r.HeapBytes)+" B", each(r.HeapBytes),
			"all of its heap, indexes included")
		note, about := "measured for this resource", "about "
		if !r.ClientGoExact {
			note, about = "the least of those that were measured", "at least "
		}
		t.Row("client-go's", about+thousands(r.ClientGoBytes)+" B", each(r.ClientGoBytes),
			fmt.Sprintf("%.2f times what is received (bench/RESULTS.md): %s",
				float64(r.ClientGoBytes)/float64(r.ReceivedBytes), note))
	}
	return t.Flush()
}

// thousands returns a number with commas: 20,000.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
