#include "host/audio/info.hpp"

#include <limits>

#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

std::string text_of(const std::string& path) {
  std::string text;
  for (const std::string& line : describe(path)) {
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    text += line + "\n";
  }
  return text;
}

TEST(InfoTest, TellsFormatLengthAndLevels) {
  const Folder folder;
  const std::string text =
      text_of(float_wav(folder, "a.wav", 2, {0.5f, 0, -0.25f, 2, 0, 0, 0, 0}, 8'000));
  EXPECT_TRUE(
      says(text, {"WAV", "32-bit float", "8000 Hz", "channels   2", "4 (0.001 s)",
                  "-6.0 dBFS, 0 samples over", "6.0 dBFS, 1 samples over", "non-finite none"}));
}

TEST(InfoTest, TellsTheFirstSampleThatIsNoNumber) {
  const Folder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(says(text_of(float_wav(folder, "a.wav", 2, {1, 1, 1, nan, nan, 1})),
                   {"non-finite first at frame 1", "0.0 dBFS"}));
}

TEST(InfoTest, TellsWhatIsMissing) {
  const Folder folder;
  write_bytes(folder.file("cut.wav"),
              wav_bytes({3, 32, 1}, bytes_of(std::vector<float>{1, 2}), 4'000));
  EXPECT_TRUE(says(text_of(folder.file("cut.wav")), {"problem", "is truncated", "4000"}));
}

TEST(InfoTest, DescribesASofaFile) {
  GPUCONV_TEST_FILE(path, "sofa/MIT_KEMAR_normal_pinna.sofa");
  EXPECT_TRUE(says(text_of(path), {"SOFA", "SimpleFreeFieldHRIR", "710", "512", "44100 Hz",
                                   "free field", "elevation  -40.0 to 90.0"}));
}

TEST(InfoTest, AMissingFileIsAnError) {
  EXPECT_TRUE(says(message_of<FileError>([] { describe("/nowhere/a.wav"); }), {"/nowhere/a.wav"}));
}

}  // namespace
}  // namespace gpuconv
