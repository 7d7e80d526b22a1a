// Records what google/martian makes of messages: reads cases from standard input and writes them with what came of them.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/google/martian"
	_ "github.com/google/martian/body"
	_ "github.com/google/martian/cookie"
	_ "github.com/google/martian/fifo"
	_ "github.com/google/martian/header"
	martianlog "github.com/google/martian/log"
	_ "github.com/google/martian/martianurl"
	"github.com/google/martian/parse"
	_ "github.com/google/martian/port"
	_ "github.com/google/martian/priority"
	_ "github.com/google/martian/querystring"
	_ "github.com/google/martian/stash"
	_ "github.com/google/martian/status"
)

type message struct {
	URL     string      `json:"url,omitempty"`
	Host    string      `json:"host,omitempty"`
	Status  int         `json:"status,omitempty"`
	Headers http.Header `json:"headers,omitempty"`
	Body    *string     `json:"body,omitempty"`
	Error   string      `json:"error,omitempty"`
}

type testCase struct {
	Name     string          `json:"name"`
	Martian  json.RawMessage `json:"martian"`
	URL      string          `json:"url,omitempty"`
	Request  http.Header     `json:"request,omitempty"`
	Response http.Header     `json:"response,omitempty"`
	Invalid  string          `json:"invalid,omitempty"`
	Sent     *message        `json:"sent,omitempty"`
	Came     *message        `json:"came,omitempty"`
}

func clone(header http.Header) http.Header {
	made := http.Header{}
	for name, values := range header {
		for _, value := range values {
			made.Add(name, value)
		}
	}
	return made
}

func run(c *testCase) {
	result, err := parse.FromJSON(c.Martian)
	if err != nil {
		c.Invalid = err.Error()
		return
	}
	if c.URL == "" {
		c.URL = "http://backend.test:8000/a/b?x=1"
	}
	request, err := http.NewRequest("GET", c.URL, http.NoBody)
	if err != nil {
		log.Fatal(err)
	}
	request.Header = clone(c.Request)
	body := io.NopCloser(bytes.NewReader(nil))
	request.Body = body
	sent := &message{}
	if modifier := result.RequestModifier(); modifier != nil {
		err = modifier.ModifyRequest(request)
	}
	if err != nil {
		sent.Error = err.Error()
	}
	sent.URL = request.URL.Scheme + "://" + request.URL.Host + request.URL.RequestURI()
	sent.Host = request.Host
	sent.Headers = request.Header
	if request.Body != body {
		text, _ := io.ReadAll(request.Body)
		kept := string(text)
		sent.Body = &kept
	}
	c.Sent = sent
	response := &http.Response{StatusCode: 200, Header: clone(c.Response), Request: request, Body: body}
	came := &message{}
	err = nil
	if modifier := result.ResponseModifier(); modifier != nil {
		err = modifier.ModifyResponse(response)
	}
	if err != nil {
		came.Error = err.Error()
	}
	came.Status = response.StatusCode
	came.Headers = response.Header
	if response.Body != body {
		text, _ := io.ReadAll(response.Body)
		kept := string(text)
		came.Body = &kept
	}
	c.Came = came
}

func main() {
	martian.Init()
	martianlog.SetLevel(martianlog.Silent)
	var cases []*testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		log.Fatal(err)
	}
	for _, c := range cases {
		run(c)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(cases); err != nil {
		log.Fatal(err)
	}
}
