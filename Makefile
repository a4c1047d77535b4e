# Thin: every recipe is one script or one command that also works by hand.
# GPU=auto|all|none: the GPUs to compile for, those of this machine unless said otherwise.
export GPUCONV_GPU = $(GPU)
.PHONY: all demo test test-long mutants report setup check install format gpu-bundle gpu-session clean

all: setup
	@.ci/build default

setup:
	@.ci/setup

demo: setup
	@.ci/demo

test: setup
	@.ci/test

test-long: setup
	@.ci/test-long

mutants: setup
	@tests/mutants/mutants.py

report: all
	@build/gpuconv bench --report build/report
	@echo "gpuconv: build/report/index.html"

install: all
	cmake --install build

format:
	@.ci/check --fix

check:
	@.ci/check

gpu-bundle: setup
	@profiling/gpu/bundle

# On the machine that has the GPU: 22 minutes.
gpu-session: all
	@profiling/gpu/session

clean:
	rm -rf build
