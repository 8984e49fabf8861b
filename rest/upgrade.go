package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
)

// Upgrade sends a GET that asks the server to speak another protocol on the connection (RFC 9110
// section 7.8), and returns the answer 101. Its Body is an [io.ReadWriteCloser] on the connection.
// The caller closes it. header holds the headers of the protocol, such as those of a WebSocket
// handshake (RFC 6455 section 4.1); net/http sends a WebSocket handshake over HTTP/1.1.
//
// The end of ctx and timeouts end the handshake. They do not close a connection that Upgrade has
// returned.
//
// If the server answers otherwise, Upgrade returns a StatusError, or for a 2xx an error that wraps
// [ErrNotUpgraded]. The request is sent again as a POST would be, because what it starts may not be
// started twice.
func (r *Request) Upgrade(ctx context.Context, header http.Header) (*http.Response, error) {
	if r.method != http.MethodGet {
		return nil, r.wrap(errors.New("only a Get can be upgraded"))
	}
	c, err := r.prepare(upgrade)
	if err != nil {
		return nil, err
	}
	for key, values := range header {
		c.header[textproto.CanonicalMIMEHeaderKey(key)] = values
	}
	c.policy = policyOf(http.MethodPost, "", c.policy.max)
	g := newGuard(ctx)
	defer g.cancel(nil)
	defer g.within(c.bounds.total, overTotal(c.bounds.total)).Stop()
	var answer *http.Response
	err = c.run(g.ctx, func(resp *http.Response) error {
		if resp.StatusCode != http.StatusSwitchingProtocols {
			discard(resp)
			return fmt.Errorf("%w: it answered %d", ErrNotUpgraded, resp.StatusCode)
		}
		if _, writable := resp.Body.(io.ReadWriteCloser); !writable {
			_ = resp.Body.Close()
			return errNotWritable
		}
		answer = resp
		return nil
	})
	return answer, err
}

// ErrNotUpgraded is the cause of an error of Upgrade if the server answers with success, and does
// not change the protocol.
var ErrNotUpgraded = errors.New("the server did not switch protocols")

// errNotWritable is the error of a round tripper that wraps the body of a 101.
var errNotWritable = errors.New("the connection cannot be written to: " +
	"Config.WrapTransport has to return the body of an answer 101 as it is")
