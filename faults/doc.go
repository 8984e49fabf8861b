// Package faults has servers for tests of Kubernetes clients: servers that do what a test wants, and
// a layer that spoils what any server answers.
//
// The parts are independent of each other:
//
//   - [Script] is a server whose every answer the test gives by hand.
//   - [Store] is a small API server in memory: it creates, updates, deletes, lists and watches
//     objects of every kind, and validates nothing.
//   - [Proxy] passes requests on to a real API server.
//   - [Layer] stands in front of any of them and applies a [Fault] to the requests that its rules
//     choose.
//   - [Server] serves any of them over HTTP: on a loopback port, or in memory, where it works under
//     the clock of testing/synctest.
//   - [Log] captures what the program under test logs.
//   - [Scenario] runs a test with all of these, and checks the same each time.
//
// A test that is in a hurry:
//
//	layer := faults.NewLayer(faults.NewStore(), faults.Rule{
//		On: faults.Watch, Times: 2, Do: faults.Cut(100),
//	})
//	server := faults.Start(t, layer, faults.Options{})
//	c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial})
//
// # Why real HTTP
//
// Also in memory there is a connection with HTTP on it, and not a function in place of the
// http.RoundTripper: the errors that a client sees are then those of net/http, and HTTP/2 and TLS
// are tested too.
package faults
