package pack

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// al2023Libraries lists the shared libraries of the Lambda runtime provided.al2023.
func al2023Libraries() []string {
	return []string{
		"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2",
		"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1",
		"libgcc_s.so.1", "libstdc++.so.6",
	}
}

// al2023Newest gives the newest symbol version of each kind in those libraries, which are glibc 2.34 and GCC 11
// (https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html).
func al2023Newest(kind string) (number []int, known bool) {
	switch kind {
	case "GLIBC":
		return []int{2, 34}, true
	case "GLIBCXX":
		return []int{3, 4, 29}, true
	case "CXXABI":
		return []int{1, 3, 13}, true
	case "GCC":
		return []int{11, 0}, true
	}
	return nil, false
}

// Check reports why binary, an ELF executable or shared library, could not be loaded by the Lambda runtime
// provided.al2023 with the shared libraries of layer on the library path. The error names
//   - each library it needs that is neither in the runtime nor in the layer,
//   - each symbol version newer than the runtime's, with the symbols, weak ones included, that need it,
//   - each other symbol, unless weak, that the layer does not export,
//   - each run path: only the build machine can follow it ($ORIGIN alone is harmless),
//   - each file of the layer that is not a library for the binary's architecture.
//
// A static executable needs nothing and passes.
func Check(binary File, layer ...File) error {
	program, err := elf.NewFile(bytes.NewReader(binary.Data))
	if err != nil {
		return fmt.Errorf("%s: %w", binary.Name, err)
	}
	libraries := al2023Libraries()
	exports := map[string]bool{}
	var faults []error
	for _, library := range layer {
		symbols, err := exported(library, program.Machine)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", library.Name, err))
		}
		for _, symbol := range symbols {
			exports[symbol] = true
		}
		libraries = append(libraries, path.Base(library.Name))
	}
	faults = append(faults, checkDynamicSection(program, libraries)...)
	faults = append(faults, checkSymbols(program, exports)...)
	if len(faults) > 0 {
		return fmt.Errorf("%s would not load on Amazon Linux 2023:\n%w", binary.Name, errors.Join(faults...))
	}
	return nil
}

// exported returns the names of the symbols that a shared library for the given machine defines.
func exported(file File, machine elf.Machine) ([]string, error) {
	library, err := elf.NewFile(bytes.NewReader(file.Data))
	if err != nil {
		return nil, err
	}
	if library.Machine != machine {
		return nil, fmt.Errorf("built for %v, not for %v", library.Machine, machine)
	}
	symbols, err := library.DynamicSymbols()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, symbol := range symbols {
		if symbol.Section != elf.SHN_UNDEF {
			names = append(names, symbol.Name)
		}
	}
	return names, nil
}

func checkDynamicSection(program *elf.File, libraries []string) (faults []error) {
	needed, err := program.ImportedLibraries()
	if err != nil {
		return []error{err}
	}
	for _, library := range needed {
		if !slices.Contains(libraries, library) {
			faults = append(faults, fmt.Errorf("needs the library %s", library))
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		runPaths, err := program.DynString(tag)
		if err != nil {
			return append(faults, err)
		}
		for _, runPath := range runPaths {
			if strings.TrimSuffix(runPath, "/") != "$ORIGIN" {
				faults = append(faults, fmt.Errorf("carries the run path %s", runPath))
			}
		}
	}
	return faults
}

// checkSymbols checks the symbols that the binary imports. In the runtime's libraries every symbol has a version, so a
// symbol without one must come from the layer.
func checkSymbols(program *elf.File, exports map[string]bool) (faults []error) {
	symbols, err := program.DynamicSymbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return nil
	}
	if err != nil {
		return []error{err}
	}
	tooNew, err := newerVersions(program)
	if err != nil {
		return []error{err}
	}
	for _, symbol := range symbols {
		if symbol.Section != elf.SHN_UNDEF {
			continue
		}
		if users, found := tooNew[symbol.Version]; found {
			tooNew[symbol.Version] = append(users, symbol.Name)
			continue
		}
		weak := elf.ST_BIND(symbol.Info) == elf.STB_WEAK
		if !weak && !slices.Contains(al2023Libraries(), symbol.Library) && !exports[symbol.Name] {
			faults = append(faults, fmt.Errorf("needs the symbol %s, which the layer lacks", symbol.Name))
		}
	}
	for _, version := range slices.Sorted(maps.Keys(tooNew)) {
		users := strings.Join(tooNew[version], ", ")
		faults = append(faults, fmt.Errorf("needs the version %s (symbols: %s)", version, users))
	}
	return faults
}

// newerVersions returns the symbol versions that program requires and the runtime's libraries lack, as the keys of a map.
// Like the loader, it reads the list of required versions, not the symbols: the list may have a version that no symbol
// has, such as GLIBC_ABI_DT_RELR.
func newerVersions(program *elf.File) (map[string][]string, error) {
	newer := map[string][]string{}
	if program.SectionByType(elf.SHT_GNU_VERNEED) == nil {
		return newer, nil
	}
	needs, err := program.DynamicVersionNeeds()
	if err != nil {
		return nil, err
	}
	for _, library := range needs {
		if !slices.Contains(al2023Libraries(), library.Name) {
			continue
		}
		for _, need := range library.Needs {
			if !provided(need.Dep) {
				newer[need.Dep] = nil
			}
		}
	}
	return newer, nil
}

// provided reports whether the runtime has a symbol version such as GLIBC_2.34. It is false for versions without a
// number, such as GLIBC_PRIVATE, which may change at any time.
func provided(version string) bool {
	cut := strings.LastIndexByte(version, '_')
	if cut < 0 {
		return false
	}
	newest, known := al2023Newest(version[:cut])
	if !known {
		return false
	}
	var number []int
	for part := range strings.SplitSeq(version[cut+1:], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return false
		}
		number = append(number, n)
	}
	return slices.Compare(number, newest) <= 0
}
