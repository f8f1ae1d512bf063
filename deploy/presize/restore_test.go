package main

import (
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
)

// TestNothingIsRenderedAgainAfterARestore copies everything away and back, as
// deploy/README.md says.
func TestNothingIsRenderedAgainAfterARestore(t *testing.T) {
	u := newUploads(t)
	unfinished, all := u.everyState()
	client := u.Server.Client(s3test.Owner)
	move := func(from, key, to, copied string) {
		t.Helper()
		if _, err := client.CopyObject(t.Context(), &s3.CopyObjectInput{
			CopySource: aws.String(from + "/" + key), Bucket: &to, Key: &copied, IfNoneMatch: aws.String("*"),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &from, Key: &key}); err != nil {
			t.Fatal(err)
		}
	}
	published := u.published()
	for _, id := range all {
		move(s3test.Input, media.OriginalKey(id), s3test.Output, "copy/"+media.OriginalKey(id))
	}
	for _, key := range published {
		move(s3test.Output, key, s3test.Output, "copy/"+key)
	}
	for _, id := range all {
		move(s3test.Output, "copy/"+media.OriginalKey(id), s3test.Input, media.OriginalKey(id))
	}
	for _, key := range published {
		move(s3test.Output, "copy/"+key, s3test.Output, key)
	}
	got, err := u.newBackfill(filepath.Join(t.TempDir(), "checkpoint.json")).run(t.Context())
	if err != nil || got.Seen != len(all) || got.Finished != len(all)-len(unfinished) {
		t.Errorf("%+v, %v, want %d of %d finished", got, err, len(all)-len(unfinished), len(all))
	}
}
