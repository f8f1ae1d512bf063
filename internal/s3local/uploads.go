package s3local

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/gofiber/fiber/v3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// uploads keeps the connections of the PUT requests under way, until they are cut off.
type uploads struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
	cut   bool
}

// track passes a request on, and keeps its connection meanwhile.
func (u *uploads) track(ctx fiber.Ctx) error {
	if ctx.Method() != fiber.MethodPut {
		return ctx.Next()
	}
	conn := ctx.RequestCtx().Conn()
	if !u.add(conn) {
		return ctx.SendStatus(fiber.StatusServiceUnavailable)
	}
	defer u.remove(conn)
	return ctx.Next()
}

func (u *uploads) add(conn net.Conn) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.cut {
		u.conns[conn] = true
	}
	return !u.cut
}

func (u *uploads) remove(conn net.Conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.conns, conn)
}

// cutOff closes all connections, lets no other upload begin, and returns how many there were.
func (u *uploads) cutOff() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cut = true
	for conn := range u.conns {
		_ = conn.Close() // the client may have closed it already
	}
	return len(u.conns)
}

// storage is a backend that blames the client for an upload whose connection breaks.
// The S3 server would print it as an internal error.
type storage struct{ backend.Backend }

func (s storage) PutObject(ctx context.Context, input s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	output, err := s.Backend.PutObject(ctx, input)
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return output, s3err.GetAPIError(s3err.ErrIncompleteBody)
	}
	return output, err
}
