# Thin: every recipe is one script or one command that also works by hand.
# GPU=auto|all|none: the GPUs to compile for, those of this machine unless said otherwise.
# YES=1: installs missing packages without asking.
export GPUCONV_GPU = $(GPU)
.PHONY: all demo quick test test-long mutants report setup check install deb wheel format \
  gpu-bundle gpu-session clean

all: setup
	@tools/build default

setup:
	@tools/setup $(if $(YES),--yes)

demo: setup
	@tools/demo

# After an edit of one kernel. METHOD=gpu_fused: tests of that method only.
quick: setup
	@tools/quick $(METHOD)

test: setup
	@tools/test

test-long: setup
	@tools/test-long

mutants: setup
	@tests/mutants/mutants.py

report: all
	@build/gpuconv bench --report build/report
	@echo "gpuconv: build/report/index.html"

install: all
	cmake --install build

# build/gpuconv_VERSION-1_ARCHITECTURE.deb
deb: all
	cd build && cpack -G DEB

# dist/gpuconv-VERSION-*.whl
wheel: setup
	@tools/wheel

format:
	@tools/check --fix

check:
	@tools/check

gpu-bundle: setup
	@profiling/gpu/bundle

# On the machine that has the GPU: 22 minutes.
gpu-session: all
	@profiling/gpu/session

clean:
	rm -rf build
