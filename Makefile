# Helvino: `make` lists what there is to make. GNU make, no configure step.
#
# Every mode has its own folder, build/<mode>/, and its own flags; a goal that needs another mode calls make again with
# MODE set. Whatever decides an object's content is a prerequisite of it: its headers (-MMD), the flags, the vendored
# libraries. So there is never a reason to clean first.

MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
export CC
PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:

# ---- flags ----------------------------------------------------------------------------------------------------------

ifeq ($(filter $(MODE),release debug asan tsan),)
$(error MODE is $(MODE), and should be release, debug, asan or tsan)
endif
FLAVOUR := $(if $(filter asan tsan,$(MODE)),$(MODE),release)
VENDOR := build/vendor/$(FLAVOUR)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wvla -Werror
CPPFLAGS := -D_GNU_SOURCE -Isrc -Itools -isystem $(VENDOR)/include $(file <vendor/defines)
CFLAGS := -std=gnu17 -g -fPIE -fno-omit-frame-pointer -pthread $(WARNINGS)
LDFLAGS := -pthread -Wl,-z,relro,-z,now,-z,noexecstack

# Asserts stay on in every mode: no NDEBUG anywhere.
HARDENING := -fstack-protector-strong -fstack-clash-protection -fno-plt -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SECTIONS := -ffunction-sections -fdata-sections
CFLAGS_release := -O2 $(HARDENING) $(SECTIONS)
CFLAGS_debug := -Og -g3 $(HARDENING) $(SECTIONS)
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan := -O1 -fsanitize=thread
# The sanitizers need the dynamic loader; the other modes give one file that runs anywhere.
# Half a megabyte of relocations becomes 8 KB where the C library knows how to read them: glibc from 2.36 on.
PACKED := $(shell [ "$$(printf '%s\n' "glibc 2.36" "$$(getconf GNU_LIBC_VERSION)" | sort -V | head -n 1)" = "glibc 2.36" ] && \
	echo ,-z,pack-relative-relocs)
LDFLAGS_release := -static-pie -Wl,--gc-sections$(PACKED)
LDFLAGS_debug := $(LDFLAGS_release)
LDFLAGS_asan := -pie -fsanitize=address,undefined
LDFLAGS_tsan := -pie -fsanitize=thread
CFLAGS += $(CFLAGS_$(MODE))

# What a static libcrypto calls differs from release to release. (Nothing yet where set-up has still to install it; what
# is built after set-up is built by another make.)
OPENSSL_LIBS := $(shell pkg-config --static --libs openssl 2>/dev/null)
LIBS := -L$(VENDOR)/lib -lh2o-evloop -llmdb -lmsgpackc -lyyjson -lcurl -lcares $(OPENSSL_LIBS) -lz -lsodium \
	$(if $(wildcard tools/dump/*.c),-lsqlite3) -lm

# ---- files ----------------------------------------------------------------------------------------------------------

OUT := build/$(MODE)
SOURCES := $(wildcard src/main.c src/*/*.c tools/dump/*.c)
REPORTS := $(wildcard tools/dump/reports/*.sql)
OBJECTS := $(SOURCES:%.c=$(OUT)/%.o) $(OUT)/reports.o $(OUT)/widget.o
# One for all modes; it stands for the other files of its folder too.
WIDGET := build/widget/assets.c
WIDGET_SOURCES := $(sort $(shell find widget -name node_modules -prune -o -type f -print))
NODE_MODULES := widget/node_modules/stamp
LIBRARY := $(OUT)/libhelvino.a
BINARY := $(OUT)/helvino
UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/test_*.c))
LOAD_TOOLS := $(patsubst tools/load/%.c,$(OUT)/load/%,$(wildcard tools/load/*.c))
HTTP_TESTS := $(wildcard tests/http/*.test.mjs)
SQL_TESTS := $(wildcard tests/sql/*.test.mjs)
OTHER_TESTS := $(wildcard tests/fault/*.test.mjs)
BUILD_TESTS := $(wildcard tests/build/*.test.mjs)
WIDGET_TESTS := $(wildcard tests/widget/*.test.mjs tests/inbox/*.test.mjs)
BROWSER_TESTS := $(wildcard tests/browser/*.test.mjs)

# What runs threads against each other, for the thread sanitizer; the rest would only be slow there.
TSAN_UNIT_TESTS ?= $(filter $(addprefix $(OUT)/unit/test_,log% limiter store_grow store_readers \
	live% edge_serve edge_stream),$(UNIT_TESTS))
TSAN_HTTP_TESTS ?= $(wildcard $(addprefix tests/http/,concurrency*.test.mjs login.test.mjs stream_life.test.mjs stream_resume.test.mjs \
	webhook_delivery.test.mjs))

# ---- goals ----------------------------------------------------------------------------------------------------------

.PHONY: help readme setup setup-% vendor widget size serve test unit http browser bench debug release asan tsan build \
	check-asan check-tsan lint fmt install clean distclean FORCE
.DEFAULT_GOAL := help

help: ## list the goals (this text)
	@echo "Helvino: make GOAL"
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

setup: setup-build setup-test ## install what building and testing need and this machine lacks
setup-%: FORCE
	@tools/setup.sh $*

vendor: $(VENDOR)/stamp ## fetch, patch and build the libraries that Helvino stands on

widget: setup-build $(NODE_MODULES) $(WIDGET) ## bundle the widget into build/widget

size: widget ## say what the widget weighs; fails above what was promised
	@node widget/size.mjs

readme: release ## fill in the generated tables of the README
	@tools/readme.sh

# On this machine alone; a kernel without IPv6 has no ::1.
serve: release ## set up, build and run with a demo organisation on http://localhost:4000
	@tools/setup.sh try || echo "the printed examples need what is missing; the server does not"
	build/release/helvino serve --demo --data build/demo-data --listen http://127.0.0.1:4000 \
		$(if $(shell grep -s '^0*1 ' /proc/net/if_inet6),--listen http://[::1]:4000)

test: setup ## set up, build and run every test; the last line counts them
	@$(MAKE) MODE=release build tests
	@$(call run_tests,release,$(call unit_tests,release),$(BUILD_TESTS) $(SQL_TESTS) $(HTTP_TESTS) $(OTHER_TESTS) \
		$(WIDGET_TESTS) --alone $(BROWSER_TESTS))

unit: setup ## run the unit tests
	@$(MAKE) tests
	@$(call run_tests,$(MODE),$(UNIT_TESTS),)

http: setup ## run the HTTP tests against the binary
	@$(MAKE) build
	@$(call run_tests,$(MODE),,$(HTTP_TESTS))

browser: setup ## run the tests of widget and inbox, in Node and in Chromium
	@$(MAKE) MODE=release build widget
	@$(call run_tests,release,,$(WIDGET_TESTS) --alone $(BROWSER_TESTS))

asan: setup ## run the tests under the address and undefined behaviour sanitizers
	@$(MAKE) MODE=asan build tests
	@$(MAKE) MODE=asan check-asan

tsan: setup ## run the concurrent tests under the thread sanitizer
	@$(MAKE) MODE=tsan build tests
	@$(MAKE) MODE=tsan check-tsan

bench: setup-build setup-bench ## measure requests per second and latency; options in BENCH, see tools/load/bench.sh
	@$(MAKE) MODE=release build load
	tools/load/bench.sh $(BENCH)

release: setup-build ## build build/release/helvino, one static file
	@$(MAKE) MODE=release build

debug: setup-build ## build build/debug/helvino, for a debugger
	@$(MAKE) MODE=debug build

lint: setup-build setup-test setup-lint vendor widget ## check style, warnings of two compilers, and the rules of the house
	@CPPFLAGS='$(CPPFLAGS)' CFLAGS='-std=gnu17 $(WARNINGS)' tools/lint/lint.sh

fmt: setup-lint ## format the C sources
	@tools/lint/format.sh

install: release ## install the binary under $(DESTDIR)$(PREFIX)
	install -D -m 755 build/release/helvino.stripped $(DESTDIR)$(PREFIX)/bin/helvino

clean: ## remove what was built of Helvino; the vendored libraries and the demo's data stay
	rm -rf $(filter-out build/vendor build/demo-data,$(wildcard build/*))

distclean: ## remove everything that was built or fetched
	rm -rf build widget/node_modules

# ---- rules ----------------------------------------------------------------------------------------------------------

.PHONY: tests load
build: $(BINARY) $(BINARY).stripped
tests: $(UNIT_TESTS) $(NODE_MODULES)
load: $(LOAD_TOOLS)

# Tests find the binary by its path and may ask for the mode, where a sanitizer cannot do what a test wants.
run_tests = HELVINO_BIN=$(CURDIR)/build/$(1)/helvino HELVINO_MODE=$(1) tests/summary $(2) -- $(3)
unit_tests = $(patsubst tests/unit/%.c,build/$(1)/unit/%,$(wildcard tests/unit/test_*.c))

# An allocation that is too large returns null, as it does in the other modes.
check-asan:
	@ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
		$(call run_tests,asan,$(UNIT_TESTS),$(SQL_TESTS) $(HTTP_TESTS) $(OTHER_TESTS))

check-tsan:
	@TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$(CURDIR)/tests/tsan-suppressions \
		$(call run_tests,tsan,$(TSAN_UNIT_TESTS),$(TSAN_HTTP_TESTS))

# The recipe decides by itself whether anything is to do, and touches the stamp only then.
$(VENDOR)/stamp: FORCE | setup-build
	@vendor/build.sh $(FLAVOUR)

# Rewritten only when the flags change, so that a change of flags, and nothing else, rebuilds everything.
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDFLAGS_$(MODE)) $(LIBS)' | cmp -s - $@ || \
		echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDFLAGS_$(MODE)) $(LIBS)' >$@

$(OUT)/%.o: %.c $(OUT)/flags $(VENDOR)/stamp
	@mkdir -p $(@D)
	@echo "CC $@"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The reports as one array of names and texts, for tools/dump/report.c.
$(OUT)/reports.c: $(REPORTS) tools/dump/pack.sh $(OUT)/members
	@tools/dump/pack.sh $(REPORTS) >$@

$(OUT)/reports.o: $(OUT)/reports.c $(OUT)/flags $(VENDOR)/stamp
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Nothing that is fetched here runs on its own: the packages need no scripts of theirs.
$(NODE_MODULES): widget/package.json widget/package-lock.json | setup-build
	@echo "NPM $(@D)"
	@cd widget && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# The list of sources, so that one that is gone counts too.
build/widget/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(WIDGET_SOURCES)' | cmp -s - $@ || echo '$(WIDGET_SOURCES)' >$@

$(WIDGET): $(WIDGET_SOURCES) build/widget/sources $(NODE_MODULES)
	@echo "NODE $@"
	@node widget/build.mjs

$(OUT)/widget.o: $(WIDGET) $(OUT)/flags $(VENDOR)/stamp
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Static glibc makes the linker warn of every getaddrinfo, and libcrypto and libh2o hold some that the server never
# calls. So the linker is heard only when it fails.
link = $(CC) $(CFLAGS) $(LDFLAGS) $(1) -o $@ $< $(LIBRARY) $(LIBS) $(2) 2>$@.log || { cat $@.log >&2; exit 1; }

# Made anew each time: ar would keep the members of sources that are gone.
$(LIBRARY): $(filter-out $(OUT)/src/main.o,$(OBJECTS)) $(OUT)/members
	@rm -f $@
	@$(AR) rcs $@ $(filter %.o,$^)

# The list of sources, so that removing one relinks.
$(OUT)/members: FORCE
	@mkdir -p $(@D)
	@echo '$(SOURCES) $(REPORTS)' | cmp -s - $@ || echo '$(SOURCES) $(REPORTS)' >$@

$(BINARY): $(OUT)/src/main.o $(LIBRARY) $(OUT)/flags
	@echo "LD $@"
	@$(call link,$(LDFLAGS_$(MODE)))

$(BINARY).stripped: $(BINARY)
	@strip -o $@ $<

# Debian has cmocka as a shared library only, so unit tests are linked dynamically in every mode.
$(OUT)/unit/%: $(OUT)/tests/unit/%.o $(LIBRARY) $(OUT)/flags
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(call link,$(filter-out -static-pie,$(LDFLAGS_$(MODE))) -pie,-lcmocka)

$(OUT)/load/%: $(OUT)/tools/load/%.o $(LIBRARY) $(OUT)/flags
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(call link,$(LDFLAGS_$(MODE)))

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
