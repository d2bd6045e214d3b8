# A thin face on meson and ninja; `make help` lists what there is.
.DEFAULT_GOAL := all
BUILD ?= build
PREFIX ?= $(if $(filter 0,$(shell id -u)),/usr/local,$(HOME)/.local)
DESTDIR ?=

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix=$(PREFIX)

all: $(BUILD)/build.ninja ## build/cloche, ready to run
	ninja -C $(BUILD)

deps: ## install the Debian packages that the project needs (as root), or say which are missing
	tools/deps.sh check

demo: ## from nothing to a built image that serves a page, as whoever you are
	tools/deps.sh build
	$(MAKE) all
	tools/demo.sh

check: deps ## all quality gates: builds by gcc and clang, every test, lint of structure and format, sanitizers, fuzzers
	tools/check.sh

check-vm: all ## control groups of version 2, in a virtual machine (as root; tools/deps.sh vm; a few minutes)
	tests/vm/run -B $(BUILD)

test: all ## the unit and integration tests only, against build/
	tests/run -B $(BUILD) --unit

bench: all ## side by side with other tools; QUICK=1 for a short one
	tests/bench/run -B $(BUILD)

fuzz: ## each fuzzer for FUZZ_SECONDS (60)
	tools/fuzz.sh

lint: ## structure, format, clang-tidy
	tools/check_structure.py
	tools/format.sh --check
	tools/tidy.sh

format: ## format the C files
	tools/format.sh

install: all ## into PREFIX (/usr/local; ~/.local for an ordinary user), below DESTDIR if that is set
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	DESTDIR=$(DESTDIR) meson install -C $(BUILD)

debug: ## build-debug/cloche with AddressSanitizer and UndefinedBehaviorSanitizer
	[ -f build-debug/build.ninja ] || meson setup build-debug -Dbuildtype=debug -Db_sanitize=address,undefined
	ninja -C build-debug

clean: ## remove what was built
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

.PHONY: all deps demo check check-vm test bench fuzz lint format install debug clean help
