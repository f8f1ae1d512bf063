// Command pack makes the archive of a Lambda function that runs on provided.al2023:
//
//	go run ./deploy/pack -out dist/worker.zip -layer dist/layer-arm64.zip build/bin/arm64/worker build/bin/arm64/renderer
//
// Lambda starts the first binary; others keep their names. It refuses a binary that Lambda could not load with the given
// layer. The same binaries always give the same archive.
//
// To print the content of archives, and the digests that Lambda shows for them:
//
//	go run ./deploy/pack -list dist/*.zip
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/presize/presize/internal/pack"
)

func main() {
	out := flag.String("out", "", "archive to make")
	layer := flag.String("layer", "", "archive of the layer that the function runs with, if any")
	listing := flag.Bool("list", false, "print what is in archives instead")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: pack -out archive [-layer archive] binary...\n       pack -list archive...")
		flag.PrintDefaults()
	}
	flag.Parse()
	var err error
	switch {
	case *listing && flag.NArg() > 0:
		err = list(os.Stdout, flag.Args())
	case !*listing && flag.NArg() > 0 && *out != "":
		err = run(*out, *layer, flag.Args())
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// list prints the content of archives.
func list(out io.Writer, archives []string) error {
	const mega = 1e6
	for _, archive := range archives {
		data, err := os.ReadFile(archive)
		if err != nil {
			return err
		}
		files, err := pack.Read(archive)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(data)
		fmt.Fprintf(out, "%s: %.1f MB, CodeSha256 %s\n", archive, float64(len(data))/mega,
			base64.StdEncoding.EncodeToString(digest[:]))
		for _, file := range files {
			fmt.Fprintf(out, "  %s: %.1f MB\n", file.Name, float64(len(file.Data))/mega)
		}
	}
	return nil
}

func run(out, layer string, binaries []string) error {
	var libraries []pack.File
	if layer != "" {
		files, err := pack.Read(layer)
		if err != nil {
			return err
		}
		for _, file := range files {
			// Lambda unpacks a layer to /opt, and /opt/lib is in the loader's path.
			if path.Dir(file.Name) == "lib" {
				libraries = append(libraries, file)
			}
		}
	}
	var packed []pack.File
	for i, binary := range binaries {
		data, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		if err := pack.Check(pack.File{Name: binary, Data: data}, libraries...); err != nil {
			return err
		}
		name := "bootstrap" // the runtime starts the file of this name at the root of the archive
		if i > 0 {
			name = filepath.Base(binary)
		}
		packed = append(packed, pack.File{Name: name, Mode: 0o755, Data: data})
	}
	return pack.Write(out, packed...)
}
