# Naru: messages between programs by the fastest valid mechanism.
# Copyright the Naru authors. Licensed under the Apache License, Version 2.0 (see LICENSE).
#
# On a new Debian machine with Swift, `make demo` and `make test` are all it takes.

.PHONY: help demo build test model kills cycles clean prepare
.DEFAULT_GOAL := help

# Release builds have a folder of their own: in one folder, debug and release would rebuild each other.
RELEASE := swift build -c release --scratch-path .build-release
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

model: ## Check the models of ring, waiting and death exhaustively; needs spin and gcc, takes some minutes.
	@Tests/Model/check.sh

kills: prepare ## Kill one end of a link after another, at random moments (COUNT=10000).
	@$(RELEASE) --product NaruKills
	@"$$($(RELEASE) --show-bin-path)/NaruKills" $(or $(COUNT),10000)

cycles: prepare ## Open and close links again and again, and count what stays (COUNT=10000).
	@KIT_CYCLES=$(or $(COUNT),10000) swift test -c release --scratch-path .build-release --enable-all-traits \
	    --disable-xctest --no-parallel --filter CycleTests

clean: ## Remove everything that was built.
	rm -rf .build .build-release

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
