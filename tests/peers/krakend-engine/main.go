// Runs recorded cases through the engine that KrakenD CE is made of, and writes down what a client and the backends see.
//
//	go run . ../../../crates/composition/tests/cases/*.json
//	go run . serve krakend.json
//
// Each file holds cases: an endpoint as krakend.json has one, a request, and what the backends answer by path. `expected` of each
// case is replaced by what the engine does. The decoders of XML and feeds are KrakenD's.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/krakend/krakend-rss/v2"
	"github.com/krakend/krakend-xml/v2"
	xmlgin "github.com/krakend/krakend-xml/v2/gin"
	"github.com/luraproject/lura/v2/config"
	"github.com/luraproject/lura/v2/logging"
	"github.com/luraproject/lura/v2/proxy"
	luragin "github.com/luraproject/lura/v2/router/gin"
	"github.com/luraproject/lura/v2/transport/http/client"
)

type answer struct {
	Status     int               `json:"status,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       string            `json:"body,omitempty"`
	BodyBase64 string            `json:"body_base64,omitempty"`
	Error      string            `json:"error,omitempty"`
	Late       bool              `json:"late,omitempty"`
}

type request struct {
	Method  string              `json:"method,omitempty"`
	Path    string              `json:"path"`
	Headers map[string][]string `json:"headers,omitempty"`
	Body    string              `json:"body,omitempty"`
}

type call struct {
	Method  string              `json:"method"`
	Target  string              `json:"target"`
	Headers map[string][]string `json:"headers"`
	Body    string              `json:"body,omitempty"`
}

type expected struct {
	Status     int                 `json:"status"`
	Headers    map[string][]string `json:"headers"`
	Body       string              `json:"body"`
	BodyBase64 string              `json:"body_base64,omitempty"`
	Calls      []call              `json:"calls,omitempty"`
}

type testCase struct {
	Name     string            `json:"name"`
	Note     string            `json:"note,omitempty"`
	Messages bool              `json:"messages,omitempty"`
	Calls    bool              `json:"calls,omitempty"`
	Endpoint json.RawMessage   `json:"endpoint"`
	Request  request           `json:"request"`
	Backends map[string]answer `json:"backends"`
	// What is kept as it is written, because the engine leaves it to chance or it is meant to differ.
	Differs  string    `json:"differs,omitempty"`
	Expected *expected `json:"expected"`
}

func main() {
	gin.SetMode(gin.ReleaseMode)
	config.ExtraConfigAlias = map[string]string{
		"proxy": proxy.Namespace, "backend/http": client.Namespace, "router": luragin.Namespace,
	}
	check(xml.Register())
	check(rss.Register())
	luragin.RegisterRender("xml", xmlgin.Render)
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	files := map[string][]testCase{}
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		check(err)
		var cases []testCase
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		check(decoder.Decode(&cases))
		files[file] = cases
	}
	// Once an engine has been told to hand out messages, every one of the process does.
	for _, messages := range []bool{false, true} {
		for _, cases := range files {
			for i := range cases {
				if cases[i].Messages == messages && (cases[i].Differs == "" || cases[i].Expected == nil) {
					cases[i].Expected = run(cases[i])
				}
			}
		}
	}
	for file, cases := range files {
		// A case a line.
		var lines []string
		for _, test := range cases {
			var line bytes.Buffer
			encoder := json.NewEncoder(&line)
			encoder.SetEscapeHTML(false)
			check(encoder.Encode(test))
			lines = append(lines, strings.TrimSpace(line.String()))
		}
		out := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
		check(os.WriteFile(file, []byte(out), 0o644))
		fmt.Printf("%s: %d cases\n", file, len(cases))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func run(test testCase) *expected {
	service := fmt.Sprintf(`{"version":3,"timeout":"600ms","host":["http://b"],"endpoints":[%s]}`, test.Endpoint)
	if test.Messages {
		service = strings.Replace(service, `"host"`, `"extra_config":{"router":{"return_error_msg":true}},"host"`, 1)
	}
	file, err := os.CreateTemp("", "case-*.json")
	check(err)
	defer os.Remove(file.Name())
	_, err = file.WriteString(service)
	check(err)
	check(file.Close())
	parsed, err := config.NewParser().Parse(file.Name())
	if err != nil {
		log.Fatalf("%s: %v", test.Name, err)
	}
	parsed.Normalize()
	endpoint := parsed.Endpoints[0]
	backends := &backends{answers: test.Backends, order: map[string]int{}}
	for i, backend := range endpoint.Backend {
		backends.order[pathOf(backend.URLPattern)] = i
	}
	httpClient := &http.Client{Transport: backends}
	factory := proxy.NewDefaultFactory(
		proxy.CustomHTTPProxyFactory(client.HTTPClientFactory(
			func(_ context.Context) *http.Client { return httpClient },
		)), logging.NoOp)
	pipe, err := proxy.NewShadowFactory(factory).New(endpoint)
	check(err)
	engine := luragin.NewEngine(parsed, luragin.EngineOptions{Logger: logging.NoOp, Writer: io.Discard})
	engine.Handle(endpoint.Method, endpoint.Endpoint, luragin.EndpointHandler(endpoint, pipe))

	method := test.Request.Method
	if method == "" {
		method = "GET"
	}
	incoming := httptest.NewRequest(method, "http://gateway.test"+test.Request.Path, strings.NewReader(test.Request.Body))
	incoming.RemoteAddr = "192.0.2.7:4711"
	for name, values := range test.Request.Headers {
		incoming.Header[http.CanonicalHeaderKey(name)] = values
	}
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, incoming)
	if test.Calls {
		// Nobody waits for shadow calls.
		time.Sleep(50 * time.Millisecond)
	}
	backends.done.Wait()
	seen := &expected{Status: recorder.Code, Headers: map[string][]string{}}
	for name, values := range recorder.Result().Header {
		seen.Headers[strings.ToLower(name)] = values
	}
	// A server looks at what has no type; the recorder has taken its notes before.
	if _, typed := seen.Headers["content-type"]; !typed && recorder.Body.Len() > 0 {
		seen.Headers["content-type"] = []string{http.DetectContentType(recorder.Body.Bytes())}
	}
	if text := recorder.Body.Bytes(); utf8.Valid(text) {
		seen.Body = string(text)
	} else {
		seen.BodyBase64 = base64.StdEncoding.EncodeToString(text)
	}
	if test.Calls {
		seen.Calls = backends.calls
		sort.SliceStable(seen.Calls, func(i, j int) bool { return seen.Calls[i].Target < seen.Calls[j].Target })
	}
	return seen
}

func pathOf(pattern string) string { return strings.Split(pattern, "?")[0] }

// backends answers calls from what a case lists, in the order in which the endpoint lists its backends.
type backends struct {
	answers map[string]answer
	order   map[string]int
	lock    sync.Mutex
	calls   []call
	done    sync.WaitGroup
}

func (b *backends) RoundTrip(outgoing *http.Request) (*http.Response, error) {
	b.done.Add(1)
	defer b.done.Done()
	recorded := call{Method: outgoing.Method, Target: outgoing.URL.RequestURI(), Headers: map[string][]string{}}
	for name, values := range outgoing.Header {
		recorded.Headers[strings.ToLower(name)] = values
	}
	if outgoing.Body != nil {
		body, _ := io.ReadAll(outgoing.Body)
		recorded.Body = string(body)
	}
	b.lock.Lock()
	b.calls = append(b.calls, recorded)
	b.lock.Unlock()
	answer, known := b.answers[outgoing.URL.RequestURI()]
	if !known {
		answer, known = b.answers[outgoing.URL.Path]
	}
	if !known {
		return nil, fmt.Errorf("no answer for %s", outgoing.URL.RequestURI())
	}
	if answer.Late {
		<-outgoing.Context().Done()
		return nil, outgoing.Context().Err()
	}
	time.Sleep(time.Duration(b.order[outgoing.URL.Path]) * 15 * time.Millisecond)
	if answer.Error != "" {
		return nil, fmt.Errorf("%s", answer.Error)
	}
	body := []byte(answer.Body)
	if answer.BodyBase64 != "" {
		body, _ = base64.StdEncoding.DecodeString(answer.BodyBase64)
	}
	response := &http.Response{
		StatusCode: answer.Status, Header: http.Header{}, Request: outgoing, Body: io.NopCloser(bytes.NewReader(body)),
	}
	if response.StatusCode == 0 {
		response.StatusCode = 200
	}
	for name, value := range answer.Headers {
		response.Header.Set(name, value)
	}
	return response, nil
}
