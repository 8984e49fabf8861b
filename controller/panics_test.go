package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Q3: of each different stack the log has one, however often it comes.
func TestEachDifferentStackIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, log, stop := queueOnly(func(_ context.Context, key Key) (Result, error) {
			switch key.Name {
			case "a":
				panicsByWriting(nil, key)
			case "b":
				panics1(key)
			}
			return Result{}, nil
		}, Workers(4))
		c.queue.Add(keyA)
		c.queue.Add(keyB)
		c.queue.Add(Key{Namespace: "another", Name: "b"}) // the same stack with other arguments
		time.Sleep(24 * time.Hour)
		if n := c.Stats().Failed; n < 100 {
			t.Fatalf("%d failures in a day", n)
		}
		if n := log.count("stack="); n != 2 {
			t.Errorf("%d stacks are logged, want 2", n)
		}
		for _, part := range []string{"panicsByWriting", "panics1"} {
			if log.count(part) == 0 {
				t.Errorf("the log has no stack with %s", part)
			}
		}
		if size, failed := len(log.buf.String()), int(c.Stats().Failed); size > failed*400 {
			t.Errorf("%d bytes of log for %d failures", size, failed)
		}
		stop()
	})
}

func panics1(key Key) { panic(errors.New("with key " + key.String())) }

func TestStacksThatAreRememberedAreBounded(t *testing.T) {
	for _, tt := range []struct{ stacks, logged int }{{maxStacks - 1, maxStacks - 1}, {maxStacks, maxStacks}, {maxStacks + 1, maxStacks}} {
		var p panics
		logged := 0
		for range 2 {
			for i := range tt.stacks {
				if p.first(uint64(i)) {
					logged++
				}
			}
		}
		if logged != tt.logged || len(p.logged) > maxStacks {
			t.Errorf("of %d stacks %d are logged and %d remembered, want %d", tt.stacks, logged, len(p.logged), tt.logged)
		}
	}
}

// A recursion that panics at another depth each time is one stack.
func TestDeepStacksAreOne(t *testing.T) {
	at := func(depth int) (p uint64) {
		defer func() {
			_ = recover()
			p = place(0)
		}()
		recurse(depth)
		return 0
	}
	if at(100) != at(200) {
		t.Error("the same recursion at two depths is two stacks")
	}
	if at(1) == at(2) {
		t.Error("short stacks are not told apart")
	}
}

func recurse(depth int) {
	if depth == 0 {
		panic(strings.Repeat("x", 3))
	}
	recurse(depth - 1)
}
