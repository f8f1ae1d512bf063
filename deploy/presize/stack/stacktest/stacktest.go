// Package stacktest gives tests a CloudFormation with stacks of their choice.
package stacktest

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Deleted is the status of a stack that is gone. It is still listed, but can only be asked for by its id.
const Deleted = "DELETE_COMPLETE"

// Stack is a stack as CloudFormation tells of it.
type Stack struct {
	ID         string      `xml:"StackId"`
	Name       string      `xml:"StackName"`
	Status     string      `xml:"StackStatus"`
	Protected  bool        `xml:"EnableTerminationProtection"`
	Outputs    []Output    `xml:"Outputs>member"`
	Created    string      `xml:"CreationTime,omitempty"`    // RFC 3339
	Updated    string      `xml:"LastUpdatedTime,omitempty"` // RFC 3339
	Parameters []Parameter `xml:"Parameters>member"`
	Resources  []Resource  `xml:"-"`
	Template   string      `xml:"-"` // JSON
}

// Parameter is a parameter of a stack.
type Parameter struct {
	Name  string `xml:"ParameterKey"`
	Value string `xml:"ParameterValue"`
}

// Output is an output of a stack.
type Output struct {
	Name  string `xml:"OutputKey"`
	Value string `xml:"OutputValue"`
}

// Resource is a resource of a stack.
type Resource struct {
	ID     string `xml:"LogicalResourceId"`
	Name   string `xml:"PhysicalResourceId"`
	Type   string `xml:"ResourceType"`
	Status string `xml:"ResourceStatus"`
}

// CloudFormation answers DescribeStacks, GetTemplate, ListStacks, ListStackResources, UpdateTerminationProtection,
// UpdateStack, and the three calls of an import, version 2010-05-15. Its pages have one entry each.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
type CloudFormation struct {
	t   testing.TB
	url string

	mu     sync.Mutex
	stacks []Stack
}

// Start runs a CloudFormation until the test ends.
func Start(t testing.TB, stacks ...Stack) *CloudFormation {
	t.Helper()
	c := &CloudFormation{t: t, stacks: stacks}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// URL returns the endpoint.
func (c *CloudFormation) URL() string { return c.url }

// Client returns a client that sends each request once.
func (c *CloudFormation) Client() *cloudformation.Client {
	return cloudformation.New(cloudformation.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(c.url),
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})
}

// Change changes a stack that is not gone.
func (c *CloudFormation) Change(name string, change func(*Stack)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change(name, change)
}

// Delete makes a stack be gone.
func (c *CloudFormation) Delete(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.stacks {
		if c.stacks[i].Name == name {
			c.stacks[i].Status = Deleted
		}
	}
}

func (c *CloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	switch action, name := r.FormValue("Action"), r.FormValue("StackName"); action {
	case "DescribeStacks":
		stack, ok := c.find(name)
		if !ok {
			fail(w, "Stack with id "+name+" does not exist")
			return
		}
		c.answer(w, struct {
			XMLName xml.Name `xml:"DescribeStacksResponse"`
			Stacks  []Stack  `xml:"DescribeStacksResult>Stacks>member"`
		}{Stacks: []Stack{stack}})
	case "GetTemplate":
		stack, ok := c.find(name)
		if !ok {
			fail(w, "Stack with id "+name+" does not exist")
			return
		}
		c.answer(w, struct {
			XMLName xml.Name `xml:"GetTemplateResponse"`
			Body    string   `xml:"GetTemplateResult>TemplateBody"`
		}{Body: cmp.Or(stack.Template, "{}")})
	case "ListStacks":
		page, next := page(r, c.stacks)
		c.answer(w, struct {
			XMLName xml.Name `xml:"ListStacksResponse"`
			Stacks  []Stack  `xml:"ListStacksResult>StackSummaries>member"`
			Next    string   `xml:"ListStacksResult>NextToken,omitempty"`
		}{Stacks: page, Next: next})
	case "ListStackResources":
		stack, ok := c.find(name)
		if !ok {
			fail(w, "Stack with id "+name+" does not exist")
			return
		}
		page, next := page(r, stack.Resources)
		c.answer(w, struct {
			XMLName   xml.Name   `xml:"ListStackResourcesResponse"`
			Resources []Resource `xml:"ListStackResourcesResult>StackResourceSummaries>member"`
			Next      string     `xml:"ListStackResourcesResult>NextToken,omitempty"`
		}{Resources: page, Next: next})
	case "UpdateTerminationProtection":
		c.change(name, func(stack *Stack) { stack.Protected = r.FormValue("EnableTerminationProtection") == "true" })
		c.answer(w, result(action))
	case "UpdateStack":
		c.update(name, r.FormValue("TemplateBody"))
		c.answer(w, result(action))
	case "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet":
		c.imports(w, r, action, name)
	default:
		c.t.Errorf("unexpected action %q", action)
	}
}

// find returns a stack by its id, or by its name if it is not gone.
func (c *CloudFormation) find(name string) (Stack, bool) {
	for _, stack := range c.stacks {
		if stack.ID == name || stack.Name == name && stack.Status != Deleted {
			return stack, true
		}
	}
	return Stack{}, false
}

// change changes a stack that is not gone.
func (c *CloudFormation) change(name string, change func(*Stack)) {
	for i := range c.stacks {
		if c.stacks[i].Name == name && c.stacks[i].Status != Deleted {
			change(&c.stacks[i])
			return
		}
	}
	c.t.Errorf("there is no stack %s to change", name)
}

// update gives a stack another template, with its outputs.
func (c *CloudFormation) update(name, body string) {
	var template struct {
		Outputs map[string]struct{ Value struct{ Ref string } }
	}
	if err := json.Unmarshal([]byte(body), &template); err != nil {
		c.t.Error(err)
	}
	c.change(name, func(stack *Stack) {
		stack.Status, stack.Template, stack.Outputs = "UPDATE_COMPLETE", body, nil
		for output, value := range template.Outputs {
			for _, resource := range stack.Resources {
				if resource.ID == value.Value.Ref {
					stack.Outputs = append(stack.Outputs, Output{Name: output, Value: resource.Name})
				}
			}
		}
	})
}

// imports answers the calls of an import, which makes a stack. Each is complete as soon as it is made.
func (c *CloudFormation) imports(w http.ResponseWriter, r *http.Request, action, name string) {
	switch action {
	case "CreateChangeSet":
		if _, ok := c.find(name); !ok {
			c.stacks = append(c.stacks, Stack{ID: "imported", Name: name, Status: "REVIEW_IN_PROGRESS"})
		}
		if r.FormValue("ChangeSetType") != "IMPORT" {
			c.t.Errorf("a change set of type %q", r.FormValue("ChangeSetType"))
		}
		c.change(name, func(stack *Stack) {
			stack.Template, stack.Resources = r.FormValue("TemplateBody"), nil
			for i := 1; r.FormValue(fmt.Sprintf("ResourcesToImport.member.%d.ResourceType", i)) != ""; i++ {
				field := fmt.Sprintf("ResourcesToImport.member.%d.", i)
				stack.Resources = append(stack.Resources, Resource{
					ID: r.FormValue(field + "LogicalResourceId"), Name: r.FormValue(field + "ResourceIdentifier.entry.1.value"),
					Type: r.FormValue(field + "ResourceType"), Status: "IMPORT_COMPLETE",
				})
			}
		})
	case "ExecuteChangeSet":
		c.change(name, func(stack *Stack) { stack.Status = "IMPORT_COMPLETE" })
	}
	c.answer(w, result(action))
}

// result is the answer to an action that is complete.
func result(action string) any {
	type result struct {
		XMLName xml.Name
		Status  string
	}
	return struct {
		XMLName xml.Name
		Result  result
	}{xml.Name{Local: action + "Response"}, result{xml.Name{Local: action + "Result"}, "CREATE_COMPLETE"}}
}

// page returns the page that a request asks for, and the token of the next one.
func page[T any](r *http.Request, all []T) (entries []T, next string) {
	at, _ := strconv.Atoi(r.FormValue("NextToken"))
	if at+1 < len(all) {
		next = strconv.Itoa(at + 1)
	}
	return all[min(at, len(all)):min(at+1, len(all))], next
}

func (c *CloudFormation) answer(w http.ResponseWriter, response any) {
	if err := xml.NewEncoder(w).Encode(response); err != nil {
		c.t.Error(err)
	}
}

func fail(w http.ResponseWriter, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte("<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>" + message +
		"</Message></Error></ErrorResponse>"))
}
