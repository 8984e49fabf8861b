package replay

import (
	"runtime"
	"sync"
)

// inOrder calls render to fill a buffer for each of n units, several concurrently, and calls send
// with the buffers in order. It uses a few buffers for any n. It returns the first error of send.
func inOrder(n int, render func(buffer []byte, unit int) []byte, send func([]byte) error) error {
	workers := min(runtime.GOMAXPROCS(0), max(n, 1))
	type piece struct {
		unit int
		done chan []byte
	}
	work, order := make(chan piece), make(chan piece, 2*workers)
	free := make(chan []byte, 4*workers)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		defer close(work)
		defer close(order)
		for unit := range n {
			p := piece{unit, make(chan []byte, 1)}
			for _, to := range []chan piece{order, work} {
				select {
				case to <- p:
				case <-stop:
					return
				}
			}
		}
	})
	for range workers {
		running.Go(func() {
			for p := range work {
				var buffer []byte
				select {
				case buffer = <-free:
				default:
				}
				p.done <- render(buffer[:0], p.unit)
			}
		})
	}
	defer running.Wait()
	defer close(stop)
	for p := range order {
		data := <-p.done
		if err := send(data); err != nil {
			return err
		}
		select {
		case free <- data:
		default:
		}
	}
	return nil
}
