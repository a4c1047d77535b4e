# Thin: every recipe is one script or one command that also works by hand.
.PHONY: all demo test setup check install format clean

all: setup
	@.ci/build default

setup:
	@.ci/setup

demo: setup
	@.ci/demo

test: setup
	@.ci/test

install: all
	cmake --install build

format:
	@.ci/check --fix

check:
	@.ci/check

clean:
	rm -rf build
