# `make demo` shows Strata at work, `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build install uninstall test test-root test-cores latency torture sanitize lint dependencies swift

STRATA := .build/release/strata
CONFIGURATION ?= debug

help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: build ## install what is missing, build, plan specs/digits.yaml and train it
	$(STRATA) plan specs/digits.yaml
	$(STRATA) run specs/digits.yaml

build: dependencies ## build the program in release mode: .build/release/strata
	swift build -c release --product strata

# A program with Swift's runtime and the C++ library in it: where it runs it needs OpenBLAS and libyaml alone. It is built apart from the
# other one. DESTDIR stands in front of PREFIX for packagers.
PREFIX ?= /usr/local
INSTALLED := $(DESTDIR)$(PREFIX)
STATIC := .build/static

# Swift's runtime asks for -lstdc++: in a folder that has nothing but the archive the linker finds the archive.
$(STATIC)/release/strata: dependencies
	mkdir -p $(STATIC)/archives
	ln -sf "$$("$$(dirname "$$(command -v swift)")/clang" -print-file-name=libstdc++.a)" $(STATIC)/archives/
	swift build -c release --product strata --static-swift-stdlib --scratch-path $(STATIC) \
	  -Xswiftc -L$(CURDIR)/$(STATIC)/archives

.PHONY: $(STATIC)/release/strata
install: $(STATIC)/release/strata ## put a program that needs no Swift, completions and a man page below PREFIX (/usr/local)
	install -d $(INSTALLED)/bin $(INSTALLED)/share/man/man1 $(INSTALLED)/share/bash-completion/completions \
	  $(INSTALLED)/share/zsh/site-functions $(INSTALLED)/share/fish/vendor_completions.d
	install -m 755 -s $(STATIC)/release/strata $(INSTALLED)/bin/strata
	$(STATIC)/release/strata help --man > $(INSTALLED)/share/man/man1/strata.1
	$(STATIC)/release/strata completions bash > $(INSTALLED)/share/bash-completion/completions/strata
	$(STATIC)/release/strata completions zsh > $(INSTALLED)/share/zsh/site-functions/_strata
	$(STATIC)/release/strata completions fish > $(INSTALLED)/share/fish/vendor_completions.d/strata.fish

uninstall: ## take away what `make install` with the same PREFIX has put there
	rm -f $(INSTALLED)/bin/strata $(INSTALLED)/share/man/man1/strata.1 \
	  $(INSTALLED)/share/bash-completion/completions/strata $(INSTALLED)/share/zsh/site-functions/_strata \
	  $(INSTALLED)/share/fish/vendor_completions.d/strata.fish

test-root: ## install into a folder, and run the program in a root with only libc, OpenBLAS and libyaml (needs root)
	Tests/install.sh

latency: build ## how fast the language server answers on every spec: median and 95th percentile
	python3 Tests/editor-latency.py $(STRATA) specs/*.yaml

test: dependencies ## install what is missing and run the tests, whose failures are named at the end (debug; CONFIGURATION=release for release, FILTER=... for some)
	Tests/run.sh -c $(CONFIGURATION) --disable-xctest $(if $(FILTER),--filter '$(FILTER)')

# Each core takes as long as `make test`. CORES="Nehalem SkylakeX" runs these alone, which is how to go on after an interruption.
test-cores: dependencies ## the tests under the code that OpenBLAS has for each processor family that this one can stand in for
	swift build -c $(CONFIGURATION) --build-tests --disable-xctest
	CORES='$(CORES)' CONFIGURATION=$(CONFIGURATION) Tests/cores.sh

# Each campaign has 100,000 mutants, and keeps the seed at work in $(NOTES): STRATA_FUZZ=1 STRATA_FUZZ_SEED=that repeats it.
MUTANTS ?= 100000
KILLS ?= 50
STOPS ?= 20
DISK_FAULTS ?= 10
# Specs whose budgets are tried; `make test` takes one in a hundred.
BUDGETS ?= 500
# Random specs whose hints are held against `strata show` and `strata plan`; `make test` takes 25.
EDITOR_SPECS ?= 200
NOTES := .build/torture

torture: dependencies ## a million spoiled files, 100,000 edits, 50 kills, 20 stops, 10 full disks, budgets of 500 specs: every run ends as if undisturbed (an hour)
	swift build -c release --build-tests
	mkdir -p $(NOTES)
	STRATA_KILLS=$(KILLS) STRATA_STOPS=$(STOPS) STRATA_DISK_FAULTS=$(DISK_FAULTS) \
	  timeout 900 swift test -c release --skip-build --disable-xctest --filter 'SurvivalTests|FaultTests'
	STRATA_FUZZ=$(MUTANTS) STRATA_FUZZ_NOTES=$(NOTES) \
	  timeout 2400 swift test -c release --skip-build --disable-xctest --filter 'FuzzTests'
	STRATA_EDITOR_SPECS=$(EDITOR_SPECS) \
	  timeout 900 swift test -c release --skip-build --disable-xctest --filter 'HintAgreementTests'
	STRATA_BUDGETS=$(BUDGETS) \
	  timeout 2400 swift test -c release --skip-build --disable-xctest --filter 'BudgetCampaignTests'

# Each sanitizer needs a build of its own. Leaks are not looked for: Swift keeps tags in the pointers of enums, which the leak detector
# does not follow, so that it takes every table of the program for lost.
sanitize: dependencies ## the tests under the address sanitizer, then under the thread sanitizer
	ASAN_OPTIONS=detect_leaks=0 STRATA_SANITIZER=address swift test --sanitize address --scratch-path .build/address --disable-xctest
	STRATA_SANITIZER=thread swift test --sanitize thread --scratch-path .build/thread --disable-xctest

lint: swift ## check the formatting of all Swift files
	swift format lint --strict -r Sources Tests Package.swift

# The C libraries, by what the build asks for; where apt-get is missing, the message says what to install.
dependencies: swift
	@if command -v pkg-config > /dev/null && pkg-config --exists openblas yaml-0.1; then exit 0; fi; \
	packages='libopenblas-dev libyaml-dev pkg-config'; \
	if [[ $$(id -u) == 0 ]]; then as_root=''; \
	elif command -v sudo > /dev/null; then as_root='sudo'; \
	else as_root='none'; fi; \
	if [[ $$as_root == none ]] || ! command -v apt-get > /dev/null; then \
	  echo "Strata needs OpenBLAS and libyaml, with their headers (on Debian and Ubuntu: $$packages)." >&2; \
	  exit 1; \
	fi; \
	echo "installing $$packages"; \
	$$as_root apt-get update -qq; \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$packages

swift:
	@if ! command -v swift > /dev/null; then \
	  echo "Strata needs Swift 6.3 for Linux, and 'swift' is not in the PATH." >&2; \
	  echo "https://www.swift.org/install/linux tells how to install it; then run make again." >&2; \
	  exit 1; \
	fi
