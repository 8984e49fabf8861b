package operator

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Ages are told from the time of the State: that is after all of it was read, which may take a second.
// How long it is shown again is told from the beginning.
func TestAStateHasTheTimeOfItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const reading = 700 * time.Millisecond
		reads := 0
		p := &Page{keys: newHistories(), source: func() State { reads++; time.Sleep(reading); return State{} }}
		began := time.Now()
		if took := p.State().At.Sub(began); took != reading {
			t.Errorf("the State is of %v after the beginning of its reading", took)
		}
		time.Sleep(stateAge - reading - 1)
		if p.State(); reads != 1 {
			t.Error("a State that is young enough is read again")
		}
		time.Sleep(time.Nanosecond)
		if p.State(); reads != 2 {
			t.Error("an old State is shown again")
		}
	})
}

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return client, nil
}

// A stream goes on when the time is over that a client has for a request: net/http takes the deadline
// away before the handler runs. Each second brings a State that is a second newer, to all who follow.
func TestAStreamIsLongerThanItsRequestMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := &Page{keys: newHistories(), places: make(chan struct{}, maxStreams),
			source: func() State { time.Sleep(30 * time.Millisecond); return State{} }}
		page.routes("")
		l := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
		s := &Server{Handler: page, listener: l}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		transport := &http.Transport{DialContext: l.dial}
		client := &http.Client{Transport: transport}

		// HEAD ends, and takes no place.
		for range maxStreams + 1 {
			resp, err := client.Head("http://page/events")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("HEAD: %v", resp)
			}
		}

		follow := func() {
			resp, err := client.Get("http://page/events")
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			lines := bufio.NewScanner(resp.Body)
			var last time.Time
			for seen := 0; seen < 200; {
				if !lines.Scan() {
					t.Errorf("the stream ends after %d states: %v", seen, lines.Err())
					return
				}
				data, ok := strings.CutPrefix(lines.Text(), "data: ")
				if !ok {
					continue
				}
				var state State
				if err := json.Unmarshal([]byte(data), &state); err != nil {
					t.Error(err)
					return
				}
				// The first two of a stream may be nearer: a State that another has read is shown to it.
				if newer := state.At.Sub(last); seen > 1 && newer != period {
					t.Errorf("state %d is %v newer than the one before", seen, newer)
					return
				}
				last = state.At
				seen++
			}
		}
		other := make(chan struct{})
		go func() {
			defer close(other)
			time.Sleep(500 * time.Millisecond)
			follow()
		}()
		follow()
		<-other
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
}
