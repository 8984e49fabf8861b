package operator

import (
	"net"
	"net/http"
	"strings"
)

// A browser on the machine of somebody who forwards a port runs the scripts of other sites, too.
// Neither local nor sameSite keeps a program out.

// local returns a handler that answers only requests for this machine by its address or as
// localhost. A web page of another host, whose name is made to resolve to this machine (DNS
// rebinding), is refused so.
func local(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil {
			http.Error(w, "without authorization this is served as localhost or by the address only",
				http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// sameSite returns a handler that refuses what the web page of another site asks for, such as a
// profile as the source of an image, or streams of events until there is no place for another one.
// Links to the page work. A program sends no Sec-Fetch-Site; browsers do, to localhost also without
// TLS (Fetch Metadata Request Headers, https://www.w3.org/TR/fetch-metadata/).
func sameSite(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none": // none: the user's own doing, such as a bookmark
		default:
			link := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.URL.Path == pagePath+"/"
			if !link {
				http.Error(w, "this is not served to web pages of another site", http.StatusForbidden)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
