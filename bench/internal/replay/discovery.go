package replay

import (
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// discover answers discovery requests in the form that every server supports. (Clients that request
// the aggregated form accept this one.) It returns false if the path is not one of discovery.
func (s *Server) discover(w http.ResponseWriter, path string) bool {
	switch path {
	case "healthz", "livez", "readyz":
		w.Write([]byte("ok"))
	case "version":
		answer(w, http.StatusOK, map[string]string{"major": "1", "minor": "37", "gitVersion": "v1.37.2", "platform": "linux/amd64"})
	case "api":
		answer(w, http.StatusOK, metav1.APIVersions{
			TypeMeta: metav1.TypeMeta{Kind: "APIVersions", APIVersion: "v1"}, Versions: []string{"v1"},
			ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{},
		})
	case "apis":
		answer(w, http.StatusOK, s.groups())
	default:
		groupVersion, ok := strings.CutPrefix(path, "apis/")
		if path == "api/v1" {
			groupVersion, ok = "v1", true
		}
		list := s.served(groupVersion)
		if !ok || len(list.APIResources) == 0 {
			return false
		}
		answer(w, http.StatusOK, list)
	}
	return true
}

func (s *Server) groups() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{}}
	for _, r := range s.resources {
		has := slices.ContainsFunc(list.Groups, func(g metav1.APIGroup) bool { return g.Name == r.info.Group })
		if r.info.Group == "" || has {
			continue
		}
		version := metav1.GroupVersionForDiscovery{GroupVersion: r.info.APIVersion(), Version: r.info.Version}
		list.Groups = append(list.Groups, metav1.APIGroup{
			Name: r.info.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
		})
	}
	return list
}

func (s *Server) served(groupVersion string) metav1.APIResourceList {
	list := metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion,
	}
	for _, r := range s.resources {
		if r.info.APIVersion() == groupVersion {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: r.info.Resource, SingularName: strings.ToLower(r.info.Kind), Namespaced: r.info.Namespaced, Kind: r.info.Kind,
				Verbs: metav1.Verbs{"get", "list", "watch"},
			})
		}
	}
	return list
}
