// Command golang uploads a photo with a client that oapi-codegen generates from api/openapi.yaml.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, endpoint, path string) error {
	photo, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	client, err := NewClientWithResponses(endpoint)
	if err != nil {
		return err
	}
	preset := "avatar"
	granted, err := client.GrantUploadWithResponse(ctx, &GrantUploadParams{}, GrantRequest{ContentType: "image/jpeg", Bytes: len(photo), Preset: &preset})
	if err != nil {
		return err
	}
	if granted.JSON201 == nil {
		return fmt.Errorf("no grant: %s", granted.Body)
	}
	grant := granted.JSON201
	request, err := http.NewRequestWithContext(ctx, string(grant.Upload.Method), grant.Upload.Url, bytes.NewReader(photo))
	if err != nil {
		return err
	}
	for name, value := range grant.Upload.Headers {
		request.Header.Set(name, value)
	}
	put, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	put.Body.Close()
	if put.StatusCode != http.StatusOK {
		return fmt.Errorf("the storage refuses the file: %s", put.Status)
	}
	wait := "wait=20"
	for {
		got, err := client.GetUploadWithResponse(ctx, grant.Id, &GetUploadParams{UploadSecret: &grant.Secret, Prefer: &wait})
		if err != nil {
			return err
		}
		if got.JSON200 == nil || got.JSON200.Rejection != nil || got.JSON200.Failure != nil {
			return fmt.Errorf("the status is %s", got.Body)
		}
		if got.JSON200.Status == "ready" {
			fmt.Println(len(*got.JSON200.Sizes), "sizes")
			return nil
		}
		busy, _ := strconv.Atoi(got.HTTPResponse.Header.Get("Retry-After")) // seconds, from a service that does not wait
		time.Sleep(time.Duration(busy) * time.Second)
	}
}
