#include "host/audio/listed.hpp"

#include <algorithm>

#include "host/audio/audio_file.hpp"
#include "host/audio/input_file.hpp"
#include "tests/support/files.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// The refusal of a file with these bytes; "" if it is let in.
std::string verdict(const std::string& bytes) {
  const Folder folder;
  write_bytes(folder.file("a"), bytes);
  const InputFile file = open_input(folder.file("a"));
  try {
    check_listed("a", file.descriptor.get(), file.bytes);
  } catch (const FileError& refusal) {
    return refusal.what();
  }
  return "";
}

std::string bytes_of_specimen(const std::string& name) {
  return std::ranges::find(specimens(), name, &Specimen::name)->bytes;
}

/// The specimen with `from`, which occurs once, replaced by `to`.
std::string replaced(const std::string& name, const std::string& from, const std::string& to) {
  std::string bytes = bytes_of_specimen(name);
  EXPECT_NE(bytes.find(from), std::string::npos) << name;
  return bytes.replace(bytes.find(from), from.size(), to);
}

TEST(ListedTest, EverySpecimenOfAudioIsLetIn) {
  for (const Specimen& specimen : specimens()) {
    if (specimen.name == "SOFA") continue;
    EXPECT_EQ(verdict(specimen.bytes), "") << specimen.name;
  }
}

TEST(ListedTest, RareEncodingsAreRefusedInEveryContainer) {
  const std::string pcm = "fmt " + little(16, 4) + little(1, 2);
  const auto wav = [&](int format) {
    return replaced("WAV", pcm, "fmt " + little(16, 4) + little(static_cast<unsigned>(format), 2));
  };
  EXPECT_TRUE(says(verdict(wav(0x11)), {"a: encoding 0x0011 of WAV is not read here"}));  // IMA
  EXPECT_TRUE(says(verdict(wav(0x02)), {"0x0002"}));  // Microsoft ADPCM
  EXPECT_EQ(verdict(wav(6)), "");
  EXPECT_EQ(verdict(wav(7)), "");
  const std::string guid = little(1, 4) + little(0, 2) + little(0x10, 2);
  EXPECT_TRUE(says(verdict(replaced("WAVEX", guid, little(2, 4) + guid.substr(4))), {"0x0002"}));
  EXPECT_TRUE(says(verdict(replaced("AIFC", "sowt", "ima4")), {"'ima4' of AIFF"}));
  EXPECT_EQ(verdict(replaced("AIFC", "sowt", "fl32")), "");
  EXPECT_TRUE(says(verdict(replaced("CAF", "lpcm", "alac")), {"'alac' of CAF"}));
  EXPECT_TRUE(says(verdict(replaced("AU", big(3, 4) + big(16'000, 4), big(23, 4) + big(16'000, 4))),
                   {"23 of AU"}));
  EXPECT_TRUE(says(verdict(replaced("Ogg", "\x01vorbis", "Speex  ")), {"Ogg", "Opus"}));
}

TEST(ListedTest, OtherContainersAreRefused) {
  for (const std::string& bytes :
       {std::string("plain text"), std::string("R"), std::string("\x89HDF\r\n\x1a\n"),
        std::string("Creative Voice File\x1a"), std::string("ID3\x03")}) {
    EXPECT_TRUE(says(verdict(bytes), {"is not audio of a kind that is read here", "WAV", "Opus",
                                      "--allow-any-format"}));
  }
}

TEST(ListedTest, AHeaderThatBreaksOffIsLeftToItsReader) {
  for (const Specimen& specimen : specimens()) {
    if (specimen.name == "SOFA") continue;
    for (std::size_t length = 4; length < specimen.header_bytes; ++length) {
      EXPECT_EQ(verdict(specimen.bytes.substr(0, length)), "") << specimen.name << ' ' << length;
    }
  }
}

}  // namespace
}  // namespace gpuconv
