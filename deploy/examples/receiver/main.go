// Command receiver receives webhooks. WEBHOOK_SECRET is the secret, LISTEN the address.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	verifier, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /hooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 20<<10))
		if err != nil || verifier.Verify(body, r.Header) != nil {
			http.Error(w, "not verified", http.StatusUnauthorized)
			return
		}
		// The same webhook-id may come again: do its work once.
		fmt.Println(r.Header.Get("webhook-id"), string(body))
	})
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
