package tested

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

func TestOneLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := faults.Start(t, faults.NewStore(), faults.Options{})
		cfg := &rest.Config{Host: server.URL(), Dial: server.Dial, JSONOnly: true}
		leads := make(chan string, 2)
		run := func(name string) (stop func()) {
			e, err := election.New(cfg, election.Options{Namespace: "shop", Name: "teams", Identity: name})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() {
				ended <- e.Run(ctx, func(ctx context.Context) error {
					leads <- name
					<-ctx.Done()
					return nil
				})
			}()
			return func() { cancel(); <-ended }
		}
		stopFirst := run("first")
		if got := <-leads; got != "first" {
			t.Errorf("%s leads", got)
		}
		stopSecond := run("second")
		synctest.Wait()
		if len(leads) > 0 {
			t.Error("two lead at once")
		}
		stopFirst()
		if got := <-leads; got != "second" { // after the retry period, which takes no time here
			t.Errorf("%s leads", got)
		}
		stopSecond()
	})
}
