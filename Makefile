# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
#
# On a new Debian machine with Swift, `make demo` and `make test` are all it takes.

.PHONY: help demo build test foreign model kills sweep cycles fuzz flip sanitize clean prepare
.DEFAULT_GOAL := help

# Release builds have a folder of their own: in one folder, debug and release would rebuild each other.
RELEASE := swift build -c release --scratch-path .build-release
# Testable, since the targets are internal functions; instrumented for coverage and for addresses.
FUZZ := swift build -c release --scratch-path .build-fuzz --product NaruFuzz --sanitize=address \
	-Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing
# The sanitizers. The thread sanitizer sees races of plain memory only in release, and does not see the standard library's
# Mutex: whatever that guards is a race to it, so it judges what is ordered by atomics, which is all lanes. What exit
# tests leave is no leak.
THREAD := -c release --scratch-path .build-thread --sanitize=thread --enable-all-traits --disable-xctest --no-parallel
THREAD_TESTS := NaruRingTests NaruStreamTests NaruInProcessTests
THREAD_SKIPS := InProcessConformanceTests
# Testable by a flag of the compiler, so that the flipper is built in the same folder and nothing is built twice.
FLIP := swift build -c release --scratch-path .build-address --sanitize=address --enable-all-traits -Xswiftc -enable-testing
ADDRESS := -c release --scratch-path .build-address --sanitize=address --enable-all-traits --disable-xctest --no-parallel \
	--disable-testable-imports -Xswiftc -enable-testing
ADDRESS_TESTS := NaruRingTests NaruStreamTests NaruSharedMemoryTests NaruUnixSocketTests NaruZstdTests \
	NaruConformanceTests NaruInProcessTests FuzzTests FlipperTests
ADDRESS_OPTIONS := ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no
PACKAGE := libzstd-dev

help: ## Say what there is to make.
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: prepare ## Build the samples and move a file by several mechanisms (FILE=… for one of your own).
	@for product in naru Producer Consumer OneProcess; do $(RELEASE) --product $$product || exit 1; done
	@Samples/demo.sh "$$($(RELEASE) --show-bin-path)" $(if $(FILE),"$(FILE)")

build: prepare ## Build the command, for use: .build-release/release/naru
	$(RELEASE) --product naru

test: prepare ## Run all tests, with all package traits.
	swift test --enable-all-traits --disable-xctest --no-parallel

foreign: prepare ## Speak with programs that know nothing of Naru; needs Python and its package index.
	@$(RELEASE) --product naru
	@Tests/Foreign/queues.sh "$$($(RELEASE) --show-bin-path)/naru"

model: ## Check the models of ring, waiting, growth and death exhaustively; needs spin and gcc, takes some minutes.
	@Tests/Model/check.sh

kills: prepare ## Kill one end of a link after another, at random moments (COUNT=10000).
	@$(RELEASE) --product NaruKills
	@"$$($(RELEASE) --show-bin-path)/NaruKills" $(or $(COUNT),10000)

sweep: prepare ## Kill at every call that makes, locks, passes, wakes or removes something (ROUNDS=1, ONLY=…).
	@$(RELEASE) --product NaruSweep
	@"$$($(RELEASE) --show-bin-path)/NaruSweep" --rounds $(or $(ROUNDS),1) $(if $(ONLY),--only "$(ONLY)")

cycles: prepare ## Open and close links again and again, and count what stays (COUNT=10000).
	@KIT_CYCLES=$(or $(COUNT),10000) swift test -c release --scratch-path .build-release --enable-all-traits \
	    --disable-xctest --no-parallel --filter CycleTests

fuzz: prepare ## Fuzz every decoder, a share of the time each (SECONDS=300).
	@NARU_FUZZ=1 $(FUZZ)
	@Tests/Fuzz/fuzz.sh "$$(NARU_FUZZ=1 $(FUZZ) --show-bin-path)/NaruFuzz" $(or $(SECONDS),300)

flip: prepare ## Use memory that another process changes meanwhile, under the address sanitizer (COUNT=10000000).
	@$(FLIP) --product NaruFlipper
	@$(ADDRESS_OPTIONS) "$$($(FLIP) --show-bin-path)/NaruFlipper" $(or $(COUNT),10000000)

sanitize: prepare ## Run the tests of lanes under the thread sanitizer, of lanes and codecs under the address sanitizer.
	swift test $(THREAD) $(foreach suite,$(THREAD_TESTS),--filter $(suite)) \
		$(foreach suite,$(THREAD_SKIPS),--skip $(suite))
	$(ADDRESS_OPTIONS) swift test $(ADDRESS) $(foreach suite,$(ADDRESS_TESTS),--filter $(suite))

clean: ## Remove everything that was built.
	rm -rf .build .build-release .build-fuzz .build-thread .build-address

# The one thing of the system that the build needs: the header of zstd.
prepare:
	@command -v swift >/dev/null || { echo "Swift 6.3 is needed: see https://www.swift.org/install/linux" >&2; exit 1; }
	@if [ -e /usr/include/zstd.h ] || [ -e /usr/local/include/zstd.h ]; then \
	    exit 0; \
	elif [ "$$(id -u)" = 0 ]; then \
	    apt-get update -q && apt-get install -q -y --no-install-recommends $(PACKAGE); \
	elif sudo -n true 2>/dev/null; then \
	    sudo apt-get update -q && sudo apt-get install -q -y --no-install-recommends $(PACKAGE); \
	else \
	    echo "zstd.h is missing. Run this, then make again:" >&2; \
	    echo "    sudo apt-get update && sudo apt-get install -y $(PACKAGE)" >&2; \
	    exit 1; \
	fi
