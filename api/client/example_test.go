package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/presize/presize/api/client"
)

// What the examples upload, and where.
var endpoint, photo string

func TestMain(m *testing.M) {
	os.Exit(client.RunTests(m, func(e, p string) { endpoint, photo = e, p }))
}

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	service, err := client.New(endpoint, client.Options{}) // such as https://images.example.com
	if err != nil {
		log.Fatal(err)
	}
	upload := client.NewUpload() // keep upload.Secret to delete the upload later
	manifest, err := service.UploadFile(ctx, upload, photo, client.Settings{Preset: "photo"})
	var rejected *client.RejectedError
	switch {
	case errors.As(err, &rejected):
		fmt.Println("please choose another photo:", rejected.Detail)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println(manifest.Status, "in", len(manifest.Sizes), "sizes")
	}
	// Output: ready in 4 sizes
}

func ExampleClient_Upload_progress() {
	service, err := client.New(endpoint, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	photo, err := os.ReadFile(photo)
	if err != nil {
		log.Fatal(err)
	}
	file := client.File{Content: bytes.NewReader(photo), Bytes: int64(len(photo)), Name: "IMG_1.PNG"}
	_, err = service.Upload(context.Background(), client.NewUpload(), file, client.Settings{
		Reference: "order/17",
		OnProgress: func(p client.Progress) {
			if p.Done == p.Total {
				fmt.Println(p.Phase)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// hashing
	// uploading
	// rendering
}

// A program that may be killed stores the secret first. When it runs again it calls Send again:
// that sends the file only if it has not arrived.
func ExampleClient_Send() {
	service, err := client.New(endpoint, client.Options{
		Token: func(context.Context) (string, error) { return "of the signed-in user", nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	secret := client.NewUpload().Secret // in a database, say

	upload, err := client.ParseSecret(secret)
	if err != nil {
		log.Fatal(err)
	}
	file := client.File{Content: bytes.NewReader([]byte("GIF89a and so on")), Bytes: 16, Name: "a.gif"}
	for range 2 {
		if err := service.Send(context.Background(), upload, file, client.Settings{Preset: "avatar"}); err != nil {
			log.Fatal(err)
		}
	}
	manifest, err := service.WaitComplete(context.Background(), upload)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(manifest.Variants), "variants")
	if err := service.Delete(context.Background(), upload); err != nil {
		log.Fatal(err)
	}
	// Output: 9 variants
}
