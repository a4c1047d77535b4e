// main.cpp - all tests, or with --token=METHOD:N:K:SEED one problem alone
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "tests/support/problem.hpp"

#ifdef __SANITIZE_ADDRESS__
/// What libvorbis (within libsndfile) leaves of broken files is its own.
extern "C" const char* __lsan_default_suppressions() { return "leak:libvorbis\n"; }
#endif

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  // Whoever started the tests may have had them ignored: nohup, or a shell in the background.
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) std::signal(signal, SIG_DFL);
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--token=", 8) != 0) continue;
    const auto verdict = gpuconv::test::solve(gpuconv::test::parse_token(argv[i] + 8));
    std::printf("%s\n", verdict ? "within its bound" : verdict.message());
    return verdict ? 0 : 1;
  }
  const auto seed = static_cast<unsigned long long>(gpuconv::test::test_seed());
  std::printf("GPUCONV_SEED=%llu\n", seed);
  const int result = RUN_ALL_TESTS();
  std::printf("GPUCONV_SEED=%llu\n", seed);
  return result;
}
