package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

type object = map[string]any

// The shim is the API server that the suite talks to: Backstay's, with what the suite needs of a cluster beside. It keeps Services,
// Deployments and Pods, makes a Backend of each port of a Service, and turns references to Services into references to these
// Backends and back. Everything else goes through as it is.
type shim struct {
	backstay *url.URL
	proxy    *httputil.ReverseProxy

	mutex sync.Mutex
	// Objects by resource, namespace and name.
	kept map[string]map[string]object
	pods map[string]*pod
	// Addresses of Gateways, which must not share one: all of them listen on port 80.
	gateways map[string]string
	version  int
	next     int
}

// Resources that are kept here.
var keptKinds = map[string]string{
	"services": "Service", "pods": "Pod", "deployments": "Deployment", "endpointslices": "EndpointSlice",
	"customresourcedefinitions": "CustomResourceDefinition", "configmaps": "ConfigMap",
}

func newShim(backstay *url.URL) *shim {
	s := &shim{backstay: backstay, kept: map[string]map[string]object{}, pods: map[string]*pod{}, gateways: map[string]string{}}
	for resource := range keptKinds {
		s.kept[resource] = map[string]object{}
	}
	s.proxy = httputil.NewSingleHostReverseProxy(backstay)
	s.proxy.FlushInterval = -1
	s.proxy.ModifyResponse = restore
	return s
}

// A path of the API: /api/v1/… or /apis/GROUP/VERSION/….
type place struct {
	groupVersion, namespace, resource, name, subresource string
}

func placeOf(path string) place {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var at place
	switch {
	case len(parts) >= 2 && parts[0] == "api":
		at.groupVersion, parts = parts[1], parts[2:]
	case len(parts) >= 3 && parts[0] == "apis":
		at.groupVersion, parts = parts[1]+"/"+parts[2], parts[3:]
	default:
		return at
	}
	if len(parts) >= 3 && parts[0] == "namespaces" {
		at.namespace, parts = parts[1], parts[2:]
	}
	for i, part := range parts {
		switch i {
		case 0:
			at.resource = part
		case 1:
			at.name = part
		case 2:
			at.subresource = part
		}
	}
	return at
}

func (s *shim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := placeOf(r.URL.Path)
	if _, here := keptKinds[at.resource]; here {
		s.serveKept(w, r, at)
		return
	}
	if at.resource == "" && s.discover(w, r) {
		return
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = s.rewrite(at, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	// What comes back is read here.
	r.Header.Del("Accept-Encoding")
	r.Host = s.backstay.Host
	s.proxy.ServeHTTP(w, r)
}

func respond(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func refuse(w http.ResponseWriter, status int, reason, message string) {
	respond(w, status, object{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason, "message": message,
	})
}

// Serves an object, or a list, of a resource that is kept here.
func (s *shim) serveKept(w http.ResponseWriter, r *http.Request, at place) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	objects, key := s.kept[at.resource], at.namespace+"/"+at.name
	if at.resource == "pods" && at.subresource == "log" {
		s.serveLog(w, r, key)
		return
	}
	held, found := objects[key]
	switch {
	case r.Method == http.MethodPost:
		s.put(w, r, at, http.StatusCreated)
	case at.name == "" && r.Method == http.MethodGet:
		s.list(w, r, at)
	case !found:
		refuse(w, http.StatusNotFound, "NotFound", fmt.Sprintf("%s %q not found", at.resource, at.name))
	case r.Method == http.MethodGet:
		respond(w, http.StatusOK, held)
	case r.Method == http.MethodPut:
		s.put(w, r, at, http.StatusOK)
	case r.Method == http.MethodDelete:
		delete(objects, key)
		s.removed(at)
		respond(w, http.StatusOK, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "this is not done here")
	}
}

func (s *shim) serveLog(w http.ResponseWriter, r *http.Request, key string) {
	pod, found := s.pods[key]
	if !found {
		refuse(w, http.StatusNotFound, "NotFound", "there is no such pod")
		return
	}
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("sinceTime"))
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, pod.since(since))
}

func (s *shim) list(w http.ResponseWriter, r *http.Request, at place) {
	items := []any{}
	for _, held := range s.kept[at.resource] {
		metadata := held["metadata"].(object)
		labels, _ := metadata["labels"].(object)
		if (at.namespace == "" || metadata["namespace"] == at.namespace) && selected(labels, r.URL.Query().Get("labelSelector")) {
			items = append(items, held)
		}
	}
	respond(w, http.StatusOK, object{
		"kind": keptKinds[at.resource] + "List", "apiVersion": at.groupVersion,
		"metadata": object{"resourceVersion": strconv.Itoa(s.version)}, "items": items,
	})
}

// Whether labels are as a selector of equalities wants them.
func selected(labels object, selector string) bool {
	for _, wanted := range strings.Split(selector, ",") {
		name, value, given := strings.Cut(wanted, "=")
		if given && labels[name] != strings.TrimPrefix(value, "=") {
			return false
		}
	}
	return true
}

func (s *shim) put(w http.ResponseWriter, r *http.Request, at place, status int) {
	var given object
	if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	s.version++
	metadata := given["metadata"].(object)
	metadata["resourceVersion"] = strconv.Itoa(s.version)
	metadata["uid"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.version)
	metadata["creationTimestamp"] = time.Now().UTC().Format(time.RFC3339)
	if at.namespace != "" {
		metadata["namespace"] = at.namespace
	}
	at.name, _ = metadata["name"].(string)
	s.kept[at.resource][at.namespace+"/"+at.name] = given
	if err := s.made(at, given); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	respond(w, status, given)
}
