#include "host/read/tags.hpp"

#include "host/read/audio_file.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// A tag that holds `size` bytes.
std::string id3(std::size_t size, int flags = 0) {
  std::string bytes = std::string("ID3\x04\0", 5) + static_cast<char>(flags);
  for (int shift = 21; shift >= 0; shift -= 7) {
    bytes.push_back(static_cast<char>(size >> shift & 0x7f));
  }
  bytes += std::string(size, 'x');
  if ((flags & 0x10) != 0) bytes += "3DI" + bytes.substr(3, 7);
  return bytes;
}

std::vector<float> samples_of(const std::string& path, Truncated truncated = Truncated::error) {
  AudioReader reader(path, truncated);
  std::vector<float> all, block(100 * static_cast<std::size_t>(reader.format().channels));
  while (const std::size_t got = reader.read(block)) {
    const auto count = got * static_cast<std::size_t>(reader.format().channels);
    all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return all;
}

TEST(TagsTest, AreMeasured) {
  const auto measured = [](const std::string& bytes) {
    return leading_tag_bytes([&](std::int64_t offset, std::size_t count) {
      const std::string part =
          bytes.substr(std::min(bytes.size(), static_cast<std::size_t>(offset)), count);
      return std::vector<unsigned char>(part.begin(), part.end());
    });
  };
  EXPECT_EQ(measured("RIFF"), 0);
  EXPECT_EQ(measured(id3(0)), 10);
  EXPECT_EQ(measured(id3(300) + "RIFF"), 310);
  EXPECT_EQ(measured(id3(300, 0x10) + "RIFF"), 320) << "with a footer";
  EXPECT_EQ(measured(id3(300) + id3(5) + "RIFF"), 325);
  EXPECT_EQ(measured(id3(300) + std::string(5000, '\0') + "RIFF"), 5310);
  EXPECT_EQ(measured("ID3\xff" + std::string(20, '\0')), 0);
  EXPECT_EQ(measured(std::string("ID3\4\0\0\x80\0\0\0", 10)), 0);
}

TEST(TagsTest, BeforeARecordingOfAnyKindAreSkipped) {
  const Folder folder;
  for (const Specimen& specimen : specimens()) {
    if (specimen.name == "SOFA") continue;
    write_bytes(folder.file("a"), specimen.bytes);
    const std::vector<float> plain = samples_of(folder.file("a"));
    for (const std::string& tag :
         {id3(0), id3(200'000), id3(10) + id3(20) + std::string(99, '\0')}) {
      write_bytes(folder.file("a"), tag + specimen.bytes);
      EXPECT_EQ(samples_of(folder.file("a")), plain) << specimen.name;
      EXPECT_EQ(samples_of(FilledPipe(tag + specimen.bytes).path()), plain) << specimen.name;
      if (specimen.name == "Ogg" || specimen.name == "FLAC") continue;
      // What is missing is missed all the same.
      const std::string cut = tag + specimen.bytes.substr(0, specimen.bytes.size() - 8);
      write_bytes(folder.file("a"), cut);
      for (const std::string& words :
           {message_of<FileError>([&] { samples_of(folder.file("a")); }),
            message_of<FileError>([&] { samples_of(FilledPipe(cut).path()); })}) {
        EXPECT_TRUE(says(words, {"is truncated"})) << specimen.name;
      }
      if (specimen.name == "MP3") continue;  // it ends with padding
      EXPECT_LT(samples_of(folder.file("a"), Truncated::accept).size(), plain.size());
    }
  }
}

TEST(TagsTest, WhatFollowsThemDecides) {
  const Folder folder;
  const auto refusal = [&](const std::string& bytes) {
    write_bytes(folder.file("a.mp3"), bytes);
    return message_of<FileError>([&] { samples_of(folder.file("a.mp3")); });
  };
  EXPECT_TRUE(says(refusal(id3(100) + "plain text"), {"this is text"}));
  EXPECT_TRUE(
      says(refusal(id3(100) + std::string("\xff\xf1\x50\x80\x2e\x7f\xfc", 7)), {"this is AAC"}));
  EXPECT_TRUE(says(refusal(id3(100)), {"holds nothing after its ID3 tag (110 bytes)"}));
  EXPECT_TRUE(says(refusal(id3(100).substr(0, 50)), {"holds nothing after its ID3 tag"}));
}

}  // namespace
}  // namespace gpuconv
