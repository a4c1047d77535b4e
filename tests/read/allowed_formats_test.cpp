#include "host/read/allowed_formats.hpp"

#include <sndfile.h>

#include "host/files/input_file.hpp"
#include "host/read/audio_file.hpp"
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
    check_allowed("a", peek_into(file.descriptor.get()), file.bytes);
  } catch (const FileError& refusal) {
    return refusal.what();
  }
  return "";
}

bool is_for_libsndfile(const Specimen& specimen) {
  return specimen.name != "SOFA" && specimen.name != "MP3";
}

/// The specimen with `from`, which occurs once, replaced by `to`.
std::string replaced(const std::string& name, const std::string& from, const std::string& to) {
  std::string bytes = specimen(name).bytes;
  EXPECT_NE(bytes.find(from), std::string::npos) << name;
  return bytes.replace(bytes.find(from), from.size(), to);
}

TEST(ListedTest, EverySpecimenOfAudioIsLetIn) {
  for (const Specimen& specimen : specimens()) {
    if (!is_for_libsndfile(specimen)) continue;
    EXPECT_EQ(verdict(specimen.bytes), "") << specimen.name;
  }
}

TEST(ListedTest, RareEncodingsAreRefusedInEveryContainer) {
  EXPECT_TRUE(says(verdict(changed("WAV", "format", 0x11)),  // IMA ADPCM
                   {"a: unsupported encoding 0x0011 of WAV"}));
  EXPECT_TRUE(says(verdict(changed("WAV", "format", 2)), {"0x0002"}));  // Microsoft ADPCM
  for (const int law : {6, 7}) {
    EXPECT_EQ(verdict(changed("WAV", "format", static_cast<unsigned>(law))), "");
  }
  EXPECT_TRUE(says(verdict(changed("WAVEX", "GUID format", 2)), {"0x0002"}));
  EXPECT_TRUE(says(verdict(replaced("AIFC", "sowt", "ima4")), {"'ima4' of AIFF"}));
  EXPECT_EQ(verdict(replaced("AIFC", "sowt", "fl32")), "");
  EXPECT_TRUE(says(verdict(replaced("CAF", "lpcm", "alac")), {"'alac' of CAF"}));
  const std::string zeros(4, '\0');  // at which the message would end
  EXPECT_TRUE(says(verdict(replaced("CAF", "lpcm", zeros)), {"'?\?\?\?' of CAF"}));
  EXPECT_TRUE(says(verdict(changed("AU", "encoding", 23)), {"23 of AU"}));
  EXPECT_TRUE(says(verdict(replaced("Ogg", "\x01vorbis", "Speex  ")), {"Ogg", "Opus"}));
}

/// 8SVX is what the Amiga keeps samples in, and libsndfile reads it.
TEST(ListedTest, OnlyAiffAndWaveAreLetInOfWhatFormAndRiffHold) {
  for (const std::string type : {"8SVX", "16SV"}) {
    EXPECT_TRUE(says(verdict(replaced("AIFF", "AIFF", type)),
                     {"unsupported type '" + type + "' of FORM", "--allow-any-format"}));
  }
  for (const std::string type : {"ILBM", "AIFX", "WAVE"}) {
    EXPECT_TRUE(says(verdict(replaced("AIFF", "AIFF", type)),
                     {"unsupported type '" + type + "' of FORM", "convert it first"}));
  }
  for (const std::string type : {"AVI ", "AIFF", "RMID"}) {
    EXPECT_TRUE(
        says(verdict(replaced("WAV", "WAVE", type)), {"unsupported type '" + type + "' of RIFF"}));
    EXPECT_TRUE(says(verdict(replaced("RF64", "WAVE", type)), {"of RF64"}));
  }
}

TEST(ListedTest, OtherContainersAreRefused) {
  for (const std::string& bytes : {std::string("R"), std::string("ID3\x03")}) {
    EXPECT_TRUE(says(
        verdict(bytes),
        {"a: is not audio in a format that gpuconv recognises (supported: WAV", "MP3", "Opus)"}));
    EXPECT_EQ(verdict(bytes).find("--allow-any-format"), std::string::npos) << "it would not help";
  }
  EXPECT_TRUE(says(verdict("\x89HDF\r\n\x1a\n"), {"this is HDF5, perhaps a SOFA file"}));
  EXPECT_EQ(verdict("plain text"), "a: this is text; a recording is needed");
  EXPECT_TRUE(says(verdict("Creative Voice File\x1a"), {"this is VOC", "--allow-any-format"}));
}

/// Codes of libsndfile: all its containers, or all its encodings.
std::vector<int> codes(int command_of_count, int command) {
  int count = 0;
  ::sf_command(nullptr, command_of_count, &count, sizeof count);
  std::vector<int> all;
  for (int i = 0; i < count; ++i) {
    SF_FORMAT_INFO info{};
    info.format = i;
    ::sf_command(nullptr, command, &info, sizeof info);
    all.push_back(info.format);
  }
  return all;
}

/// Nothing is left that only libsndfile, which looks closer, would know for rare; and where the
/// refusal names the option that lets a file in, it does.
TEST(ListedTest, WhatLibsndfileCanWriteIsReadOrRefusedByItsHeader) {
  const Folder folder;
  const std::string path = folder.file("a");
  int read = 0, advised = 0;
  for (const int container : codes(SFC_GET_FORMAT_MAJOR_COUNT, SFC_GET_FORMAT_MAJOR)) {
    for (const int encoding : codes(SFC_GET_FORMAT_SUBTYPE_COUNT, SFC_GET_FORMAT_SUBTYPE)) {
      SF_INFO info{};
      info.samplerate = 16'000;
      info.channels = 1;
      info.format = container | encoding;
      if (::sf_format_check(&info) == 0) continue;
      SNDFILE* const file = ::sf_open(path.c_str(), SFM_WRITE, &info);
      if (file == nullptr) continue;
      const std::vector<float> samples(4000, 0.25f);
      ::sf_write_float(file, samples.data(), std::ssize(samples));
      ::sf_close(file);
      if (std::filesystem::file_size(path) == 0) continue;  // has a second file beside it
      const std::string refusal = verdict(read_bytes(path));
      if (refusal.empty() || container == SF_FORMAT_MPEG) {  // another reader's
        ++read;
        EXPECT_NO_THROW(AudioReader{path}) << std::hex << info.format;
      } else if (refusal.find("--allow-any-format") != std::string::npos) {
        ++advised;
        EXPECT_NO_THROW((AudioReader{path, Truncated::error, Formats::any})) << refusal;
      } else {  // MATLAB may hold anything, and these have no name in their header
        EXPECT_TRUE(container == SF_FORMAT_MAT4 || container == SF_FORMAT_MAT5 ||
                    container == SF_FORMAT_RAW || container == SF_FORMAT_HTK ||
                    container == SF_FORMAT_MPC2K || container == SF_FORMAT_SD2)
            << std::hex << info.format << ' ' << refusal;
      }
    }
  }
  EXPECT_GT(read, 40);
  EXPECT_GT(advised, 30);
}

TEST(ListedTest, AHeaderThatBreaksOffIsLeftToItsReader) {
  for (const Specimen& specimen : specimens()) {
    if (!is_for_libsndfile(specimen)) continue;
    for (std::size_t length = specimen.name == "SPHERE" ? 8 : 4; length < specimen.header_bytes;
         ++length) {
      EXPECT_EQ(verdict(specimen.bytes.substr(0, length)), "") << specimen.name << ' ' << length;
    }
  }
}

}  // namespace
}  // namespace gpuconv
