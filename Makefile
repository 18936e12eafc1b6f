# `make demo` shows Strata at work, `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo build test lint dependencies swift

STRATA := .build/release/strata
CONFIGURATION ?= debug

help: ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: build ## install what is missing, build, plan specs/digits.yaml and train it
	$(STRATA) plan specs/digits.yaml
	$(STRATA) run specs/digits.yaml

build: dependencies ## build the program in release mode: .build/release/strata
	swift build -c release --product strata

test: dependencies ## install what is missing and run the tests (debug; CONFIGURATION=release for release)
	swift test -c $(CONFIGURATION) --disable-xctest

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
