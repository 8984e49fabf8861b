package operator_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/klog/v2"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

// What apimachinery logs with klog is in the program's log, in its form.
func TestKlogIsLedToTheLogger(t *testing.T) {
	before := slog.Default()
	defer func() {
		klog.ClearLogger()
		slog.SetDefault(before)
	}()
	var text, data bytes.Buffer
	operator.SetLogger(operator.NewLogger(&text, slog.LevelWarn, "text"))
	klog.Info("too low")
	klog.Error("by klog")
	slog.Warn("by slog")
	operator.SetLogger(operator.NewLogger(&data, slog.LevelInfo, "json"))
	klog.InfoS("by klog", "key", "value")
	if got := text.String(); strings.Contains(got, "too low") || !strings.Contains(got, `level=ERROR msg="by klog"`) ||
		!strings.Contains(got, `level=WARN msg="by slog"`) {
		t.Errorf("the log is %s", got)
	}
	if got := data.String(); !strings.Contains(got, `"msg":"by klog","key":"value"`) {
		t.Errorf("the log is %s", got)
	}
}

// With several clusters an informer is named with its server, and the one that is cut off is named alone.
func TestSeveralClusters(t *testing.T) {
	good, _ := inMemory(t)
	c, err := rest.NewClient(&rest.Config{Host: "http://127.0.0.1:1", Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	bad := informer.NewFactory(c, informer.Logger(logger(t)))
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{good, bad}, Settings: anyPort, Logger: logger(t)},
		controller.New("a", nothing, controller.For(pods(good))),
		controller.New("b", func(context.Context, controller.Key) (controller.Result, error) {
			t.Error("it reconciles without a cache")
			return controller.Result{}, nil
		}, controller.For(pods(bad)))))
	r.until("the first cluster's cache is there", func() bool {
		_, body := r.get(1, "/readyz/informer-sync")
		return strings.HasPrefix(body, "[-]informer-sync failed: no initial list yet: pods of 127.0.0.1:1 (") && !strings.Contains(body, "server.example")
	})
	if _, body := r.get(0, "/metrics"); !strings.Contains(body, `skiff_informer_synced{host="127.0.0.1:1",informer="pods",resource="pods"} 0`) ||
		!strings.Contains(body, `skiff_informer_synced{host="server.example",informer="pods",resource="pods"} 1`) {
		t.Errorf("/metrics: %s", body)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}
