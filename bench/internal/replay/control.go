package replay

import (
	"net/http"
	"strconv"
)

// control serves the requests by which another process controls the server.
func (s *Server) control(w http.ResponseWriter, req *http.Request, what string) {
	if req.Method != http.MethodPost {
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "the replay server is told what to do by POST")
		return
	}
	query := req.URL.Query()
	number := func(name string) float64 {
		x, _ := strconv.ParseFloat(query.Get(name), 64)
		return x
	}
	f := Flood{Resource: query.Get("resource"), Kind: FloodKind(query.Get("kind")), Rate: number("rate")}
	switch what {
	case "flood":
		f.Events = int(number("events"))
	case "churn":
		f.Rounds = int(number("rounds"))
		if f.Kind == "" {
			f.Kind = Rollout
		}
	default:
		fail(w, http.StatusNotFound, "NotFound", "the replay server can be told to flood and to churn, not to "+what)
		return
	}
	flooded, err := s.Flood(req.Context(), f)
	if err != nil {
		fail(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	answer(w, http.StatusOK, flooded)
}
