package pack

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The fixtures are linked against stand-ins for the runtime's libraries, never against this machine's, so that what
// they need does not depend on where the tests run.

func TestCheckNamesWhatWouldNotLoad(t *testing.T) {
	folder := t.TempDir()
	compile(t, folder, "libc.so.6",
		`void numeric(void){} void oldest(void){} void newest(void){} void toonew(void){} void secret(void){}`,
		`GLIBC_2.4 { numeric; }; GLIBC_2.17 { oldest; }; GLIBC_2.34 { newest; }; GLIBC_2.35 { toonew; };
		 GLIBC_PRIVATE { secret; };`)
	compile(t, folder, "libstdc++.so.6", `void cxx(void){} void cxxnew(void){} void abinew(void){}`,
		`GLIBCXX_3.4.29 { cxx; }; GLIBCXX_3.4.30 { cxxnew; }; CXXABI_1.3.14 { abinew; };`)
	compile(t, folder, "libelse.so.1", `void other(void){}`, "")
	// The layer that is linked against has more than the layer that is shipped.
	linked := t.TempDir()
	compile(t, linked, "libvips.so.1", `int present; void render(void){} void absent(void){}`, "")
	layer := compile(t, folder, "libvips.so.1", `int present; void render(void){}`, "")

	tests := map[string]struct {
		source string
		args   []string
		want   []string
		unwant []string
	}{
		"needs only what the system has": {
			source: `void oldest(void), newest(void), numeric(void), cxx(void), render(void); extern int present;
				void f(void) { oldest(); newest(); numeric(); cxx(); render(); present = 1; }`,
		},
		"symbol of a newer glibc": {
			source: `void toonew(void), oldest(void); void f(void) { toonew(); oldest(); }`,
			want:   []string{"GLIBC_2.35 (symbols: toonew)"},
			unwant: []string{"oldest"},
		},
		"weak symbol of a newer glibc": {
			source: `__attribute__((weak)) void toonew(void); void oldest(void); void f(void) { toonew(); oldest(); }`,
			want:   []string{"GLIBC_2.35 (symbols: toonew)"},
		},
		"relocations that only a newer glibc can read": {
			source: `static int number; int *pointer = &number; void oldest(void); void f(void) { oldest(); }`,
			args:   []string{"-Wl,-z,pack-relative-relocs"},
			want:   []string{"GLIBC_ABI_DT_RELR"},
		},
		"private symbol of glibc": {
			source: `void secret(void); void f(void) { secret(); }`,
			want:   []string{"GLIBC_PRIVATE (symbols: secret)"},
		},
		"symbols of a newer libstdc++": {
			source: `void cxxnew(void), abinew(void); void f(void) { cxxnew(); abinew(); }`,
			want:   []string{"GLIBCXX_3.4.30 (symbols: cxxnew)", "CXXABI_1.3.14 (symbols: abinew)"},
		},
		"symbol that the layer lacks": {
			source: `void absent(void), render(void); void f(void) { absent(); render(); }`,
			want:   []string{"the symbol absent"},
			unwant: []string{"render"},
		},
		"weak symbol that the layer lacks": {
			source: `__attribute__((weak)) void absent(void); void f(void) { if (absent) absent(); }`,
		},
		"library that is nowhere": {
			source: `void other(void); void f(void) { other(); }`,
			want:   []string{"the library libelse.so.1", "the symbol other"},
		},
		"run path of the build machine": {
			source: `void f(void) {}`,
			args:   []string{"-Wl,--enable-new-dtags,-rpath,/build/lib"},
			want:   []string{"the run path /build/lib"},
		},
		"old-style run path": {
			source: `void f(void) {}`,
			args:   []string{"-Wl,--disable-new-dtags,-rpath,/build/lib"},
			want:   []string{"the run path /build/lib"},
		},
		"run path below the origin": {
			source: `void f(void) {}`,
			args:   []string{"-Wl,-rpath,$ORIGIN/../build"},
			want:   []string{"the run path $ORIGIN/../build"},
		},
		"run path that is the origin": {
			source: `void f(void) {}`,
			args:   []string{"-Wl,-rpath,$ORIGIN/"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := append(test.args, "-Wl,--as-needed", "-L"+linked, "-L"+folder,
				"-l:libvips.so.1", "-l:libc.so.6", "-l:libstdc++.so.6", "-l:libelse.so.1")
			binary := compile(t, t.TempDir(), "bootstrap", test.source, "", args...)
			err := Check(binary, layer)
			if len(test.want) == 0 {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("passed")
			}
			for _, want := range append(test.want, "bootstrap") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not name %q: %v", want, err)
				}
			}
			for _, unwant := range test.unwant {
				if strings.Contains(err.Error(), unwant) {
					t.Errorf("error names %q: %v", unwant, err)
				}
			}
		})
	}
}

func TestCheckRefusesALayerForAnotherArchitecture(t *testing.T) {
	binary := compile(t, t.TempDir(), "bootstrap", `void f(void) {}`, "")
	layer := compile(t, t.TempDir(), "lib/libvips.so.1", `void render(void) {}`, "")
	// e_machine of the ELF header, RISC-V.
	layer.Data[18], layer.Data[19] = 243, 0
	err := Check(binary, layer)
	if err == nil || !strings.Contains(err.Error(), "lib/libvips.so.1: built for EM_RISCV") {
		t.Errorf("got %v", err)
	}
}

func TestCheckRefusesWhatIsNoBinary(t *testing.T) {
	script := File{Name: "bootstrap", Data: []byte("#!/bin/sh\n")}
	if err := Check(script); err == nil || !strings.Contains(err.Error(), "bootstrap") {
		t.Errorf("script: got %v", err)
	}
	binary := compile(t, t.TempDir(), "bootstrap", `void f(void) {}`, "")
	if err := Check(binary, script); err == nil {
		t.Error("script in the layer: passed")
	}
	binary.Data = binary.Data[:len(binary.Data)/2]
	if err := Check(binary); err == nil {
		t.Error("half a binary: passed")
	}
}

func TestCheckPassesAStaticExecutable(t *testing.T) {
	binary := compile(t, t.TempDir(), "bootstrap", `void _start(void) {}`, "", "-static", "-no-pie")
	if err := Check(binary); err != nil {
		t.Error(err)
	}
}

// compile makes folder/name of C source: a shared library, unless the arguments make it an executable. With versions,
// a linker version script, its symbols get these versions.
func compile(t *testing.T, folder, name, source, versions string, args ...string) File {
	t.Helper()
	input := filepath.Join(t.TempDir(), "source.c")
	script := filepath.Join(t.TempDir(), "versions")
	output := filepath.Join(folder, filepath.Base(name))
	write(t, input, source)
	command := []string{"-nostdlib", "-o", output, input}
	if !strings.Contains(strings.Join(args, " "), "-static") {
		command = append(command, "-shared", "-fPIC", "-Wl,-soname,"+filepath.Base(name))
	}
	if versions != "" {
		write(t, script, versions)
		command = append(command, "-Wl,--version-script,"+script)
	}
	if out, err := exec.Command("gcc", append(command, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return File{Name: name, Mode: 0o755, Data: readFile(t, output)}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
