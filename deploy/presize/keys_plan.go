package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/presize/presize/internal/signed"
)

// propagation is how long a new key of the key group may take to reach every edge
// location of CloudFront, generously.
const propagation = 15 * time.Minute

// slots are the two places for a key in the stack.
const slots = "ab"

// deployed is what the stack has now. The zero value is no stack.
type deployed struct {
	public  map[byte]bool   // slots with a public key
	digests map[byte]string // of the secrets that the API accepts; empty for none
	signer  byte            // 0 if there is none
	since   time.Time       // of the last deployment
}

// stored is what SSM has: when the private key of each slot was made.
type stored map[byte]time.Time

// step is what one deployment does about the keys.
type step struct {
	create, remove byte // slots, 0 for none
	signer         byte
	next           string // what the operator does after the deployment; "" for nothing
}

// plan returns the step of an ordinary deployment: it makes the first key, and else
// leaves everything as it is.
func plan(stack deployed, keys stored) (step, error) {
	if len(keys) == 0 {
		if len(stack.public) > 0 {
			return step{}, errors.New("the stack has signing keys whose private halves are gone from SSM: " +
				"restore them, or URLs that were signed with them stay valid until they expire and no new ones can be made")
		}
		return step{create: slots[0], signer: slots[0]}, nil
	}
	signer := stack.signer
	if _, ok := keys[signer]; !ok {
		signer = oldest(keys)
	}
	return step{signer: signer}, nil
}

// planRotation returns the next of the three steps that replace the key which signs.
// No URL that was signed becomes invalid by any of them:
//
//  1. a second key joins the key group, and signs nothing yet
//  2. when every edge location knows it, it signs
//  3. when the last URL of the first key has expired, that one goes
//
// A step that comes too early is an error, which says when to come again. Every
// deployment in between begins the wait anew.
func planRotation(stack deployed, keys stored, now time.Time) (step, error) {
	if len(keys) == 0 || len(stack.public) == 0 {
		return step{}, errors.New("there is no signing key yet: deploy first")
	}
	if len(keys) == 1 {
		free := other(oldest(keys))
		return step{create: free, signer: oldest(keys),
			next: fmt.Sprintf("the new key signs nothing yet: in %v, rotate again", propagation)}, nil
	}
	first := oldest(keys)
	second := other(first)
	switch {
	case !stack.public[second]:
		return step{signer: first, next: fmt.Sprintf("in %v, rotate again", propagation)}, nil // the deployment of step 1 had failed
	case stack.signer == first:
		if err := tooEarly(stack.since.Add(propagation), now); err != nil {
			return step{}, err
		}
		return step{signer: second, next: fmt.Sprintf("the old key is still valid: in %v, rotate again", signed.Longest+propagation)}, nil
	default:
		if err := tooEarly(stack.since.Add(signed.Longest+propagation), now); err != nil {
			return step{}, err
		}
		return step{remove: first, signer: second}, nil
	}
}

func tooEarly(earliest, now time.Time) error {
	if now.Before(earliest) {
		return fmt.Errorf("too early for the next step: rotate again after %s", earliest.UTC().Format(time.RFC3339))
	}
	return nil
}

func oldest(keys stored) byte {
	var oldest byte
	for slot, since := range keys {
		if oldest == 0 || since.Before(keys[oldest]) {
			oldest = slot
		}
	}
	return oldest
}

func other(slot byte) byte {
	if slot == slots[0] {
		return slots[1]
	}
	return slots[0]
}
