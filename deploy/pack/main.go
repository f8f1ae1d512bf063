// Command pack makes the archive of a Lambda function that runs on provided.al2023:
//
//	go run ./deploy/pack -out dist/worker.zip -layer dist/layer-arm64.zip build/bin/arm64/worker
//
// It refuses a binary that could not load there with the given layer. The same binary gives the same bytes each time.
package main

import (
	"flag"
	"fmt"
	"os"
	"path"

	"github.com/presize/presize/internal/pack"
)

func main() {
	out := flag.String("out", "", "archive to make")
	layer := flag.String("layer", "", "archive of the layer that the function runs with, if any")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: pack -out archive [-layer archive] binary")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *layer, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(out, layer, binary string) error {
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	var libraries []pack.File
	if layer != "" {
		files, err := pack.Read(layer)
		if err != nil {
			return err
		}
		for _, file := range files {
			// Lambda unpacks a layer in /opt and has /opt/lib on the loader's path.
			if path.Dir(file.Name) == "lib" {
				libraries = append(libraries, file)
			}
		}
	}
	if err := pack.Check(pack.File{Name: binary, Data: data}, libraries...); err != nil {
		return err
	}
	// The runtime starts the file of this name at the root of the archive.
	return pack.Write(out, pack.File{Name: "bootstrap", Mode: 0o755, Data: data})
}
