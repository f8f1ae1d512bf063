package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/presize/presize/api/client"
	"github.com/presize/presize/deploy/presize/statefile"
)

const deleteUsage = `delete uploads and their images

  presize delete --endpoint https://images.example.com mzxw6ytboi2gk3tdmuqhg5dbna

The state file of presize upload has the secrets, which prove that the uploads are yours.
Where a service requires sign-in, the token of the owner does as well: it is in the
environment variable PRESIZE_TOKEN. It is no error if an upload is deleted already.

Exit codes: 0 all are deleted, 1 something failed, 2 called in a wrong way.
`

func runDelete(ctx context.Context, c *call) error {
	endpoint, file := c.endpointFlag()
	ids, err := c.parseFlags()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return fmt.Errorf("%w: which id?", errUsage)
	}
	for _, id := range ids {
		if _, err := client.ParseID(id); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	service, err := c.connect(*endpoint)
	if err != nil {
		return err
	}
	state, err := statefile.Open(*file)
	if err != nil {
		return err
	}
	defer state.Close()
	var failures []error
	for _, id := range ids {
		upload := state.Find(id)
		err := service.Delete(ctx, upload)
		if err == nil {
			err = state.Forget(upload)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", upload.ID, err))
			continue
		}
		fmt.Fprintln(c.text(), upload.ID, "deleted")
		if err := c.document(deletion{upload.ID, true}); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// deletion is what is told of an upload that was deleted.
type deletion struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}
