// corpus_test.cpp - what fuzzing has found to be of interest, once more
//
// tests/fuzz/corpus/ holds the smallest set of inputs that reaches what tests/fuzz/fuzz has
// reached. GPUCONV_WRITE_CORPUS=FOLDER writes the valid files that fuzzing starts from.
#include <cstdio>

#include "host/base/error.hpp"
#include "host/room/sofa/sofa_set.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"
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

/// A file of 2,522 bytes that leads a reader in circles: libmysofa would go on until memory ends.
TEST(FuzzCorpus, WhatExhaustsMemoryIsRefused) {
  const std::string path = std::string(GPUCONV_SOURCE_DIR) + "/tests/fuzz/exhausting.sofa";
  EXPECT_THROW(SofaSet{path}, FileError);
}

TEST(FuzzCorpus, StartsFromTheSpecimens) {
  const Folder otherwise;
  const char* const given = std::getenv("GPUCONV_WRITE_CORPUS");
  const std::filesystem::path folder = given != nullptr ? given : otherwise.path();
  for (const Specimen& specimen : specimens()) {
    std::filesystem::create_directories(folder / "audio");
    write_bytes((folder / "audio" / (specimen.name + specimen.extension)).string(), specimen.bytes);
  }
  std::filesystem::create_directories(folder / "sofa");
  for (const Hdf5Layout layout : kHdf5Layouts) {
    const std::string name = "SOFA " + std::to_string(static_cast<int>(layout)) + ".sofa";
    write_sofa((folder / "sofa" / name).string(), small_sofa(), layout);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "sofa" / "SOFA 0.sofa"));
}

}  // namespace
}  // namespace gpuconv::test
