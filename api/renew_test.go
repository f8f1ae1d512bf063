package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestSameSecretIsTheSameUpload(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	body := []byte("0123456789")
	request := fmt.Sprintf(`{"contentType":"image/png","bytes":%d,"secret":%q,"reference":"r"}`, len(body), secret.Reveal())
	var grants []granted
	for range 3 {
		grant := decode[granted](t, h.askGrant(request), http.StatusCreated)
		if grant.ID != secret.ID() || grant.Secret != secret.Reveal() || grant.Upload == nil {
			t.Fatalf("got %+v", grant)
		}
		grants = append(grants, grant)
	}
	if status := send(t, grants[0].Upload.put(t, body)); status != http.StatusOK { // the oldest is as good as the others
		t.Fatal(status)
	}
	reply := h.askGrant(request)
	again := decode[granted](t, reply, http.StatusOK)
	if again.Upload != nil || again.ID != secret.ID() || again.StatusURL != grants[0].StatusURL ||
		!slices.Equal(again.Image.Variants, grants[0].Image.Variants) || reply.header.Get("Location") != again.StatusURL {
		t.Errorf("got %+v", again)
	}
	if status := send(t, grants[2].Upload.put(t, body)); status != http.StatusPreconditionFailed {
		t.Errorf("another grant: %d", status)
	}
	if reply := h.do("DELETE", again.StatusURL, nil, secretHeader, secret.Reveal()); reply.status != http.StatusAccepted {
		t.Errorf("delete: %d", reply.status)
	}
	decode[granted](t, h.askGrant(request), http.StatusCreated) // what is gone can come again
}

func TestSecretOfAnotherFileGivesNoURL(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	h.putLabelled(secret.ID(), media.Label{Preset: "photo", Owner: "alice", Reference: "r"}, "0123456789")
	right := map[string]string{"contentType": `"image/png"`, "bytes": "10", "preset": `"photo"`, "reference": `"r"`, "secret": `"` + secret.Reveal() + `"`}
	ask := func(name, value, subject string) reply {
		var fields []string
		for field, text := range right {
			if field == name {
				text = value
			}
			fields = append(fields, fmt.Sprintf("%q:%s", field, text))
		}
		return h.do("POST", "/api/v1/uploads", []byte("{"+strings.Join(fields, ",")+"}"), append(as(subject), "Content-Type", "application/json")...)
	}
	if got := decode[granted](t, ask("", "", "alice"), http.StatusOK); got.Upload != nil {
		t.Errorf("got %+v", got)
	}
	for _, test := range []struct{ field, value, subject string }{
		{"contentType", `"image/jpeg"`, "alice"},
		{"bytes", "11", "alice"},
		{"preset", `"avatar"`, "alice"},
		{"reference", `"s"`, "alice"},
		{"", "", "bob"},
	} {
		reply := ask(test.field, test.value, test.subject)
		wantProblem(t, reply, uploadExists)
		if strings.Contains(string(reply.body), "X-Amz") || strings.Contains(string(reply.body), "alice") {
			t.Errorf("%+v: %s", test, reply.body)
		}
	}
}

func TestManyRenewedGrantsMakeOneOriginal(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	const racers = 50
	var requests []*http.Request
	for i := range racers {
		body := fmt.Appendf(nil, "%010d", i) // no checksum: each may put other bytes
		grant := decode[granted](t, h.askGrant(fmt.Sprintf(`{"contentType":"image/png","bytes":10,"secret":%q}`, secret.Reveal())), http.StatusCreated)
		requests = append(requests, grant.Upload.put(t, body))
	}
	statuses := make([]int, racers)
	var racing sync.WaitGroup
	begin := make(chan struct{})
	for i, request := range requests {
		racing.Go(func() {
			<-begin
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			response.Body.Close()
			statuses[i] = response.StatusCode
		})
	}
	close(begin)
	racing.Wait()
	won := -1
	for i, status := range statuses {
		switch {
		case status == http.StatusOK && won < 0:
			won = i
		case status == http.StatusOK:
			t.Errorf("%d and %d both put", won, i)
		case status != http.StatusPreconditionFailed && status != http.StatusConflict:
			t.Errorf("%d: status %d", i, status)
		}
	}
	if got := h.originals(); len(got) != 1 || won < 0 {
		t.Fatalf("originals %q, statuses %v", got, statuses)
	}
	h.wantStored(secret.ID(), fmt.Appendf(nil, "%010d", won))
}

func TestGrantSaysWhatDoesNotFit(t *testing.T) {
	h := start(t)
	reply := h.askGrant(fmt.Sprintf(`{"contentType":"image/png","bytes":1,"filename":%q,"reference":%q}`,
		strings.Repeat("写", 85), strings.Repeat("📷", media.MaxReference)))
	wantProblem(t, reply, invalidRequest)
	decode[granted](t, h.askGrant(fmt.Sprintf(`{"contentType":"image/png","bytes":1,"reference":%q}`, strings.Repeat("📷", media.MaxReference))), http.StatusCreated)
}
