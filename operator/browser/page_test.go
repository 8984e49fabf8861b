package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

const (
	namespace = "shop"
	bad       = "checkout-settings" // the key that fails for ever
)

// shop is an operator with two controllers on a control plane of its own.
type shop struct {
	cluster *controlplane.Cluster
	client  *rest.Client
	url     string // of its page
}

// newShop starts it. The controller settings writes a label and a hash to each ConfigMap, except to
// those whose data has an error: with that it fails.
func newShop(t *testing.T) *shop {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := &shop{cluster: controlplane.New(t, controlplane.WithoutControllerManager())}
	config := s.cluster.Config()
	config.Logger = log
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	s.client = c
	create(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	for _, name := range []string{"cart", "catalog", "payments", "search"} {
		s.configMap(t, namespace, name, "")
		create(t, s, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	}
	f := informer.NewFactory(c, informer.Logger(log), informer.Namespace(namespace))
	maps, services := informer.For[corev1.ConfigMap](f), informer.For[corev1.Service](f)
	writes := client.Of[corev1.ConfigMap](c)
	op := operator.New(operator.Options{Name: "shop-operator", Factories: []*informer.Factory{f}, Logger: log, NoSignals: true, NoMemoryLimit: true,
		Settings: operator.Settings{MetricsAddress: operator.Off, HealthAddress: operator.Off, DebugAddress: "127.0.0.1:0", Page: true, UnreachableAfter: time.Second}},
		controller.New("settings", func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
			m, err := maps.Lister().Get(key.Namespace, key.Name)
			if err != nil {
				return done, client.IgnoreNotFound(err)
			}
			if text := m.Data["error"]; text != "" {
				return done, errors.New(text)
			}
			_, err = writes.In(key.Namespace).Modify(ctx, key.Name, func(m *corev1.ConfigMap) error {
				m.Labels = map[string]string{"managed": "yes"}
				m.Annotations = map[string]string{"example.com/hash": "secret-value"}
				m.Data = map[string]string{"settings.json": "secret-value"}
				return nil
			})
			return done, err
		}, controller.For(maps), controller.Workers(2), controller.Logger(log)),
		controller.New("endpoints", func(context.Context, controller.Key) (controller.Result, error) {
			return controller.Result{}, nil
		}, controller.For(services), controller.Workers(2), controller.Logger(log)))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- op.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended with %v", err)
		}
	})
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(5 * time.Millisecond); op.Addresses().Debug == nil; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the operator does not listen")
		}
	}
	s.url = "http://" + op.Addresses().Debug.String() + "/debug/skiff/"
	return s
}

func create[T any, P kind.Object[T]](t *testing.T, s *shop, object P) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := client.Of[T, P](s.client).Create(ctx, object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// configMap makes one for which the controller fails with a text, unless it is "".
func (s *shop) configMap(t *testing.T, namespace, name, text string) {
	t.Helper()
	create(t, s, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"error": text}})
}

// row returns the selector of a row of a table, and of a part of it.
func row(table, name, part string) string {
	return fmt.Sprintf(`#%s tbody[data-name=%q] %s`, table, name, part)
}

// One operator is looked at as it is healthy, without its API server, and with a key that fails.
func TestThePage(t *testing.T) {
	s := newShop(t)
	browser := chromium(t)
	p := open(t, browser, s.url)
	maps := `configmaps in namespace "` + namespace + `"`
	informers := func(part string) string { return row("informers", maps, part) }

	t.Run("healthy", func(t *testing.T) {
		p.t = t
		p.until("all keys are reconciled", `document.querySelectorAll('#moved .row').length === 8
			&& [...document.querySelectorAll('#moved b')].every(b => b.innerText === 'reconciled')
			&& [...document.querySelectorAll('#controllers .state span')].every(s => s.innerText === '● idle')`)
		p.has("#name", "shop-operator")
		p.has("#live", "● live")
		p.has("#ready", "● ready")
		p.has("#leads", "● leads")
		p.has(informers(".name"), maps)
		p.has(informers(".state"), "● watching")
		p.has(informers(`[data-label=objects]`), "4")
		p.has(informers(`[data-label=lag]`), "none")
		p.has(row("controllers", "settings", ".state"), "● idle")
		p.has(row("controllers", "endpoints", `[data-label=workers]`), "0 of 2")
		p.has("#failing", "none")
		if got := p.text(informers(".last")) + p.text(informers(".next")); got != "" {
			t.Errorf("a healthy informer has %q", got)
		}
		p.looks("healthy")
		p.picture("healthy", desktop, false)
	})

	t.Run("by the keyboard", func(t *testing.T) {
		p.t = t
		for range 20 {
			p.do(chromedp.KeyEvent(kb.Tab))
			if eval[bool](p, `document.activeElement.dataset.key === 'shop/cart'`) {
				break
			}
		}
		if !eval[bool](p, `document.activeElement.matches('#moved button:focus-visible') && getComputedStyle(document.activeElement).outlineStyle === 'solid'`) {
			t.Error("a key cannot be reached by the keyboard, or its focus is not seen")
		}
		p.do(chromedp.KeyEvent(kb.Enter))
		p.until("the history is shown", `document.querySelector('#steps li:nth-child(4)') && document.activeElement.id === 'key'`)
		p.has("#key", "History of shop/cart", "settings")
		p.has("#steps", "queued", "For: shop/cart of "+maps+" listed", "wrote", "configmaps shop/cart",
			"data.error, data['settings.json'], metadata.annotations['example.com/hash'], metadata.labels.managed", "reconciled")
		if eval[bool](p, `document.body.innerText.includes('secret-value')`) {
			t.Error("the page has a value")
		}
		p.looks("a history")
		p.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
		p.until("the history is closed, and the focus is where it was", `document.querySelector('#history').hidden && document.activeElement.dataset.key === 'shop/cart'`)
		p.do(chromedp.SendKeys(chromedp.CSS(`#find input`), "shop/search"+kb.Enter))
		p.until("a key is found by its name", `document.querySelector('#key').innerText.includes('shop/search') && document.querySelector('#steps li:nth-child(4)')`)
		p.do(chromedp.Click(chromedp.CSS("#close")))
		eval[chromedp.Void](p, `document.activeElement.blur()`)
	})

	t.Run("without its API server", func(t *testing.T) {
		p.t = t
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := s.cluster.StopAPIServer(ctx); err != nil {
			t.Fatal(err)
		}
		// A row is looked at as a whole: a second later the informer may do something else.
		waits := p.when("an informer waits for its next try", `s => { const row = document.querySelector(s), next = row.querySelector('.next'), error = row.querySelector('.error');
			return row.querySelector('.state').innerText === '▲ waiting' && error && error.innerText.includes('connection refused')
				&& next && next.innerText.includes(', in ') ? row.innerText : ''; }`, informers(""))
		contains(t, "the informer", waits, maps+" ▲ waiting 4 ", " failed in a row · last error ", " ago · next try ", ", in ")
		why := p.when("it is not ready", `maps => document.querySelector('#ready').innerText === '▲ not ready' && document.querySelector('#why').innerText.includes(maps)
			? document.querySelector('#why').innerText : ''`, maps)
		contains(t, "the reason", why, "check informers: without the API server for more than 1s: ")
		p.has("#live", "● live")
		if title := eval[string](p, "document.title"); title != "▲ shop-operator" {
			t.Errorf("the title is %q", title)
		}
		p.looks("without the API server")
		p.picture("api-server-stopped", desktop, false)
		p.picture("phone", phone, false)
		if err := s.cluster.StartAPIServer(ctx); err != nil {
			t.Fatal(err)
		}
		p.until("it is well again", `s => document.querySelector(s + '.last') && document.querySelector(s + '.state').innerText === '● watching' && document.querySelector('#ready').innerText === '● ready'
			&& document.querySelector('#why').hidden && document.querySelector(s + '.last').innerText.includes(', over')`, informers(""))
	})

	t.Run("a key that fails", func(t *testing.T) {
		p.t = t
		text := "reload the checkout: Post \"https://checkout.shop.svc/-/reload\": dial tcp 10.0.7.12:443: connect: connection refused"
		s.configMap(t, namespace, bad, text)
		p.until("the key fails again and again", `key => { const li = [...document.querySelectorAll('#failing .row')].find(li => li.querySelector('button').innerText === key);
			return li && /failed ([4-9]|\d\d+) times/.test(li.innerText) && li.querySelector('.next').innerText.includes('next try'); }`, namespace+"/"+bad)
		p.has("#h-failing", "Keys that fail: 1")
		p.has("#failing li .error", "next: retry; "+text)
		p.has("#failing li .next", "next try ")
		p.has("#failing li", "settings", "▲ failed ", ", the first ")
		p.has(row("controllers", "settings", ".state"), "▲ 1 key fails")
		p.has(row("controllers", "endpoints", ".state"), "● idle")
		p.do(chromedp.Click(chromedp.CSS("#failing button")))
		p.until("its history is shown", `document.querySelectorAll('#steps .error').length > 3`)
		p.has("#key", "History of "+namespace+"/"+bad)
		p.has("#steps", "queued", "For: "+namespace+"/"+bad+" of "+maps+" added", "failed", "next: retry; "+text, "next ")
		if got := eval[string](p, "location.hash"); got != "#controller=settings&key="+namespace+"%2F"+bad {
			t.Errorf("the address ends with %q", got)
		}
		p.looks("a key that fails")
		p.picture("failing-key", desktop, false)
		p.picture("dark", desktop, true)
	})

	t.Run("a server that restarts", func(t *testing.T) {
		r := newRestarting(t, s.url)
		liveAgain(t, open(t, browser, r.URL+"/debug/skiff/", fast), r)
	})
	t.Run("very long names", func(t *testing.T) {
		p.t = t
		name := strings.Repeat("n", 253)
		s.configMap(t, namespace, name, strings.Repeat("e", 5000))
		p.until("the key fails", `key => [...document.querySelectorAll('#failing button')].some(b => b.innerText === key)`, namespace+"/"+name)
		p.until("its error is cut", `document.querySelectorAll('#failing li')[1].innerText.includes('e'.repeat(400) + '…')`)
		eval[chromedp.Void](p, `show`, "settings", namespace+"/"+name)
		p.until("its history is shown", `key => document.querySelector('#key').innerText.includes(key) && document.querySelector('#steps .error')`, name)
		p.looks("very long names")
	})
	t.Run("every state", func(t *testing.T) { everyState(t, open(t, browser, s.url)) })
}
