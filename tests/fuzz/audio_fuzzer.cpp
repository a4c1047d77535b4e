#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  gpuconv::test::fuzz_audio({bytes, count});
  return 0;
}
