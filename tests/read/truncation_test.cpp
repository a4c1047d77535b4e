#include "host/files/input_file.hpp"
#include "host/read/container.hpp"
#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// Of a file with these bytes and a hole of `more` bytes after them.
std::optional<Mismatch> mismatch_of(const std::string& bytes, std::uint64_t more = 0) {
  const Folder folder;
  write_bytes(folder.file("a"), bytes);
  std::filesystem::resize_file(folder.file("a"), bytes.size() + more);
  const InputFile file = open_input(folder.file("a"));
  const Peek peek = peek_into(file);
  const auto samples = find_samples(*find_container(peek(0, 40)), peek, file.bytes);
  return samples ? find_mismatch(*samples, file.bytes) : std::nullopt;
}

/// A file of each container whose samples claim `promised` bytes and are 1000.
struct Container {
  const char* name;
  std::string (*make)(std::uint64_t promised);
};

const std::string kSamples(1000, '\1');

const Container kContainers[] = {
    {"WAV",
     [](std::uint64_t promised) {
       return "RIFF" + little(0, 4) + "WAVE" + "LIST" + little(3, 4) + "abc" + '\0' + "data" +
              little(promised, 4) + kSamples;
     }},
    {"RIFX",
     [](std::uint64_t promised) {
       return "RIFX" + little(0, 4) + "WAVE" + "data" + big(promised, 4) + kSamples;
     }},
    {"RF64",
     [](std::uint64_t promised) {
       return "RF64" + little(0xffffffff, 4) + "WAVE" + "ds64" + little(28, 4) + little(0, 8) +
              little(promised, 8) + little(0, 12) + "data" + little(0xffffffff, 4) + kSamples;
     }},
    {"AIFF",
     [](std::uint64_t promised) {
       return "FORM" + big(0, 4) + "AIFF" + "COMM" + big(18, 4) + std::string(18, '\0') + "SSND" +
              big(promised, 4) + kSamples;
     }},
    {"CAF",
     [](std::uint64_t promised) {
       return "caff" + big(0x10000, 4) + "desc" + big(32, 8) + std::string(32, '\0') + "data" +
              big(promised, 8) + kSamples;
     }},
    {"W64",
     [](std::uint64_t promised) {
       const std::string guid(12, '\2');
       return "riff" + guid + little(0, 8) + "wave" + guid + "fmt " + guid + little(24 + 18, 8) +
              std::string(24, '\0') + "data" + guid + little(24 + promised, 8) + kSamples;
     }},
    {"AU",
     [](std::uint64_t promised) {
       return ".snd" + big(24, 4) + big(promised, 4) + std::string(12, '\0') + kSamples;
     }},
};

TEST(TruncationTest, OneByteTooFewIsSeenInEveryContainer) {
  for (const Container& container : kContainers) {
    EXPECT_FALSE(mismatch_of(container.make(1000))) << container.name;
    EXPECT_FALSE(mismatch_of(container.make(999))) << container.name;
    const auto mismatch = mismatch_of(container.make(1001));
    ASSERT_TRUE(mismatch) << container.name;
    EXPECT_EQ(mismatch->promised, 1001) << container.name;
    EXPECT_EQ(mismatch->present, 1000) << container.name;
  }
}

TEST(TruncationTest, AStreamedSizeIsNoShortage) {
  for (const Container& container : kContainers) {
    EXPECT_FALSE(mismatch_of(container.make(std::uint64_t(-1) - 24))) << container.name;
  }
}

TEST(TruncationTest, ARealSizeAboveTwoGibibytesIsHeldAgainstTheFile) {
  EXPECT_TRUE(mismatch_of(kContainers[0].make(0x90000000)));
  EXPECT_TRUE(mismatch_of(kContainers[2].make(0x1'2345'6789)));
}

/// libsndfile 1.2.0 writes such, and reads what is left of the size.
TEST(TruncationTest, ASizeThatHasWrappedIsToldWithWhatIsThere) {
  constexpr std::uint64_t kWrapped = std::uint64_t{1} << 32;
  for (const Container& container : kContainers) {
    const std::string name = container.name;
    const bool has_32_bits = name != "RF64" && name != "CAF" && name != "W64";
    EXPECT_FALSE(mismatch_of(container.make(1000), kWrapped - 1)) << name << ": chunks may follow";
    const auto mismatch = mismatch_of(container.make(1000), kWrapped);
    ASSERT_EQ(mismatch.has_value(), has_32_bits) << name;
    if (!has_32_bits) continue;
    EXPECT_EQ(mismatch->promised, 1000) << name;
    EXPECT_EQ(mismatch->present, 1000 + (std::int64_t{1} << 32)) << name;
  }
}

TEST(TruncationTest, ASizeOfZeroIsToldWithWhatFollows) {
  const auto mismatch = mismatch_of(kContainers[0].make(0));
  ASSERT_TRUE(mismatch);
  EXPECT_EQ(mismatch->promised, 0);
  EXPECT_EQ(mismatch->present, 1000);
}

TEST(TruncationTest, HostileSizesEndTheSearch) {
  EXPECT_FALSE(mismatch_of("RIFF" + little(0, 4) + "WAVE" + "LIST" + little(0xffffffff, 4) + "x"));
  EXPECT_FALSE(mismatch_of("caff" + big(0, 4) + "desc" + big(std::uint64_t(-1), 8) + "x"));
  EXPECT_FALSE(mismatch_of("riff" + std::string(36, '\0') + "fmt " + std::string(20, '\0')));
  EXPECT_FALSE(mismatch_of("RIFF"));
  std::string many = "RIFF" + little(0, 4) + "WAVE";
  for (int i = 0; i < 20'000; ++i) many += "JUNK" + little(0, 4);
  EXPECT_FALSE(mismatch_of(many));
}

}  // namespace
}  // namespace gpuconv
