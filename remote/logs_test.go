package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	webPod = `{"metadata":{"name":"web"},"spec":{"initContainers":[{"name":"init"}],"containers":[{"name":"app"},{"name":"side"}],"ephemeralContainers":[{"name":"debug"}]}}`
	dbPod  = `{"metadata":{"name":"db"},"spec":{"containers":[{"name":"app"}]}}`
)

// logServer serves two pods, and their logs by log.
func logServer(t testing.TB, log func(w http.ResponseWriter, r *http.Request, pod, container string)) *rest.Client {
	return apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path, _ := strings.CutPrefix(r.URL.Path, "/api/v1/namespaces/default/pods")
		switch {
		case path == "" && r.URL.RawQuery == "labelSelector=app%3Dweb":
			io.WriteString(w, `{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[`+dbPod+","+webPod+`]}`)
		case path == "":
			io.WriteString(w, `{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[]}`)
		case path == "/web":
			io.WriteString(w, `{"apiVersion":"v1","kind":"Pod",`+webPod[1:])
		case strings.HasSuffix(path, "/log"):
			w.Header().Set("Content-Type", "text/plain")
			log(w, r, strings.Split(path, "/")[1], r.URL.Query().Get("container"))
		default:
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"no such pod","code":404}`)
		}
	})
}

func TestLogAsksForWhatItsOptionsSay(t *testing.T) {
	c := logServer(t, func(w http.ResponseWriter, r *http.Request, _, _ string) {
		want := "container=app&follow=true&limitBytes=1000&previous=true&sinceSeconds=60&sinceTime=2026-11-26T00%3A00%3A00Z&tailLines=0&timestamps=true"
		if got := r.URL.Query().Encode(); got != want {
			t.Errorf("the query is %s, want %s", got, want)
		}
		io.WriteString(w, "a\nb")
	})
	log, err := Log(t.Context(), c, "default", "web", corev1.PodLogOptions{
		Container: "app", Follow: true, Previous: true, Timestamps: true, SinceSeconds: new(int64(60)), TailLines: new(int64(0)),
		LimitBytes: new(int64(1000)), SinceTime: &metav1.Time{Time: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if data, err := io.ReadAll(log); string(data) != "a\nb" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestLogErrors(t *testing.T) {
	c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, _ string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","message":"container is waiting to start"}`)
	})
	if _, err := Log(t.Context(), c, "default", "web", corev1.PodLogOptions{}); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "is waiting to start") {
		t.Errorf("the error is %v", err)
	}
	if _, err := Log(t.Context(), c, "default", "", corev1.PodLogOptions{}); !errors.As(err, new(*kind.MisuseError)) {
		t.Errorf("without a pod: %v", err)
	}
}

// logs reads a set, and returns what was written.
func logs(c *rest.Client, set LogSet, opts corev1.PodLogOptions) (string, error) {
	var out bytes.Buffer
	err := Logs(context.Background(), c, "default", set, opts, &out)
	return out.String(), err
}

func TestLogsOfAPodAndOfASelector(t *testing.T) {
	c := logServer(t, func(w http.ResponseWriter, r *http.Request, pod, container string) {
		if r.URL.Query().Get("tailLines") != "5" {
			t.Errorf("the query is %s", r.URL.RawQuery)
		}
		fmt.Fprintf(w, "%s one\n\n%s two", container, container)
	})
	opts := corev1.PodLogOptions{Container: "not used", TailLines: new(int64(5))}
	lines := func(pod, container string) string {
		p := "[pod/" + pod + "/" + container + "] "
		return p + container + " one\n" + p + "\n" + p + container + " two\n"
	}
	web := lines("web", "init") + lines("web", "app") + lines("web", "side") + lines("web", "debug")
	for _, tc := range []struct {
		set  LogSet
		want string
	}{
		{LogSet{Pod: "web"}, web},
		{LogSet{Selector: "app=web"}, lines("db", "app") + web},
		{LogSet{Selector: "app=web", Container: "side"}, lines("web", "side")},
		{LogSet{Selector: "app=web", DefaultOnly: true}, lines("db", "app") + lines("web", "app")},
		{LogSet{Selector: "app=web", Container: "app", NoPrefix: true}, "app one\n\napp two\napp one\n\napp two\n"},
	} {
		if got, err := logs(c, tc.set, opts); got != tc.want || err != nil {
			t.Errorf("%+v: error %v\n%s", tc.set, err, got)
		}
	}
}

func TestLogsOfNothing(t *testing.T) {
	c := logServer(t, nil)
	for name, tc := range map[string]struct {
		set LogSet
		ok  func(error) bool
	}{
		"no pod":           {LogSet{Selector: "app=none"}, func(e error) bool { return errors.Is(e, ErrNoContainer) }},
		"no container":     {LogSet{Pod: "web", Container: "none"}, func(e error) bool { return errors.Is(e, ErrNoContainer) }},
		"not found":        {LogSet{Pod: "none"}, apierrors.IsNotFound},
		"two containers":   {LogSet{Pod: "web", Container: "app", DefaultOnly: true}, func(e error) bool { return errors.As(e, new(*kind.MisuseError)) }},
		"neither":          {LogSet{}, func(e error) bool { return errors.As(e, new(*kind.MisuseError)) }},
		"pod and selector": {LogSet{Pod: "web", Selector: "app=web"}, func(e error) bool { return errors.As(e, new(*kind.MisuseError)) }},
	} {
		if _, err := logs(c, tc.set, corev1.PodLogOptions{}); !tc.ok(err) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestMaxFollow(t *testing.T) {
	c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, _ string) { io.WriteString(w, "x\n") })
	for limit, ok := range map[int]bool{3: false, 4: true, 5: true, -1: true, 0: true} {
		_, err := logs(c, LogSet{Pod: "web", MaxFollow: limit}, corev1.PodLogOptions{Follow: true})
		if (err == nil) != ok {
			t.Errorf("following 4 containers with a limit of %d: %v", limit, err)
		}
	}
	if _, err := logs(c, LogSet{Pod: "web", MaxFollow: 1}, corev1.PodLogOptions{}); err != nil {
		t.Errorf("one after the other: %v", err)
	}
}

// Lines come as they arrive, and none is cut, however the logs are cut into packets.
func TestFollowedLogsAreMergedByLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, container string) {
			wait := map[string]time.Duration{"init": 7, "app": 5, "side": 3, "debug": 2}[container] * time.Millisecond
			for range 50 {
				for _, piece := range []string{container[:1], container[1:], " says " + container, "\n"} {
					io.WriteString(w, piece)
					w.(http.Flusher).Flush()
					time.Sleep(wait)
				}
			}
		})
		out, err := logs(c, LogSet{Pod: "web"}, corev1.PodLogOptions{Follow: true})
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		counts := map[string]int{}
		for _, line := range all {
			counts[line]++
		}
		for _, name := range []string{"init", "app", "side", "debug"} {
			if n := counts["[pod/web/"+name+"] "+name+" says "+name]; n != 50 {
				t.Errorf("%d whole lines of %s", n, name)
			}
		}
		if slices.IsSorted(all) || len(all) != 200 {
			t.Errorf("%d lines, one log after the other: %v", len(all), slices.IsSorted(all))
		}
	})
}

// A line of any length stays whole.
func TestLongLines(t *testing.T) {
	prefix := "[pod/web/app] "
	for _, n := range []int{shortLine - 1, shortLine, shortLine + 1, maxLine - len(prefix) - 1, maxLine - len(prefix), maxLine + 1, 3*maxLine + 5} {
		for _, end := range []string{"\n", "\nafter\n", ""} {
			text := strings.Repeat("x", n) + end
			c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, _ string) { io.WriteString(w, text) })
			out, err := logs(c, LogSet{Pod: "web", Container: "app"}, corev1.PodLogOptions{Follow: true})
			want := prefix + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+prefix) + "\n"
			if err != nil || out != want {
				t.Errorf("a line of %d bytes and %q: error %v, %d bytes, want %d", n, end, err, len(out), len(want))
			}
		}
	}
}

// While a line that is too long to keep is written, no other comes between.
func TestALineThatIsTooLongToKeepStaysWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, container string) {
			if container == "app" {
				io.WriteString(w, strings.Repeat("x", maxLine+shortLine))
				w.(http.Flusher).Flush()
				time.Sleep(time.Minute)
				io.WriteString(w, "end\n")
				return
			}
			time.Sleep(time.Second)
			io.WriteString(w, "between\n")
		})
		out, err := logs(c, LogSet{Pod: "web", NoPrefix: true}, corev1.PodLogOptions{Follow: true})
		if err != nil || !strings.HasPrefix(out, strings.Repeat("x", maxLine+shortLine)+"end\nbetween\n") {
			t.Errorf("error %v, the line was cut, or never written: %d bytes", err, len(out))
		}
	})
}

func TestOneLogFailsAndTheOthersGoOn(t *testing.T) {
	for _, follow := range []bool{false, true} {
		c := logServer(t, func(w http.ResponseWriter, _ *http.Request, _, container string) {
			switch container {
			case "init":
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, "waiting to start")
			case "side":
				w.Header().Set("Content-Length", "100")
				io.WriteString(w, "half a li")
			default:
				io.WriteString(w, "fine\n")
			}
		})
		out, err := logs(c, LogSet{Pod: "web"}, corev1.PodLogOptions{Follow: follow})
		if !apierrors.IsBadRequest(err) || !errors.Is(err, io.ErrUnexpectedEOF) ||
			!strings.Contains(err.Error(), "pod default/web, container init: ") || !strings.Contains(err.Error(), "pod default/web, container side: ") {
			t.Errorf("the error is %v", err)
		}
		if strings.Count(out, "fine\n") != 2 || !strings.Contains(out, "half a li\n") {
			t.Errorf("the output is %q", out)
		}
	}
}

func TestLogsEndWithTheirWriterAndTheirContext(t *testing.T) {
	broken, enough := errors.New("broken"), errors.New("enough")
	for _, follow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := logServer(t, func(w http.ResponseWriter, r *http.Request, _, _ string) {
				io.WriteString(w, "a\n")
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			})
			opts := corev1.PodLogOptions{Follow: follow}
			fails := writer(func([]byte) (int, error) { return 0, broken })
			err := Logs(context.Background(), c, "default", LogSet{Pod: "web"}, opts, fails)
			if !errors.Is(err, broken) || errors.Is(err, context.Canceled) || err.Error() != "write the logs: broken" {
				t.Errorf("the writer fails: %v", err)
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			ends := writer(func(p []byte) (int, error) { cancel(enough); return len(p), nil })
			if err := Logs(ctx, c, "default", LogSet{Pod: "web"}, opts, ends); !errors.Is(err, context.Canceled) || !errors.Is(err, enough) {
				t.Errorf("the context ends: %v", err)
			}
		})
	}
}
