package informer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
)

// colored returns an object like object's, with another value in its data.
func colored(name, uid, version, color string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,"uid":%q,"resourceVersion":%q},"data":{"v":%q}}`,
		name, uid, version, color)
}

// After a complete list the cache is what the list had, byte for byte, also where the list has other
// bytes at the version that is cached; handlers are called for these, and for nothing else.
func TestARelistComparesTheBytes(t *testing.T) {
	for _, way := range []string{"watch-list", "pages"} {
		t.Run(way, func(t *testing.T) {
			play(t, func(s *scene) {
				var updates []string
				s.maps.AddHandler(informer.Handler[corev1.ConfigMap]{
					OnUpdate: func(old, new informer.Item[corev1.ConfigMap]) {
						before, _ := old.Object()
						now, _ := new.Object()
						updates = append(updates, fmt.Sprint(new.Name(), ": ", before.Data["v"], " -> ", now.Data["v"],
							" resync ", new.Resync()))
					},
				})
				w := s.synced()
				if way == "pages" { // from now on
					w.event("ERROR", status(410, "Expired"))
					s.next("watch,sendInitialEvents=true").status(400, "BadRequest")
					s.next("list").list("10", "", object("a", "ua", "5"), object("b", "ub", "7"))
					w = s.next("watch,resourceVersion=10").watch()
					s.knows("a=ua/5 b=ub/7")
				}
				relist := func(version string, objects ...string) {
					t.Helper()
					time.Sleep(2 * time.Minute) // so that each is the first failure
					w.event("ERROR", status(410, "Expired"))
					if way == "pages" {
						s.next("list").list(version, "", objects...)
						w = s.next("watch,resourceVersion=" + version).watch()
					} else {
						w = s.next("watch,sendInitialEvents=true").watch()
						for _, o := range objects {
							w.event("ADDED", o)
						}
						w.listEnd(version)
					}
					s.knows("a=ua/5 b=ub/7")
				}
				relist("20", object("a", "ua", "5"), object("b", "ub", "7"))
				if len(updates) != 0 {
					t.Errorf("a relist that found nothing new told %q", updates)
				}
				relist("21", colored("a", "ua", "5", "blue"), object("b", "ub", "7"))
				if got := fmt.Sprint(updates); got != "[a: 5 -> blue resync false]" {
					t.Errorf("the handler was told %s", got)
				}
				cached, err := s.maps.Lister().Get("ns", "a")
				if err != nil || cached.Data["v"] != "blue" {
					t.Errorf("the cache has %v, %v", cached, err)
				}
				updates = nil
				relist("22", colored("a", "ua", "5", "blue"), object("b", "ub", "7"))
				if len(updates) != 0 {
					t.Errorf("the next relist told %q", updates)
				}
			})
		})
	}
}

// A list leaves the type of its items out where kube-apiserver's own types are concerned; a watch
// does not. An object that differs in nothing else has not changed.
func TestAListWithoutTheTypesOfItsItemsChangesNothing(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		bare := func(name, uid, version string) string {
			return `{` + object(name, uid, version)[len(`{"kind":"ConfigMap","apiVersion":"v1",`):]
		}
		w.event("ERROR", status(410, "Expired"))
		s.next("watch,sendInitialEvents=true").status(400, "BadRequest")
		s.next("list").list("10", "", bare("a", "ua", "5"), bare("b", "ub", "7"))
		s.next("watch,resourceVersion=10").watch().event("MODIFIED", object("b", "ub", "7"))
		s.knows("a=ua/5 b=ub/7")
		synctest.Wait()
		if n := s.told.count("update"); n != 0 {
			t.Errorf("the handler was told %d updates", n)
		}
	})
}
