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

// What follows from an object that is kept here.
func (s *shim) made(at place, made object) error {
	switch at.resource {
	case "deployments":
		return s.deploy(at, made)
	case "services":
		return s.expose(at, made)
	}
	return nil
}

func (s *shim) removed(at place) {
	switch at.resource {
	case "deployments":
		for key, pod := range s.pods {
			if pod.namespace == at.namespace && strings.HasPrefix(pod.name, at.name+"-") {
				pod.stop()
				delete(s.pods, key)
				delete(s.kept["pods"], key)
			}
		}
	case "services":
		prefix := backendPrefix(at.namespace, at.name)
		for _, name := range s.backends() {
			if strings.HasPrefix(name, prefix) {
				s.call(http.MethodDelete, backendPath+"/"+name, nil)
			}
		}
	}
}

// Starts the pods of a deployment.
func (s *shim) deploy(at place, deployment object) error {
	spec := deployment["spec"].(object)
	template := spec["template"].(object)["metadata"].(object)
	replicas := 1
	if number, ok := spec["replicas"].(float64); ok {
		replicas = int(number)
	}
	labels := map[string]string{}
	for name, value := range template["labels"].(object) {
		labels[name] = value.(string)
	}
	for index := range replicas {
		// As a ReplicaSet would call it: the suite cuts two parts off.
		name := fmt.Sprintf("%s-0-%d", at.name, index)
		if _, running := s.pods[at.namespace+"/"+name]; running {
			continue
		}
		s.next++
		one := &pod{namespace: at.namespace, name: name, address: fmt.Sprintf("127.8.%d.%d", s.next/250, 1+s.next%250), labels: labels}
		if err := one.start(); err != nil {
			return err
		}
		s.pods[at.namespace+"/"+name] = one
		s.kept["pods"][at.namespace+"/"+name] = object{
			"kind": "Pod", "apiVersion": "v1",
			"metadata": object{"name": name, "namespace": at.namespace, "labels": template["labels"]},
			"spec":     spec["template"].(object)["spec"],
			"status": object{
				"phase": "Running", "podIP": one.address, "podIPs": []any{object{"ip": one.address}},
				"conditions": []any{object{"type": "Ready", "status": "True"}},
			},
		}
	}
	// A Service may have come first.
	for key, service := range s.kept["services"] {
		namespace, name, _ := strings.Cut(key, "/")
		if err := s.expose(place{namespace: namespace, name: name}, service); err != nil {
			return err
		}
	}
	return nil
}

const backendPath = "/apis/core.apoxy.dev/v1alpha2/backends"

// Names of Backends that stand for ports of a Service begin with this. Names of namespaces and Services have no dots.
func backendPrefix(namespace, service string) string {
	return "service." + namespace + "." + service + "."
}

// Makes a Backend of each port of a Service, of the pods that it selects.
func (s *shim) expose(at place, service object) error {
	spec := service["spec"].(object)
	selector, _ := spec["selector"].(object)
	var endpoints []any
	for _, pod := range s.pods {
		matches := len(selector) > 0 && pod.namespace == at.namespace
		for name, value := range selector {
			matches = matches && pod.labels[name] == value
		}
		if matches {
			endpoints = append(endpoints, object{"ip": pod.address})
		}
	}
	if len(endpoints) == 0 {
		return nil
	}
	ports, _ := spec["ports"].([]any)
	for _, each := range ports {
		port := each.(object)
		name := backendPrefix(at.namespace, at.name) + strconv.Itoa(int(port["port"].(float64)))
		protocol := ""
		if port["appProtocol"] == "kubernetes.io/h2c" {
			protocol = "h2c"
		}
		backend := object{
			"apiVersion": "core.apoxy.dev/v1alpha2", "kind": "Backend", "metadata": object{"name": name},
			"spec": object{"endpoints": endpoints, "protocol": protocol},
		}
		if status, answer := s.call(http.MethodPost, backendPath, backend); status == http.StatusConflict {
			s.call(http.MethodDelete, backendPath+"/"+name, nil)
			if status, answer := s.call(http.MethodPost, backendPath, backend); status != http.StatusCreated {
				return fmt.Errorf("%s: %d %s", name, status, answer)
			}
		} else if status != http.StatusCreated {
			return fmt.Errorf("%s: %d %s", name, status, answer)
		}
	}
	return nil
}

// The port that pods have behind a port of a Service, if the Service has that.
func (s *shim) targetPort(namespace, name string, wanted int) (int, bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	service, found := s.kept["services"][namespace+"/"+name]
	if !found {
		return 0, false
	}
	ports, _ := service["spec"].(object)["ports"].([]any)
	for _, each := range ports {
		port := each.(object)
		if int(port["port"].(float64)) != wanted {
			continue
		}
		if target, ok := port["targetPort"].(float64); ok {
			return int(target), true
		}
		return wanted, true
	}
	return 0, false
}

func (s *shim) backends() []string {
	_, answer := s.call(http.MethodGet, backendPath, nil)
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
		}
	}
	json.Unmarshal(answer, &list)
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Metadata.Name)
	}
	return names
}

// Asks Backstay itself.
func (s *shim) call(method, path string, body any) (int, []byte) {
	var content bytes.Buffer
	if body != nil {
		json.NewEncoder(&content).Encode(body)
	}
	request, err := http.NewRequest(method, s.backstay.String()+path, &content)
	if err != nil {
		return 0, []byte(err.Error())
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, text
}
