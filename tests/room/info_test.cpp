#include "host/room/info.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv {
namespace {

using namespace test;

std::string text_of(const std::string& path) {
  std::string text;
  for (const std::string& line : describe(path).lines) {
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

TEST(InfoTest, OfASofaFileTellsOnWhatTheEarsRestAndTheirLevels) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), sofa_of({}));
  EXPECT_TRUE(
      says(text_of(folder.file("a.sofa")),
           {"measured   24 measurements, 2 receivers, 1 emitter\n",
            "ears       left is receiver 0, right is receiver 1\n",
            "ears by    the samples (8 of 8 measurements from the sides) and Receiver",
            "distance   1.50 m (24 measurements)", "at +90     left ", "at -90     left "}));
  SyntheticHead clockwise;
  clockwise.azimuths_clockwise = true;
  write_sofa(folder.file("a.sofa"), sofa_of(clockwise));
  EXPECT_TRUE(says(text_of(folder.file("a.sofa")), {"problem    receiver 0", "clockwise"}));
}

TEST(InfoTest, IsAlsoJson) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), sofa_of({}));
  const auto sofa = nlohmann::json::parse(describe(folder.file("a.sofa")).json);
  EXPECT_EQ(sofa["measurements"], 24);
  EXPECT_EQ(sofa["ears"]["left"], 0);
  EXPECT_EQ(sofa["distances"][0]["metres"], 1.5);
  EXPECT_GT(sofa["levels_db"][0]["left"], sofa["levels_db"][0]["right"]);
  const auto audio = nlohmann::json::parse(describe(float_wav(folder, "a.wav", 2, {0.5f, 0})).json);
  EXPECT_EQ(audio["channels"], 2);
  EXPECT_EQ(audio["frames"], 1);
  EXPECT_TRUE(audio["peaks"][1]["dbfs"].is_null());
}

TEST(InfoTest, ListsDirectionsAsCsv) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), sofa_of({}));
  const std::vector<std::string> lines = list_directions(folder.file("a.sofa"), {});
  ASSERT_EQ(lines.size(), 25u);
  EXPECT_EQ(lines[0], "measurement,emitter,azimuth,elevation,distance");
  EXPECT_EQ(lines[3], "2,0,30,0,1.5");
  SofaOptions options;
  options.azimuths = sofa::Azimuths::clockwise;
  const std::vector<std::string> mirrored = list_directions(folder.file("a.sofa"), options);
  EXPECT_EQ(mirrored[3], "2,0,-30,0,1.5");
  EXPECT_EQ(mirrored[19], "18,0,90,0,1.5");
}

TEST(InfoTest, AMissingFileIsAnError) {
  EXPECT_TRUE(says(message_of<FileError>([] { describe("/nowhere/a.wav"); }), {"/nowhere/a.wav"}));
}

}  // namespace
}  // namespace gpuconv
