package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const backendGroup = "core.apoxy.dev"

// What Backstay gets in place of what the suite sends: Backends for Services in routes, and an address for each Gateway that has none.
func (s *shim) rewrite(at place, body []byte) []byte {
	var sent object
	if json.Unmarshal(body, &sent) != nil {
		return body
	}
	switch at.resource {
	case "httproutes":
		references(sent, func(reference object) { s.toBackend(at.namespace, reference) })
	case "gateways":
		s.address(at, sent)
	default:
		return body
	}
	changed, err := json.Marshal(sent)
	if err != nil {
		return body
	}
	return changed
}

// Gives a Gateway an address of its own on the loopback interface.
func (s *shim) address(at place, gateway object) {
	spec, isWhole := gateway["spec"].(object)
	if !isWhole || at.subresource != "" {
		return
	}
	if addresses, given := spec["addresses"].([]any); given && len(addresses) > 0 {
		return
	}
	// A patch may have no metadata, or addresses.
	name := at.name
	if name == "" {
		metadata, _ := gateway["metadata"].(object)
		name, _ = metadata["name"].(string)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	address, known := s.gateways[at.namespace+"/"+name]
	if !known {
		address = fmt.Sprintf("127.9.0.%d", len(s.gateways)+1)
		s.gateways[at.namespace+"/"+name] = address
	}
	spec["addresses"] = []any{object{"type": "IPAddress", "value": address}}
}

// A reference to a Service becomes one to the Backend that stands for its port, under a name that tells which it was.
func (s *shim) toBackend(namespace string, reference object) {
	if kind, given := reference["kind"]; given && kind != "Service" {
		return
	}
	if group, given := reference["group"]; given && group != "" {
		return
	}
	port, _ := reference["port"].(float64)
	if other, given := reference["namespace"].(string); given {
		namespace = other
	}
	service, _ := reference["name"].(string)
	name := backendPrefix(namespace, service) + strconv.Itoa(int(port))
	if target, found := s.targetPort(namespace, service, int(port)); found {
		reference["port"] = target
	}
	reference["group"], reference["kind"], reference["name"] = backendGroup, "Backend", name
	delete(reference, "namespace")
}

// Undoes it in what comes back.
func restore(answer *http.Response) error {
	if answer.Request.URL.Query().Get("watch") != "" || !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		return nil
	}
	if placeOf(answer.Request.URL.Path).resource != "httproutes" {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var held object
	if json.Unmarshal(body, &held) == nil {
		each := func(route object) {
			metadata, _ := route["metadata"].(object)
			namespace, _ := metadata["namespace"].(string)
			references(route, func(reference object) { toService(namespace, reference) })
		}
		if items, isList := held["items"].([]any); isList {
			for _, item := range items {
				each(item.(object))
			}
		} else {
			each(held)
		}
		body, _ = json.Marshal(held)
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func toService(namespace string, reference object) {
	name, _ := reference["name"].(string)
	parts := strings.Split(name, ".")
	if reference["kind"] != "Backend" || len(parts) != 4 || parts[0] != "service" {
		return
	}
	port, _ := strconv.Atoi(parts[3])
	reference["group"], reference["kind"], reference["name"], reference["port"] = "", "Service", parts[2], port
	if parts[1] != namespace {
		reference["namespace"] = parts[1]
	}
}

// Calls `each` with every reference to a backend in a route.
func references(route object, each func(object)) {
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case object:
			for name, member := range value {
				list, isList := member.([]any)
				one, isOne := member.(object)
				switch {
				case name == "backendRefs" && isList:
					for _, reference := range list {
						each(reference.(object))
						walk(reference.(object)["filters"])
					}
				case name == "backendRef" && isOne:
					each(one)
				case name != "status" && name != "metadata":
					walk(member)
				}
			}
		case []any:
			for _, member := range value {
				walk(member)
			}
		}
	}
	walk(route)
}
