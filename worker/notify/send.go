package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	// timeout bounds a try, from the name's resolution to the end of the answer.
	timeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, in bytes. Its content does not count.
	maxAnswer = 64 << 10

	secretPrefix = "whsec_"
	// The length of a secret, in bytes, by Standard Webhooks.
	minSecret, maxSecret = 24, 64
)

// send sends a webhook once. An error means that it has to be sent again.
func (n *Notify) send(ctx context.Context, eventID string, body []byte) error {
	secrets, err := n.Secrets(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	signature, err := sign(secrets, eventID, now, body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(body))
	if err != nil {
		return withoutURL(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "presize")
	request.Header.Set(standardwebhooks.HeaderWebhookID, eventID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	response, err := n.Client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	// The status alone decides. The rest is read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the receiver answers %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	return nil
}

// withoutURL takes an error's URL away, which may carry a token of the receiver's.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// sign returns one signature for each secret, separated by spaces: while a secret is
// being replaced, receivers with either one can verify.
func sign(secrets []string, eventID string, at time.Time, body []byte) (string, error) {
	var signatures []string
	for _, secret := range secrets {
		signer, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return "", errors.New("a webhook secret is not base64") // err has a part of it
		}
		signature, err := signer.Sign(eventID, at, body)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, signature)
	}
	return strings.Join(signatures, " "), nil
}

// ParseSecrets reads one or two secrets, separated by white space: the current one, and
// the next or the one before while they are exchanged.
func ParseSecrets(text string) ([]string, error) {
	secrets := strings.Fields(text)
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, fmt.Errorf("webhook secrets: want one or two, separated by a space; there are %d", len(secrets))
	}
	for i, secret := range secrets {
		encoded, ok := strings.CutPrefix(secret, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
			return nil, fmt.Errorf("webhook secret %d: want %s and the base64 of %d to %d bytes", i+1, secretPrefix, minSecret, maxSecret)
		}
	}
	return secrets, nil
}

// ParseURL checks the URL of a receiver. It is https, or plain HTTP where that is allowed.
func ParseURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("webhook URL: %w", withoutURL(err))
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP) || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("webhook URL: want https://host/path, without a user and a fragment")
	}
	return nil
}
