// Command scale computes what presize does under load and what it costs: the figures and the
// plot of deploy/SCALE.md, and the table of costs in the README. Run in the repository's
// root it writes them, each table between two comments that name it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const plotFile = "deploy/measure/scale/queue.svg"

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(os.DirFS(root))
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
