package informer

// The values of Status.State that a program may act on. The others tell which request is running.
const (
	// StateIdle: nobody runs the informer's factory.
	StateIdle = "idle"
	// StateWaiting: the reflector pauses before its next attempt. No request is running.
	StateWaiting = "waiting"
	// StateUnserved: the server does not serve the resource of an informer of WhenServed.
	StateUnserved = "unserved"
)
