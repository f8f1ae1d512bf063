//go:build !quick

package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// remote is a browser with one tab that is driven by the commands of WebDriver.
type remote struct {
	t *testing.T
	// command sends one and returns the value of its result. Its name is that of Marionette.
	command func(name string, parameters map[string]any) (json.RawMessage, error)
}

// do sends a command, and stores the value of its result in into, if that is not nil.
func (r remote) do(name string, parameters map[string]any, into any) {
	r.t.Helper()
	value, err := r.command(name, parameters)
	if into != nil {
		err = errors.Join(err, json.Unmarshal(value, into))
	}
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
}

func (r remote) navigate(url string) {
	r.t.Helper()
	r.do("WebDriver:Navigate", map[string]any{"url": url}, nil)
}

// pick gives files to an input, as a person does with the file dialog.
func (r remote) pick(selector string, files ...string) {
	r.t.Helper()
	r.await(`document.querySelector(` + "`" + selector + "`" + `)`)
	var element map[string]string
	r.do("WebDriver:FindElement", map[string]any{"using": "css selector", "value": selector}, &element)
	for _, id := range element {
		r.do("WebDriver:ElementSendKeys", map[string]any{"id": id, "text": strings.Join(files, "\n")}, nil)
	}
}

// await waits until a JavaScript expression is true.
func (r remote) await(expression string) {
	r.t.Helper()
	ask[bool](r, `new Promise((done) => { const look = () => (`+expression+` ? done(true) : setTimeout(look, 50)); look(); })`)
}

// ask returns what a JavaScript expression gives, or the promise that it is.
func ask[T any](r remote, expression string) T {
	r.t.Helper()
	script := `const done = arguments[arguments.length - 1];
		Promise.resolve(` + expression + `).then((value) => done({ value }), (error) => done({ error: String(error) }));`
	var answer struct {
		Value T      `json:"value"`
		Error string `json:"error"`
	}
	r.do("WebDriver:ExecuteAsyncScript", map[string]any{"script": script, "args": []any{}}, &answer)
	if answer.Error != "" {
		r.t.Fatalf("%s: %s", expression, answer.Error)
	}
	return answer.Value
}
