//go:build !quick

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/pack"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/internal/runtimeapi"
	"github.com/presize/presize/internal/s3local/s3test"
)

// function is a packaged function that runs as on Lambda.
type function struct {
	*runtimeapi.Function
	t *testing.T
}

// start unpacks a function's archive and runs its bootstrap with nothing but the
// environment that Lambda gives it, the layer's library among it.
func start(t *testing.T, name, layer string, env []string) function {
	t.Helper()
	root := unpack(t, name+".zip")
	command := []string{filepath.Join(root, "bootstrap")}
	if *arch != runtime.GOARCH {
		machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[*arch]
		emulator := []string{"qemu-" + machine + "-static", "-L", "/usr/" + machine + "-linux-gnu"}
		emulateChild(t, filepath.Join(root, "renderer"), emulator)
		command = append(emulator, command...)
	}
	var log bytes.Buffer
	f, err := runtimeapi.Start(runtimeapi.Config{Name: name, Command: command, Root: root, Layer: layer, Env: env, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, log.Bytes())
		}
	})
	return function{f, t}
}

// emulateChild puts a script in the place of a program that the function starts, if it has
// that: what runs in QEMU starts programs of this machine.
func emulateChild(t *testing.T, program string, emulator []string) {
	t.Helper()
	if err := os.Rename(program, program+"."+*arch); errors.Is(err, fs.ErrNotExist) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec %s %s.%s \"$@\"\n", strings.Join(emulator, " "), program, *arch)
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

// invoke gives the function an event and returns its response.
func (f function) invoke(event any) []byte {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	response, err := f.Invoke(ctx, event)
	if err != nil {
		f.t.Fatal(err)
	}
	return response.Body
}

// request invokes the function as an HTTP API of API Gateway does.
func (f function) request(method, path, body string) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	request := events.APIGatewayV2HTTPRequest{
		Version:  "2.0",
		RouteKey: "ANY /api/{proxy+}",
		RawPath:  path,
		Headers:  map[string]string{"content-type": "application/json", "host": "example.execute-api.us-east-1.amazonaws.com"},
		Body:     body,
	}
	request.RequestContext.RequestID = "JKJaXmPLvHcESHA="
	request.RequestContext.HTTP.Method = method
	request.RequestContext.HTTP.Path = path
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(f.invoke(request), &response); err != nil {
		f.t.Fatal(err)
	}
	return response
}

func unpack(t *testing.T, archive string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := pack.Unpack(filepath.Join(packages, *arch, archive), root); err != nil {
		t.Fatalf("%v: has make made it?", err)
	}
	return root
}

func TestPackagedFunctionsServeAnUpload(t *testing.T) {
	created := make(chan events.S3Event, 1)
	env := s3test.Start(t, func(event events.S3Event) {
		if strings.HasPrefix(event.Records[0].S3.Object.Key, media.OriginalPrefix) {
			created <- event
		}
	})
	credentials, err := env.Server.Client(s3test.Owner).Options().Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
		"AWS_ENDPOINT_URL_S3=" + env.Server.URL(),
		"PRESIZE_INPUT_BUCKET=" + s3test.Input,
		"PRESIZE_OUTPUT_BUCKET=" + s3test.Output,
		"PRESIZE_WORK_QUEUE_URL=" + "http://127.0.0.1/work",
	}
	layer := unpack(t, "libvips.zip")
	api := start(t, "api", layer, environment)
	worker := start(t, "worker", layer, environment)

	preset, _ := mediatest.Presets().Find("photo")
	if *arch != runtime.GOARCH {
		preset, _ = mediatest.Presets().Find("avatar") // QEMU is slow
	}
	photo := phototest.Read(t, "test_exif_full.jpg") // 4032 x 3024, orientation 6
	granted := api.request("POST", "/api/v1/uploads",
		fmt.Sprintf(`{"contentType":"image/jpeg","bytes":%d,"preset":%q}`, len(photo), preset.Name))
	if granted.StatusCode != http.StatusCreated {
		t.Fatalf("no grant: %d %s", granted.StatusCode, granted.Body)
	}
	var grant struct {
		ID     media.ID
		Upload struct {
			Method, URL string
			Headers     map[string]string
		}
	}
	if err := json.Unmarshal([]byte(granted.Body), &grant); err != nil {
		t.Fatal(err)
	}
	put, err := http.NewRequest(grant.Upload.Method, grant.Upload.URL, bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range grant.Upload.Headers {
		put.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(put)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the grant is refused: %s", answer.Status)
	}

	worker.invoke(<-created)

	status := api.request("GET", media.StatusURL(grant.ID), "")
	manifest, err := media.ParseManifest([]byte(status.Body))
	if err != nil {
		t.Fatalf("%v: %d %s", err, status.StatusCode, status.Body)
	}
	upright := manifest.Original != nil && manifest.Original.Height > manifest.Original.Width
	if manifest.Status != media.Ready || !manifest.Complete || !upright ||
		len(manifest.Variants) != len(preset.Variants(grant.ID)) {
		t.Errorf("got %s", status.Body)
	}
	for _, v := range manifest.Variants {
		encoded, info, err := env.Output.Get(context.Background(), strings.TrimPrefix(v.URL, "/"), 10<<20)
		if err != nil {
			t.Fatal(err)
		}
		if sniffed, _ := media.Sniff(encoded); sniffed != v.ContentType || info.ContentType != string(v.ContentType) {
			t.Errorf("%s is %s, served as %s", v.URL, sniffed, info.ContentType)
		}
		if v.ContentType != media.JPEG {
			continue
		}
		shape, err := jpeg.DecodeConfig(bytes.NewReader(encoded))
		if err != nil || shape.Width != v.Width || shape.Height != v.Height {
			t.Errorf("%s: %v, %d x %d", v.URL, err, shape.Width, shape.Height)
		}
	}
}
