package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/s3local/s3test"
)

func TestObjectsRoundTrip(t *testing.T) {
	env := s3test.Start(t, nil)
	ctx := context.Background()
	large := make([]byte, 20<<20) // more than one part of a Fetch
	_, _ = rand.NewChaCha8([32]byte{}).Read(large)
	for _, body := range [][]byte{{}, []byte("small"), large} {
		t.Run(fmt.Sprint(len(body)), func(t *testing.T) {
			put := bucket.Info{
				Key:          fmt.Sprintf("i/ä b+c/%d.webp", len(body)),
				ContentType:  "image/webp",
				CacheControl: "public, max-age=60",
				Metadata:     map[string]string{"preset": "photo"},
			}
			if err := env.Output.Put(ctx, put, body); err != nil {
				t.Fatal(err)
			}
			info, err := env.Output.Head(ctx, put.Key)
			if err != nil {
				t.Fatal(err)
			}
			if info.Size != int64(len(body)) || info.ContentType != put.ContentType ||
				info.CacheControl != put.CacheControl || info.Metadata["preset"] != "photo" || info.Modified.IsZero() {
				t.Errorf("head: got %+v", info)
			}
			got, _, err := env.Output.Get(ctx, put.Key, int64(len(body)))
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("get: %d bytes, %v", len(got), err)
			}
			if len(body) == 0 {
				return
			}
			if got, err = env.Output.Fetch(ctx, info); err != nil || !bytes.Equal(got, body) {
				t.Errorf("fetch: %d bytes, %v", len(got), err)
			}
			if _, _, err = env.Output.Get(ctx, put.Key, int64(len(body))-1); !errors.Is(err, bucket.ErrTooLarge) {
				t.Errorf("get beyond the limit: %v", err)
			}
		})
	}
}

func TestErrorsAreTold(t *testing.T) {
	env := s3test.Start(t, nil)
	ctx := context.Background()
	object := bucket.Info{Key: "originals/a", ContentType: "image/png"}

	if _, err := env.Input.Head(ctx, object.Key); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("head of nothing: %v", err)
	}
	if _, _, err := env.Input.Get(ctx, object.Key, 1); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("get of nothing: %v", err)
	}
	if _, err := env.Input.Fetch(ctx, bucket.Info{Key: object.Key, Size: 1, ETag: `"x"`}); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("fetch of nothing: %v", err)
	}
	if err := env.Input.Create(ctx, object, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := env.Input.Create(ctx, object, []byte("second")); !errors.Is(err, bucket.ErrExists) {
		t.Errorf("second create: %v", err)
	}
	before, err := env.Input.Head(ctx, object.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := env.Input.Put(ctx, object, []byte("other")); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Input.Fetch(ctx, before); !errors.Is(err, bucket.ErrChanged) {
		t.Errorf("fetch of a replaced object: %v", err)
	}
}

func TestTagsComeBesideTheObject(t *testing.T) {
	env := s3test.Start(t, nil)
	ctx := context.Background()
	const key = "originals/a"
	if _, err := env.Input.Tags(ctx, key); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("tags of nothing: %v", err)
	}
	if err := env.Input.SetTags(ctx, key, map[string]string{"a": "b"}); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("tag nothing: %v", err)
	}
	if err := env.Input.Put(ctx, bucket.Info{Key: key, ContentType: "image/png"}, []byte("four")); err != nil {
		t.Fatal(err)
	}
	before, err := env.Input.Head(ctx, key)
	if err != nil || before.Tagged {
		t.Errorf("before: %+v, %v", before, err)
	}
	want := map[string]string{"a": "b", "c d": "e=f"}
	for _, tags := range []map[string]string{{"old": "x"}, want} {
		if err := env.Input.SetTags(ctx, key, tags); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := env.Input.Tags(ctx, key); !maps.Equal(got, want) || err != nil {
		t.Errorf("tags %q, %v", got, err)
	}
	after, err := env.Input.Head(ctx, key)
	if err != nil || !after.Tagged || after.ETag != before.ETag || !after.Modified.Equal(before.Modified) {
		t.Errorf("before %+v\nafter  %+v, %v", before, after, err)
	}
}

func TestReplaceIsForWhatWasSeenOnly(t *testing.T) {
	env := s3test.Start(t, nil)
	ctx := context.Background()
	object := bucket.Info{Key: "i/a/manifest.json", ContentType: "application/json"}
	first, err := env.Output.Replace(ctx, object, []byte("first"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, info, err := env.Output.Get(ctx, object.Key, 10); err != nil || info.ETag != first {
		t.Errorf("ETag %q, %v; want %q", info.ETag, err, first)
	}
	second, err := env.Output.Replace(ctx, object, []byte("second"), first)
	if err != nil {
		t.Fatal(err)
	}
	for name, seen := range map[string]string{"nothing": "", "the one before": first} {
		if _, err := env.Output.Replace(ctx, object, []byte("third"), seen); !errors.Is(err, bucket.ErrChanged) {
			t.Errorf("where %s was seen: %v", name, err)
		}
	}
	if body, _, err := env.Output.Get(ctx, object.Key, 10); err != nil || string(body) != "second" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := env.Output.Delete(ctx, object.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := env.Output.Replace(ctx, object, []byte("third"), second); !errors.Is(err, bucket.ErrChanged) {
		t.Errorf("of what is gone: %v", err)
	}
}

func TestListAndDelete(t *testing.T) {
	env := s3test.Start(t, nil)
	ctx := context.Background()
	want := []string{"i/a/1", "i/a/2", "i/a/x/3"}
	for _, key := range append([]string{"i/b/1"}, want...) {
		if err := env.Output.Put(ctx, bucket.Info{Key: key, ContentType: "text/plain"}, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	list := func(prefix string) (keys []string) {
		for info, err := range env.Output.List(ctx, prefix) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
		return keys
	}
	if got := list("i/a/"); !slices.Equal(got, want) {
		t.Errorf("list: got %q, want %q", got, want)
	}
	for after, want := range map[string][]string{"": want, "i/a/1": want[1:], "i/a/11": want[1:], "i/a/x/3": nil, "i/b": nil} {
		var got []string
		for info, err := range env.Output.ListAfter(ctx, "i/a/", after) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, info.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("list after %q: got %q, want %q", after, got, want)
		}
	}
	if err := env.Output.Delete(ctx, append(want, "i/a/not-there")...); err != nil {
		t.Errorf("delete: %v", err)
	}
	if got := list("i/"); !slices.Equal(got, []string{"i/b/1"}) {
		t.Errorf("after delete: %q", got)
	}
}

func TestEventsAreShapedAsOnAWS(t *testing.T) {
	var mu sync.Mutex
	var got []string
	env := s3test.Start(t, func(event events.S3Event) {
		mu.Lock()
		defer mu.Unlock()
		record := event.Records[0]
		got = append(got, fmt.Sprintf("%s %s %s %d", record.EventName, record.S3.Bucket.Arn, record.S3.Object.Key, record.S3.Object.Size))
	})
	ctx := context.Background()
	key := "originals/a b+c"
	if err := env.Input.Put(ctx, bucket.Info{Key: key, ContentType: "image/png"}, []byte("four")); err != nil {
		t.Fatal(err)
	}
	if err := env.Input.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	want := []string{
		"ObjectCreated:Put arn:aws:s3:::presize-input originals/a+b%2Bc 4",
		"ObjectRemoved:Delete arn:aws:s3:::presize-input originals/a+b%2Bc 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
