package sqs

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/presize/presize/deploy/local/queue"
)

// request has the fields of all operations' requests.
type request struct {
	QueueURL          string `json:"QueueUrl"`
	QueueName         string
	AttributeNames    []string
	MessageBody       string
	DelaySeconds      int
	ReceiptHandle     string
	VisibilityTimeout *int
	WaitTimeSeconds   int

	MaxNumberOfMessages          int
	SourceARN                    string `json:"SourceArn"`
	DestinationARN               string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond int
	TaskHandle                   string
}

type operation func(*endpoint, *http.Request, request) (any, error)

func operations() map[string]operation {
	return map[string]operation{
		"GetQueueUrl":             (*endpoint).getURL,
		"GetQueueAttributes":      onQueue(getAttributes),
		"SendMessage":             onQueue(send),
		"ReceiveMessage":          onQueue(receive),
		"DeleteMessage":           onQueue(deleteMessage),
		"ChangeMessageVisibility": onQueue(changeVisibility),
		"StartMessageMoveTask":    (*endpoint).startMove,
		"ListMessageMoveTasks":    (*endpoint).listMoves,
		"CancelMessageMoveTask":   (*endpoint).cancelMove,
	}
}

// onQueue makes an operation of what is done to the queue that the request names.
func onQueue(do func(context.Context, *queue.Queue, request) (any, error)) operation {
	return func(e *endpoint, r *http.Request, request request) (any, error) {
		for _, q := range e.Queues {
			if strings.HasSuffix(request.QueueURL, "/"+q.Name) {
				return do(r.Context(), q, request)
			}
		}
		return nil, noQueue(request.QueueURL)
	}
}

func noQueue(name string) error {
	return &fault{http.StatusBadRequest, "QueueDoesNotExist", "there is no queue " + name}
}

func (e *endpoint) getURL(r *http.Request, request request) (any, error) {
	for _, q := range e.Queues {
		if q.Name == request.QueueName {
			return map[string]string{"QueueUrl": URL("http://"+r.Host, q.Name)}, nil
		}
	}
	return nil, noQueue(request.QueueName)
}

// getAttributes answers with all attributes, whichever were asked for.
func getAttributes(_ context.Context, q *queue.Queue, _ request) (any, error) {
	visible, hidden := q.Count()
	return map[string]any{"Attributes": map[string]string{
		"QueueArn":                              q.ARN(),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden), // delayed ones too
		"ApproximateNumberOfMessagesDelayed":    "0",
		"VisibilityTimeout":                     seconds(q.Visibility),
		"MessageRetentionPeriod":                seconds(q.Retention),
	}}, nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

func send(_ context.Context, q *queue.Queue, r request) (any, error) {
	if r.MessageBody == "" || r.DelaySeconds < 0 || r.DelaySeconds > 900 {
		return nil, invalid("want a body, and at most 900 seconds of delay")
	}
	id, err := q.Add(r.MessageBody, time.Duration(r.DelaySeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	return map[string]string{"MessageId": id, "MD5OfMessageBody": digest(r.MessageBody)}, nil
}

// digest is how clients check a body.
func digest(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// message is a message in an answer.
type message struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	MD5OfBody     string
	Body          string
	Attributes    map[string]string
}

func receive(ctx context.Context, q *queue.Queue, r request) (any, error) {
	most := max(r.MaxNumberOfMessages, 1)
	if most > 10 || r.WaitTimeSeconds < 0 || r.WaitTimeSeconds > 20 {
		return nil, invalid("at most 10 messages, and 20 seconds to wait for them")
	}
	visibility := q.Visibility
	if r.VisibilityTimeout != nil {
		visibility = time.Duration(*r.VisibilityTimeout) * time.Second
	}
	messages := []message{}
	add := func(m queue.Message) {
		messages = append(messages, message{
			MessageID: m.ID, ReceiptHandle: m.Receipt, MD5OfBody: digest(m.Body), Body: m.Body,
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
				"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
			},
		})
	}
	waiting, cancel := context.WithTimeout(ctx, time.Duration(r.WaitTimeSeconds)*time.Second)
	defer cancel()
	if m, err := q.ReceiveFor(waiting, visibility); err == nil {
		add(m)
	}
	for len(messages) > 0 && len(messages) < most {
		m, ok := q.TryReceive(visibility)
		if !ok {
			break
		}
		add(m)
	}
	return map[string]any{"Messages": messages}, nil
}

func deleteMessage(ctx context.Context, q *queue.Queue, r request) (any, error) {
	return struct{}{}, q.Delete(ctx, r.ReceiptHandle)
}

func changeVisibility(ctx context.Context, q *queue.Queue, r request) (any, error) {
	if r.VisibilityTimeout == nil || *r.VisibilityTimeout < 0 || *r.VisibilityTimeout > 43200 {
		return nil, invalid("want a visibility timeout of 0 to 43200 seconds")
	}
	return struct{}{}, q.ChangeVisibility(ctx, r.ReceiptHandle, time.Duration(*r.VisibilityTimeout)*time.Second)
}
