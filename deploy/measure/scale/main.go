// Command scale computes how presize behaves under load and what it costs: the tables and the
// plot of deploy/SCALE.md, and the tables of deploy/COSTS.md. Run it in the repository's root. It
// writes each table between the two comments that name it.
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
