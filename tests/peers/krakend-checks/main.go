// Says what the libraries that KrakenD CE checks bodies and expressions with make of recorded cases, a case a line.
//
//	go run . schemas < ../../../crates/json-schema/tests/recorded.jsonl
//	go run . formats < ../../../crates/json-schema/tests/formats.txt
//	go run . expressions < ../../../crates/cel/tests/recorded.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker/decls"
	"github.com/xeipuuv/gojsonschema"
)

func main() {
	work := map[string]func(string) string{"schemas": schema, "formats": format, "expressions": expression}[os.Args[1]]
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		fmt.Println(work(lines.Text()))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func written(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	check(encoder.Encode(value))
	return strings.TrimSpace(text.String())
}

func schema(line string) string {
	var test struct {
		Schema   json.RawMessage `json:"schema"`
		Document string          `json:"document"`
		Told     *string         `json:"told"`
	}
	check(json.Unmarshal([]byte(line), &test))
	test.Told = nil
	if compiled, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(test.Schema)); err == nil {
		result, err := compiled.Validate(gojsonschema.NewStringLoader(test.Document))
		check(err)
		told := []string{}
		for _, wrong := range result.Errors() {
			told = append(told, fmt.Sprint(wrong))
		}
		text := strings.Join(told, "\n")
		test.Told = &text
	}
	return written(test)
}

func format(line string) string {
	parts := strings.SplitN(line, " ", 3)
	compiled, err := gojsonschema.NewSchema(gojsonschema.NewGoLoader(map[string]any{"format": parts[1]}))
	check(err)
	result, err := compiled.Validate(gojsonschema.NewStringLoader(written(parts[2])))
	check(err)
	verdict := "no"
	if result.Valid() {
		verdict = "yes"
	}
	return strings.Join([]string{verdict, parts[1], parts[2]}, " ")
}

// What krakend-cel declares.
var environment = func() *cel.Env {
	texts := decls.NewMapType(decls.String, decls.NewListType(decls.String))
	values := decls.NewMapType(decls.String, decls.Dyn)
	env, err := cel.NewEnv(cel.Declarations(
		decls.NewConst("now", decls.String, nil),
		decls.NewConst("req_method", decls.String, nil),
		decls.NewConst("req_path", decls.String, nil),
		decls.NewConst("req_params", decls.NewMapType(decls.String, decls.String), nil),
		decls.NewConst("req_headers", texts, nil),
		decls.NewConst("req_querystring", texts, nil),
		decls.NewConst("resp_completed", decls.Bool, nil),
		decls.NewConst("resp_metadata_status", decls.Int, nil),
		decls.NewConst("resp_metadata_headers", texts, nil),
		decls.NewConst("resp_data", values, nil),
		decls.NewConst("JWT", values, nil),
	))
	check(err)
	return env
}()

// The request, the answer and the token of all expressions.
func variables(kind string) map[string]any {
	var data map[string]any
	check(json.Unmarshal([]byte(`{"a":"x","b":2.5,"n":null,"l":[1,"a",null,{"x":1}],"m":{"x":"y","z":[true]},"t":true}`), &data))
	headers := map[string][]string{"X-A": {"b", "c"}, "Accept": {"*/*"}}
	found := map[string]any{"now": "2026-12-01T10:00:00Z"}
	switch kind {
	case "req":
		found["req_method"], found["req_path"] = "POST", "/a/b"
		found["req_params"] = map[string]string{"Id": "7", "Nick": "bob"}
		found["req_headers"], found["req_querystring"] = headers, map[string][]string{"q": {"1", "2"}}
	case "resp":
		found["resp_completed"], found["resp_metadata_status"] = true, 200
		found["resp_metadata_headers"], found["resp_data"] = headers, data
	case "jwt":
		found["JWT"] = data
	}
	return found
}

func expression(line string) string {
	var test struct {
		Expr    string `json:"expr"`
		Kind    string `json:"kind"`
		Verdict string `json:"verdict"`
	}
	check(json.Unmarshal([]byte(line), &test))
	test.Verdict = verdict(test.Expr, test.Kind)
	return written(test)
}

func verdict(text, kind string) string {
	parsed, issues := environment.Parse(text)
	if issues != nil && issues.Err() != nil {
		return "parse"
	}
	checked, issues := environment.Check(parsed)
	if issues != nil && issues.Err() != nil {
		return "check"
	}
	program, err := environment.Program(checked)
	check(err)
	result, _, err := program.Eval(variables(kind))
	if err != nil {
		return "error"
	}
	if truth, is := result.Value().(bool); is {
		return fmt.Sprint(truth)
	}
	return "other"
}
