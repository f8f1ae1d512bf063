// Command cases sends a folder of images through a running presize and compares
// what becomes of each with what is expected:
//
//	cases [-url http://localhost:8080] DIR
//
// The folder has the images and their expectations, in expected.json. One line is
// printed for each image that comes out wrong, then the totals. The exit status is 1
// if there was any.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// expectation is what must become of one image.
type expectation struct {
	File    string  `json:"file"`
	Type    string  `json:"type"`    // as it is declared
	Outcome string  `json:"outcome"` // ready, rejected:code, or several of them with | between
	Size    [2]int  `json:"size"`    // of the widest variant; zero for any
	Points  []point `json:"points"`
	Tol     int     `json:"tol"` // levels by which a band may be off
}

func main() {
	url := flag.String("url", "http://localhost:8080", "where presize is")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: cases [-url URL] DIR")
		os.Exit(2)
	}
	wrong, err := run(*url, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || wrong > 0 {
		os.Exit(1)
	}
}

func run(url, dir string) (wrong int, err error) {
	list, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		return 0, err
	}
	var all []expectation
	if err := json.Unmarshal(list, &all); err != nil {
		return 0, fmt.Errorf("expected.json: %w", err)
	}
	for _, e := range all {
		start := time.Now()
		if err := check(url, dir, e); err != nil {
			wrong++
			fmt.Printf("%s: %v (%.1f s)\n", e.File, err, time.Since(start).Seconds())
		}
	}
	fmt.Printf("%d of %d are right\n", len(all)-wrong, len(all))
	return wrong, nil
}

// check uploads one image. The error says what is wrong with its result.
func check(url, dir string, e expectation) error {
	file, err := os.ReadFile(filepath.Join(dir, e.File))
	if err != nil {
		return err
	}
	m, err := upload(url, e.Type, file)
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Split(e.Outcome, "|"), m.outcome()) {
		return fmt.Errorf("got %s (%s), want %s", m.outcome(), m.Rejection.Detail, e.Outcome)
	}
	if m.Status != "ready" {
		return nil
	}
	widest := m.widest()
	if size := [2]int{widest.Width, widest.Height}; e.Size != [2]int{} && size != e.Size {
		return fmt.Errorf("the widest variant is %v, want %v", size, e.Size)
	}
	return checkPoints(url+widest.URL, e)
}
