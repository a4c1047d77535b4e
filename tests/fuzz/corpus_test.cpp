// corpus_test.cpp - what fuzzing has found to be of interest, once more
//
// tests/fuzz/corpus/ holds the smallest set of inputs that reaches what tests/fuzz/fuzz has
// reached. GPUCONV_WRITE_CORPUS=FOLDER writes the valid files that fuzzing starts from.
#include <sys/resource.h>

#include <cstdio>

#include "host/audio/sofa.hpp"
#include "host/error.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/files.hpp"
#include "tests/support/specimens.hpp"
#include "tests/support/watched.hpp"

namespace gpuconv::test {
namespace {

constexpr const char* kCorpus = GPUCONV_SOURCE_DIR "/tests/fuzz/corpus/";

using Target = void (*)(std::span<const std::uint8_t>);

void replay(Target target, const std::string& name) {
  const std::string folder = kCorpus + name;
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string bytes = read_bytes(entry.path().string());
    const Spent spent = watched([&] {
      target({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    });
    EXPECT_LT(spent.seconds, 2) << entry.path();
    EXPECT_LT(spent.bytes, std::size_t{256} << 20) << entry.path();
    ++count;
  }
  std::printf("%s: %zu inputs\n", name.c_str(), count);
  EXPECT_GT(count, 50u);
}

TEST(FuzzCorpus, OfAudioIsAnswered) { replay(fuzz_audio, "audio"); }
TEST(FuzzCorpus, OfSofaIsAnswered) { replay(fuzz_sofa, "sofa"); }

/// libmysofa would go on until memory ends, in 22.9 GB.
TEST(FuzzCorpus, WhatExhaustsMemoryIsRefused) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer does not let an allocation fail";
#else
  const std::string path = std::string(GPUCONV_SOURCE_DIR) + "/tests/fuzz/exhausting.sofa";
  rlimit before{}, after{};
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &before), 0);
  const Spent spent = watched([&] { EXPECT_THROW(read_sofa(path), FileError); });
  EXPECT_LT(spent.seconds, 5);
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_cur) << "the limit outlives the reading";
#endif
}

TEST(FuzzCorpus, StartsFromTheSpecimens) {
  const Folder otherwise;
  const char* const given = std::getenv("GPUCONV_WRITE_CORPUS");
  const std::filesystem::path folder = given != nullptr ? given : otherwise.path();
  for (const Specimen& specimen : specimens()) {
    const auto place = folder / (specimen.name == "SOFA" ? "sofa" : "audio");
    std::filesystem::create_directories(place);
    write_bytes((place / (specimen.name + specimen.extension)).string(), specimen.bytes);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "sofa" / "SOFA.sofa"));
}

}  // namespace
}  // namespace gpuconv::test
