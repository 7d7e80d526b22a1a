package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// Ports that the containers of the suite's deployments listen on.
const (
	plainPort = 3000
	http2Port = 3001
)

// A pod stands in for one of a deployment: a server on a loopback address of its own that answers with the request it got, as the
// suite expects of its echo image.
type pod struct {
	namespace, name, address string
	labels                   map[string]string

	mutex    sync.Mutex
	lines    []line
	attempts map[string]int
	servers  []*http.Server
}

// A line of a pod's log.
type line struct {
	at   time.Time
	text string
}

// What the suite reads of an answer.
type echoed struct {
	Path      string              `json:"path"`
	Host      string              `json:"host"`
	Method    string              `json:"method"`
	Proto     string              `json:"proto"`
	Headers   map[string][]string `json:"headers"`
	HTTPPort  string              `json:"httpPort"`
	Namespace string              `json:"namespace"`
	Ingress   string              `json:"ingress"`
	Service   string              `json:"service"`
	Pod       string              `json:"pod"`
}

// Starts the servers of a pod.
func (p *pod) start() error {
	p.attempts = map[string]int{}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "OK") })
	mux.HandleFunc("/status/", p.status)
	mux.HandleFunc("/retry/", p.retry)
	mux.Handle("/ws", websocket.Handler(func(ws *websocket.Conn) { io.Copy(ws, ws) }))
	mux.HandleFunc("/", p.echo)
	// The multiplexer would redirect what has slashes doubled.
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.ReplaceAll(r.URL.Path, "//", "/")
		mux.ServeHTTP(w, r)
	})
	http2Only := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			http.Error(w, "HTTP/2 is wanted here", http.StatusBadRequest)
			return
		}
		p.echo(w, r)
	})
	if err := p.serve(plainPort, plain, false); err != nil {
		return err
	}
	return p.serve(http2Port, http2Only, true)
}

func (p *pod) serve(port int, handler http.Handler, http2 bool) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(p.address, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(http2)
	server := &http.Server{Handler: handler, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second}
	p.servers = append(p.servers, server)
	go server.Serve(listener)
	return nil
}

func (p *pod) stop() {
	for _, server := range p.servers {
		server.Close()
	}
}

// Answers with the request.
func (p *pod) echo(w http.ResponseWriter, r *http.Request) {
	p.log(fmt.Sprintf("Echoing back request made to %s to client (%s)", r.RequestURI, r.RemoteAddr))
	if !wait(w, r, "delay") {
		return
	}
	answer := echoed{
		Path: r.RequestURI, Host: r.Host, Method: r.Method, Proto: r.Proto, Headers: r.Header,
		HTTPPort: strconv.Itoa(plainPort), Namespace: p.namespace, Pod: p.name,
	}
	for _, list := range r.Header["X-Echo-Set-Header"] {
		for _, field := range strings.Split(list, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(field), ":")
			if held := w.Header()[name]; len(held) > 0 {
				value = held[0] + "," + strings.TrimSpace(value)
			}
			w.Header()[name] = []string{value}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

var statusPath = regexp.MustCompile(`^/status/(\d{3})$`)

// Answers with the status that the path names.
func (p *pod) status(w http.ResponseWriter, r *http.Request) {
	code := http.StatusBadRequest
	if match := statusPath.FindStringSubmatch(r.RequestURI); match != nil {
		code, _ = strconv.Atoi(match[1])
	}
	w.WriteHeader(code)
}

// Fails as often as the request says, and then answers.
func (p *pod) retry(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	after, err := strconv.Atoi(query.Get("succeedAfter"))
	if err != nil || query.Get("uuid") == "" {
		http.Error(w, "uuid and succeedAfter are wanted", http.StatusBadRequest)
		return
	}
	p.mutex.Lock()
	fails := p.attempts[query.Get("uuid")] < after
	if fails {
		p.attempts[query.Get("uuid")]++
	}
	p.mutex.Unlock()
	if !fails {
		p.echo(w, r)
		return
	}
	if !wait(w, r, "delayRetry") {
		return
	}
	if code, err := strconv.Atoi(query.Get("responseCode")); err == nil {
		w.WriteHeader(code)
		return
	}
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	connection.Close()
}

// Waits for as long as a parameter says.
func wait(w http.ResponseWriter, r *http.Request, parameter string) bool {
	text := r.URL.Query().Get(parameter)
	if text == "" {
		return true
	}
	span, err := time.ParseDuration(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return false
	}
	select {
	case <-time.After(span):
		return true
	case <-r.Context().Done():
		return false
	}
}

func (p *pod) log(text string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.lines = append(p.lines, line{time.Now(), text})
}

// The log since a time.
func (p *pod) since(at time.Time) string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var out strings.Builder
	for _, line := range p.lines {
		if !line.at.Before(at) {
			out.WriteString(line.text + "\n")
		}
	}
	return out.String()
}
