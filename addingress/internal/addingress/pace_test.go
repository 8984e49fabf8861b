package addingress

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

var shopWeb = controller.Key{Namespace: "shop", Name: "web"}

func repairOf(key controller.Key) write { return write{key, "state", "wrong"} }

// repair makes one repair as soon as it is allowed, and returns how long that took.
func (p *pace) repair(key controller.Key) time.Duration {
	begin := time.Now()
	for {
		wait := p.wait(repairOf(key))
		if wait == 0 {
			p.wrote(repairOf(key), false)
			return time.Since(begin)
		}
		time.Sleep(wait)
	}
}

// The first three repairs of a Service come at once; the pauses between further ones grow to a minute.
func TestPausesBetweenRepairsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		p.wrote(write{key: shopWeb, state: "state"}, false)
		for i, want := range []float64{0, 0, 0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60} {
			if insists := i >= freeRepairs; p.somebodyInsists(repairOf(shopWeb)) != insists {
				t.Errorf("after %d repairs: somebody insists: %v, want %v", i, !insists, insists)
			}
			if got := p.repair(shopWeb).Seconds(); got != want {
				t.Errorf("repair %d comes after %v s, want %v", i+1, got, want)
			}
			if calm := i+1 < freeRepairs; p.calm(shopWeb) != calm {
				t.Errorf("after repair %d: calm %v, want %v", i+1, !calm, calm)
			}
		}
	})
}

// Somebody who does something else each time is taken for a person, for longer.
func TestDifferentEditsAreReportedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		for i := range reportRepairs + 2 {
			w := write{shopWeb, "state", fmt.Sprint("edit ", i)}
			if insists := i >= reportRepairs; p.somebodyInsists(w) != insists {
				t.Errorf("after %d repairs: somebody insists: %v, want %v", i, !insists, insists)
			}
			p.wrote(w, false)
		}
	})
}

// One Service below the limit does not slow others down; one at it does: from then on the repairs of
// all Services together come five a second, one after the other.
func TestOneContestedServiceLimitsTheRepairsOfAll(t *testing.T) {
	for repairs, limited := range map[int]bool{freeRepairs - 1: false, freeRepairs: true, freeRepairs + 1: true} {
		synctest.Test(t, func(t *testing.T) {
			var p pace
			for range repairs {
				p.repair(shopWeb)
			}
			other := controller.Key{Name: "other"}
			if p.somebodyInsists(repairOf(other)) {
				t.Error("somebody insists on a Service that was not repaired")
			}
			p.repair(other)
			if p.somebodyInsists(repairOf(other)) != limited {
				t.Errorf("somebody insists on a Service that was repaired once: %v, want %v", !limited, limited)
			}
			begin := time.Now()
			const services = 100
			for i := range services {
				p.repair(controller.Key{Name: fmt.Sprint(i)})
			}
			want := time.Duration(0)
			if limited {
				want = services * repairSpacing // the other one took a turn, too
			}
			if took := time.Since(begin); took != want {
				t.Errorf("after %d repairs of one Service %d others take %v, want %v", repairs, services, took, want)
			}
		})
	}
}

// war is many Services whose Ingresses are wrong at every moment. It returns the times of the
// repairs. late is how much later than asked a Service comes back.
func war(services int, lasts, late time.Duration) []time.Duration {
	var p pace
	begin := time.Now()
	var repairs []time.Duration
	next := make([]time.Time, services)
	for time.Since(begin) < lasts {
		soonest := begin.Add(lasts)
		for i := range services {
			if !time.Now().Before(next[i]) {
				key := controller.Key{Name: fmt.Sprint(i)}
				if wait := p.wait(repairOf(key)); wait > 0 {
					next[i] = time.Now().Add(wait + late)
				} else {
					p.wrote(repairOf(key), false)
					repairs = append(repairs, time.Since(begin))
					next[i] = time.Now() // wrong again at once
				}
			}
			if next[i].Before(soonest) {
				soonest = next[i]
			}
		}
		time.Sleep(time.Until(soonest))
	}
	return repairs
}

// Of 300 Services that somebody else insists on, at most five are repaired in any second once one
// has been repaired three times; it is never less than that either while all are wrong, and each
// gets its turn.
func TestAWarIsAtMostFiveRepairsASecond(t *testing.T) {
	for _, tt := range []struct {
		services int
		late     time.Duration
		least    int // repairs in 10 minutes
	}{
		{1, 0, 15},
		{10, 0, 110},
		{300, 0, 2990},
		{300, 7 * time.Millisecond, 2600},
		{300, 3 * time.Second, 150},
	} {
		synctest.Test(t, func(t *testing.T) {
			const lasts = 10 * time.Minute
			repairs := war(tt.services, lasts, tt.late)
			for i := freeRepairs; i+5 < len(repairs); i++ {
				if in := repairs[i+5] - repairs[i]; repairs[i] > 0 && in < time.Second {
					t.Fatalf("%d Services, %v late: six repairs within %v, at %v", tt.services, tt.late, in, repairs[i])
				}
			}
			// All get two repairs before the first gets its third.
			if most := int(lasts/repairSpacing) + (freeRepairs-1)*tt.services + 1; len(repairs) > most || len(repairs) < tt.least {
				t.Errorf("%d Services, %v late: %d repairs in %v, want %d to %d", tt.services, tt.late, len(repairs), lasts, tt.least, most)
			}
		})
	}
}

// A Service that was right for long enough is like any other again, one moment before that it is not.
func TestAContestIsForgottenWhenItIsOver(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		calm  bool
	}{{calmAfter - 1, false}, {calmAfter, true}, {calmAfter + 1, true}} {
		synctest.Test(t, func(t *testing.T) {
			var p pace
			for range freeRepairs + 2 {
				p.repair(shopWeb)
			}
			p.right(shopWeb)
			time.Sleep(tt.after)
			if p.calm(shopWeb) != tt.calm || p.wroteBefore(shopWeb, "state") == tt.calm {
				t.Errorf("%v after the last repair: calm %v, want %v", tt.after, !tt.calm, tt.calm)
			}
			if tt.calm {
				for range freeRepairs {
					if took := p.repair(shopWeb); took != 0 {
						t.Errorf("%v after the last repair the next takes %v", tt.after, took)
					}
				}
			}
		})
	}
}

// What is kept of Services that were written is removed.
func TestPaceKeepsNothingOfWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		for i := range 1000 {
			p.wrote(write{key: controller.Key{Name: fmt.Sprint(i)}, state: "state"}, false)
		}
		time.Sleep(calmAfter)
		p.wait(repairOf(shopWeb))
		if n := len(p.records); n != 1 {
			t.Errorf("%d records are kept", n)
		}
	})
}

// Changes of the Service are followed at once, as long as they are not endless.
func TestPaceOfFollowedChangesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		begin := time.Now()
		writes := 0
		for time.Since(begin) < time.Minute {
			w := write{key: shopWeb, state: fmt.Sprint(writes)}
			if wait := p.wait(w); wait > 0 {
				time.Sleep(wait)
				continue
			}
			p.wrote(w, false)
			writes++
		}
		// The first write makes the record, and is not counted in it.
		if want := 1 + changesBurst + 59*changesPerSecond; writes != want {
			t.Errorf("%d writes in a minute, want %d", writes, want)
		}
		if wait := p.wait(write{key: controller.Key{Name: "other"}}); wait != 0 {
			t.Errorf("another Service waits %v", wait)
		}
	})
}

// The API server that stores something else than was written is asked again later each time, at
// last every ten minutes.
func TestPausesAfterARewriteGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		var pauses []time.Duration
		for range 16 {
			begin := time.Now()
			w := repairOf(shopWeb)
			if len(pauses) == 0 {
				w.undoes = ""
			}
			for {
				wait := p.wait(w)
				if wait == 0 {
					break
				}
				time.Sleep(wait)
			}
			pauses = append(pauses, time.Since(begin))
			p.wrote(w, true)
		}
		for i := 2; i < len(pauses); i++ {
			if want := min(2*pauses[i-1], maxRewrittenPause); pauses[i] != want && i > 2 {
				t.Errorf("pause %d is %v, want %v", i, pauses[i], want)
			}
		}
		if pauses[0] != 0 || pauses[1] != firstPause || pauses[15] != maxRewrittenPause {
			t.Errorf("the pauses are %v", pauses)
		}
	})
}
