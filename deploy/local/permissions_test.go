package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/s3local"
)

// The keys that the permissions are tried on.
const (
	originalKey        = "originals/a"
	manifestKey        = "i/a/manifest.json"
	variantKey         = "i/a/01234567/320.webp"
	privateManifestKey = "p/a/manifest.json"
	privateVariantKey  = "p/a/01234567/320.webp"
	recordKey          = "tries/a/2"
	otherKey           = "other/a"
)

// startStorage runs the stack's S3 server, with an object under every key that may
// have one.
func startStorage(t *testing.T) *s3local.Server {
	t.Helper()
	settings := freeSettings(t)
	t.Chdir(t.TempDir())
	work, err := openWork(t.TempDir(), slog.New(slog.DiscardHandler)) // takes events, and that is all
	if err != nil {
		t.Fatal(err)
	}
	deployment := template.Deployment{InputBucket: inputBucket, OutputBucket: outputBucket}
	storage, err := startS3(t.Context(), settings, deployment, settings.data, work)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := storage.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, put := range []attempt{
		{apiAccount, "put", inputBucket, originalKey},
		{workerAccount, "put", outputBucket, manifestKey},
		{workerAccount, "put", outputBucket, variantKey},
		{workerAccount, "put", outputBucket, privateManifestKey},
		{workerAccount, "put", outputBucket, privateVariantKey},
		{workerAccount, "put", outputBucket, recordKey},
	} {
		if err := try(t, storage, put); err != nil {
			t.Fatal(err)
		}
	}
	return storage
}

// attempt is one thing done as an account. Some verbs need no key.
type attempt struct{ account, verb, bucket, key string }

// attempts lists every verb of every account on every bucket and key. Deletions
// come last, so that there is something to delete.
func attempts() (all []attempt) {
	for _, verb := range []string{"get", "put", "tag", "get tags", "list", "delete policy", "delete bucket", "delete"} {
		for _, account := range []string{edgeAccount, apiAccount, operatorAccount, workerAccount} {
			for _, bucket := range []string{inputBucket, outputBucket} {
				if verb == "list" || verb == "delete policy" || verb == "delete bucket" {
					all = append(all, attempt{account, verb, bucket, ""})
					continue
				}
				for _, key := range []string{originalKey, manifestKey, variantKey, privateManifestKey, privateVariantKey, recordKey, otherKey} {
					all = append(all, attempt{account, verb, bucket, key})
				}
			}
		}
	}
	return all
}

// try returns what S3 says to an attempt: nil, or an error of its client.
func try(t *testing.T, storage *s3local.Server, a attempt) error {
	t.Helper()
	client := storage.Client(a.account)
	switch a.verb {
	case "get":
		object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &a.bucket, Key: &a.key})
		if err == nil {
			object.Body.Close()
		}
		return err
	case "put":
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &a.bucket, Key: &a.key, Body: bytes.NewReader(nil)})
		return err
	case "tag":
		_, err := client.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{Bucket: &a.bucket, Key: &a.key, Tagging: &types.Tagging{TagSet: []types.Tag{}}})
		return err
	case "get tags":
		_, err := client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: &a.bucket, Key: &a.key})
		return err
	case "delete":
		_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &a.bucket, Key: &a.key})
		return err
	case "list":
		_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &a.bucket})
		return err
	case "delete bucket":
		_, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &a.bucket})
		return err
	case "delete policy":
		_, err := client.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: &a.bucket})
		return err
	}
	t.Fatalf("unknown verb %q", a.verb)
	return nil
}

// hasStatus reports whether err is S3's answer with that status.
func hasStatus(err error, status int) bool {
	var response *awshttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == status
}

func TestEachAccountMayDoWhatItsRoleSaysAndNothingElse(t *testing.T) {
	storage := startStorage(t)
	allowed := []attempt{
		{apiAccount, "get", inputBucket, originalKey},
		{apiAccount, "put", inputBucket, originalKey},
		{apiAccount, "delete", inputBucket, originalKey},
		{apiAccount, "get", outputBucket, manifestKey},
		{apiAccount, "get", outputBucket, privateManifestKey},
		{apiAccount, "list", inputBucket, ""},
		{apiAccount, "list", outputBucket, ""},
		{workerAccount, "get", inputBucket, originalKey},
		{workerAccount, "tag", inputBucket, originalKey},
		{workerAccount, "get tags", inputBucket, originalKey},
		{workerAccount, "get", outputBucket, manifestKey},
		{workerAccount, "put", outputBucket, manifestKey},
		{workerAccount, "put", outputBucket, variantKey},
		{workerAccount, "put", outputBucket, recordKey},
		{workerAccount, "delete", outputBucket, recordKey},
		{workerAccount, "delete", outputBucket, manifestKey},
		{workerAccount, "delete", outputBucket, variantKey},
		{workerAccount, "get", outputBucket, privateManifestKey},
		{workerAccount, "put", outputBucket, privateManifestKey},
		{workerAccount, "put", outputBucket, privateVariantKey},
		{workerAccount, "delete", outputBucket, privateManifestKey},
		{workerAccount, "delete", outputBucket, privateVariantKey},
		{workerAccount, "list", inputBucket, ""},
		{workerAccount, "list", outputBucket, ""},
		{edgeAccount, "get", outputBucket, manifestKey},
		{edgeAccount, "get", outputBucket, variantKey},
		{edgeAccount, "get", outputBucket, privateManifestKey},
		{edgeAccount, "get", outputBucket, privateVariantKey},
		{edgeAccount, "list", outputBucket, ""},
		{operatorAccount, "get", inputBucket, originalKey},
		{operatorAccount, "get tags", inputBucket, originalKey},
		{operatorAccount, "get", outputBucket, manifestKey},
		{operatorAccount, "get", outputBucket, privateManifestKey},
		{operatorAccount, "delete", outputBucket, variantKey},
		{operatorAccount, "delete", outputBucket, privateVariantKey},
		{operatorAccount, "list", inputBucket, ""},
		{operatorAccount, "list", outputBucket, ""},
	}
	for _, a := range attempts() {
		err := try(t, storage, a)
		switch may := slices.Contains(allowed, a); {
		case may && err != nil:
			t.Errorf("%q was refused: %v", a, err)
		case !may && !hasStatus(err, http.StatusForbidden):
			t.Errorf("%q was not refused: %v", a, err)
		}
	}
}

func TestMissingObjectIsToldFromAMissingPermission(t *testing.T) {
	storage := startStorage(t)
	for _, a := range []attempt{
		{apiAccount, "get", inputBucket, "originals/b"},
		{apiAccount, "get", outputBucket, "i/b/manifest.json"},
		{workerAccount, "get", inputBucket, "originals/b"},
		{workerAccount, "get", outputBucket, "i/b/manifest.json"},
		{edgeAccount, "get", outputBucket, "i/b/manifest.json"},
	} {
		if err := try(t, storage, a); !hasStatus(err, http.StatusNotFound) {
			t.Errorf("%q: %v", a, err)
		}
	}
}

func TestNobodyMayReadWithoutAnAccount(t *testing.T) {
	storage := startStorage(t)
	for _, path := range []string{"/", "/" + outputBucket, "/" + outputBucket + "/" + variantKey, "/" + inputBucket + "/" + originalKey} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", storage.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}
