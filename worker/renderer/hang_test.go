package renderer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
)

func TestHangEndsAtTheDeadline(t *testing.T) {
	for _, name := range []string{"silence", "silence at render"} {
		t.Run(name, func(t *testing.T) {
			r := startFake(t, name)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err := renderWithin(ctx, r, drawing(t))
			var failure *renderer.Failure
			if !errors.As(err, &failure) || !errors.Is(err, context.DeadlineExceeded) || len(failure.Unwrap()) != 1 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCanceledRenderIsNoFailure(t *testing.T) {
	r := startFake(t, "silence at render")
	ctx, cancel := context.WithCancel(t.Context())
	original, err := r.Probe(ctx, drawing(t), media.DefaultLimits(), single())
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	cancel()
	var failure *renderer.Failure
	for _, err := range original.Render(ctx).Variants() {
		if !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
			t.Errorf("got %v", err)
		}
	}
}

// renderWithin renders a file and returns the error.
func renderWithin(ctx context.Context, r *renderer.Renderer, file []byte) error {
	original, err := r.Probe(ctx, file, media.DefaultLimits(), single())
	defer original.Close()
	if err != nil {
		return err
	}
	for _, err := range original.Render(ctx).Variants() {
		if err != nil {
			return err
		}
	}
	return nil
}
