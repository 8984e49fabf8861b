package rest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
)

// The alerts of TLS that are decided by. Source: RFC 8446 section 6 and RFC 5246 section 7.2.
const (
	alertCloseNotify       tls.AlertError = 0
	alertBadRecordMAC      tls.AlertError = 20
	alertHandshakeFailure  tls.AlertError = 40
	alertBadCertificate    tls.AlertError = 42
	alertRevoked           tls.AlertError = 44
	alertExpired           tls.AlertError = 45
	alertUnknownCA         tls.AlertError = 48
	alertAccessDenied      tls.AlertError = 49
	alertDecryptError      tls.AlertError = 51
	alertProtocolVersion   tls.AlertError = 70
	alertSecurity          tls.AlertError = 71
	alertInternalError     tls.AlertError = 80
	alertUserCanceled      tls.AlertError = 90
	alertUnrecognizedName  tls.AlertError = 112
	alertCertificateNeeded tls.AlertError = 116
	alertNoProtocol        tls.AlertError = 120
)

// alertOf returns the alert by which the server ended the connection. crypto/tls returns it as a
// *net.OpError with the Op "remote error", whose cause is the alert's number in a type that is not
// exported; tls.AlertError itself is for QUIC only. In TLS 1.3 the alert comes when the client has
// completed its handshake and reads the answer to its request.
func alertOf(err error) (tls.AlertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	number := reflect.ValueOf(op.Err)
	if number.Kind() != reflect.Uint8 {
		return 0, false
	}
	return tls.AlertError(number.Uint()), true
}

// refusesClient reports whether a server refuses the client's certificate, or the lack of one, by
// an alert. The request has then not been carried out.
func refusesClient(a tls.AlertError) bool {
	return a >= alertBadCertificate && a <= 46 || a == alertUnknownCA || a == alertAccessDenied ||
		a == alertDecryptError || a == alertCertificateNeeded || a == alertHandshakeFailure
}

// untrusted reports whether one side does not accept the other's certificate.
func untrusted(err error) bool {
	if alert, ok := alertOf(err); ok {
		return refusesClient(alert)
	}
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &verification) || errors.As(err, &authority)
}

// noHandshake reports whether the two sides cannot agree on a connection, so that the next attempt
// would end in the same way. unsent is set if the request's headers were not written.
func noHandshake(err error, unsent bool) bool {
	if alert, ok := alertOf(err); ok {
		switch alert {
		case alertCloseNotify, alertBadRecordMAC, alertInternalError, alertUserCanceled:
			return false
		}
		return true
	}
	var record tls.RecordHeaderError
	if untrusted(err) || errors.As(err, &record) || strings.Contains(err.Error(), httpToHTTPS) {
		return true
	}
	// The other errors of crypto/tls's handshake have no type. Those of the connection below it do
	// not begin so.
	return unsent && strings.HasPrefix(innermost(err).Error(), "tls: ")
}

// innermost returns the last error of a chain.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// httpToHTTPS is part of net/http's error if a server does not speak TLS. The error has no type.
const httpToHTTPS = "server gave HTTP response to HTTPS client"

// alertHint returns the remedy for an alert, or "".
func (t TLSConfig) alertHint(a tls.AlertError) string {
	switch {
	case refusesClient(a) && !t.hasCert() && a != alertHandshakeFailure:
		return "; the server asks for a client certificate: set TLS.CertFile"
	case a == alertExpired:
		return t.refused("has it expired?")
	case a == alertRevoked:
		return t.refused("it has been revoked")
	case a == alertUnknownCA:
		return t.refused("its CA is not trusted: is it of another cluster?")
	case a == alertHandshakeFailure && t.hasCert():
		return t.refused("or the two have no cipher in common")
	case refusesClient(a) && a != alertHandshakeFailure:
		return t.refused("check its CA and date, and that it is for client authentication")
	}
	switch a {
	case alertHandshakeFailure, alertProtocolVersion, alertSecurity:
		return "; TLS 1.2 or 1.3 is needed, or a client certificate (TLS.CertFile)"
	case alertUnrecognizedName:
		return "; set TLS.ServerName to a name of the server's certificate"
	case alertNoProtocol:
		return "; the server does not speak HTTP there: does Host mean another port?"
	}
	return ""
}

// refused returns the hint about a client certificate that the server refuses.
func (t TLSConfig) refused(why string) string {
	return fmt.Sprintf("; the server refuses the client certificate %s: %s",
		origin(t.CertFile, t.CertData), why)
}
