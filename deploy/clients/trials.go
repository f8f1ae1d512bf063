package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tryKotlin compiles the code for Android and runs the part of it that a JVM can run.
func tryKotlin(ctx context.Context, j job) (string, error) {
	dir := filepath.Join(work, "kotlin")
	sources := []string{"Main.kt", "Android.kt", "Context.kt"}
	for i, name := range sources {
		sources[i] = filepath.Join("deploy/clients/kotlin", name)
	}
	for _, name := range []string{"Presize.kt", "UploadWorker.kt"} {
		path := filepath.Join(dir, name)
		if err := writeFile(path, []byte(j.code[name])); err != nil {
			return "", err
		}
		sources = append(sources, path)
	}
	jars, err := filepath.Glob(filepath.Join(work, "jars/*.jar"))
	if err != nil {
		return "", err
	}
	classes, path := filepath.Join(dir, "classes"), strings.Join(jars, ":")
	compile := []string{"-Xmx1g", "-XX:TieredStopAtLevel=1", "-cp", path, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
		"-no-stdlib", "-no-reflect", "-Werror", "-jvm-target", "17", "-cp", path, "-d", classes}
	if _, err := command(ctx, ".", "java", append(compile, sources...)...); err != nil {
		return "", err
	}
	return command(ctx, ".", "java", "-cp", classes+":"+path, "MainKt", j.endpoint, j.heic, j.damaged)
}

// tryTypeScript checks the types of the code for Expo and of a generated client, and runs both.
func tryTypeScript(ctx context.Context, j job) (string, error) {
	dir, source := filepath.Join(work, "typescript"), "deploy/clients/typescript"
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, sourcesOf(source)); err != nil {
		return "", err
	}
	modules, err := filepath.Abs(filepath.Join(source, "node_modules"))
	if err != nil {
		return "", err
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		return "", err
	}
	if err := writeFile(filepath.Join(dir, "presize.ts"), []byte(j.code["presize.ts"])); err != nil {
		return "", err
	}
	// Beside the programs, these come before the real modules, which need a phone.
	for _, name := range []string{"expo-crypto", "expo-file-system"} {
		index := filepath.Join(dir, "out/node_modules", name, "index.mjs")
		if err := writeFile(index, []byte("export * from '../../modules.js';\n")); err != nil {
			return "", err
		}
		if err := writeFile(filepath.Join(filepath.Dir(index), "package.json"), []byte(`{"exports":"./index.mjs"}`)); err != nil {
			return "", err
		}
	}
	said := ""
	for _, line := range [][]string{
		{"node_modules/.bin/openapi-typescript", "../../../api/openapi.yaml", "--output", "openapi.ts"},
		{"node_modules/.bin/tsc", "--outDir", "out"},
		{"node", "out/generated.js", j.endpoint, j.photo},
		{"node", "out/phone.js", j.endpoint, j.photo},
	} {
		output, err := command(ctx, dir, line[0], line[1:]...)
		if err != nil {
			return "", err
		}
		if line[0] == "node" {
			said += output
		}
	}
	return said, nil
}

// tryGo generates a client and runs it.
func tryGo(ctx context.Context, j job) (string, error) {
	dir := filepath.Join(work, "golang")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, sourcesOf("deploy/clients/golang")); err != nil {
		return "", err
	}
	if _, err := command(ctx, dir, "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "main",
		"-o", "openapi.go", "../../../api/openapi.yaml"); err != nil {
		return "", err
	}
	return command(ctx, dir, "go", "run", ".", j.endpoint, j.photo)
}

// sourcesOf is a folder without the packages that are installed in it.
type sourcesOf string

// Open implements [fs.FS].
func (dir sourcesOf) Open(name string) (fs.File, error) { return os.DirFS(string(dir)).Open(name) }

// ReadDir implements [fs.ReadDirFS].
func (dir sourcesOf) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(os.DirFS(string(dir)), name)
	return slices.DeleteFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == "node_modules" }), err
}

// parseSwift parses the code for iOS.
func parseSwift(ctx context.Context, j job) (string, error) {
	parser := exec.CommandContext(ctx, filepath.Join(work, "python/bin/python"), "-B", "deploy/clients/swift/parse.py")
	parser.Stdin, parser.Stderr = strings.NewReader(j.code["Presize.swift"]), os.Stderr
	return "no syntax error", parser.Run()
}
