package conformance

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// Where the resources that are kept here belong.
var keptIn = map[string]string{
	"services": "v1", "pods": "v1", "configmaps": "v1", "deployments": "apps/v1", "endpointslices": "discovery.k8s.io/v1",
	"customresourcedefinitions": "apiextensions.k8s.io/v1",
}

// Groups that Backstay does not have.
var ownGroups = []string{"apps", "discovery.k8s.io", "apiextensions.k8s.io"}

// Answers discovery, where what is kept here shows. Returns whether it has.
func (s *shim) discover(w http.ResponseWriter, r *http.Request) bool {
	path := strings.Trim(r.URL.Path, "/")
	parts := strings.Split(path, "/")
	switch {
	case r.Method != http.MethodGet:
		return false
	case path == "apis":
		list := s.fetched(r.URL.Path, object{"kind": "APIGroupList", "apiVersion": "v1"})
		groups, _ := list["groups"].([]any)
		for _, group := range ownGroups {
			groups = append(groups, apiGroup(group))
		}
		list["groups"] = groups
		respond(w, http.StatusOK, list)
	case path == "api/v1":
		s.resources(w, "v1", s.fetched(r.URL.Path, object{"kind": "APIResourceList", "apiVersion": "v1"}))
	case len(parts) == 2 && slices.Contains(ownGroups, parts[1]):
		respond(w, http.StatusOK, apiGroup(parts[1]))
	case len(parts) == 3 && slices.Contains(ownGroups, parts[1]):
		s.resources(w, parts[1]+"/"+parts[2], object{"kind": "APIResourceList", "apiVersion": "v1"})
	default:
		return false
	}
	return true
}

func apiGroup(name string) object {
	version := object{"groupVersion": name + "/v1", "version": "v1"}
	return object{"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": []any{version}, "preferredVersion": version}
}

func (s *shim) resources(w http.ResponseWriter, groupVersion string, list object) {
	list["groupVersion"] = groupVersion
	resources, _ := list["resources"].([]any)
	for name, of := range keptIn {
		if of == groupVersion {
			resources = append(resources, object{
				"name": name, "singularName": "", "kind": keptKinds[name], "verbs": []any{"create", "delete", "get", "list", "update"},
				"namespaced": name != "customresourcedefinitions",
			})
		}
	}
	list["resources"] = resources
	respond(w, http.StatusOK, list)
}

// What Backstay answers, else `absent`.
func (s *shim) fetched(path string, absent object) object {
	status, answer := s.call(http.MethodGet, path, nil)
	if status != http.StatusOK || json.Unmarshal(answer, &absent) != nil {
		return absent
	}
	return absent
}
