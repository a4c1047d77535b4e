#include "host/write/output_format.hpp"

#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

std::string refusal(const std::string& path, const OutputFormat& asked) {
  return message_of<UsageError>([&] { resolve_format(path, asked); });
}

void expect_format(const std::string& path, const OutputFormat& asked, Container container,
                   Encoding encoding, int bits) {
  const FileFormat format = resolve_format(path, asked);
  EXPECT_EQ(format.container, container) << path;
  EXPECT_EQ(format.encoding, encoding) << path;
  EXPECT_EQ(format.bits, bits) << path;
}

TEST(OutputFormatTest, TheContainerFollowsFromTheExtension) {
  const auto is_float = Encoding::ieee_float;
  expect_format("a.wav", {}, Container::wav, is_float, 32);
  expect_format("a.b/c.WAVE", {}, Container::wav, is_float, 32);
  expect_format("a.rf64", {}, Container::rf64, is_float, 32);
  expect_format("a.w64", {}, Container::w64, is_float, 32);
  expect_format("a.caf", {}, Container::caf, is_float, 32);
  expect_format("a.aif", {}, Container::aiff, is_float, 32);
  expect_format("a.aiff", {}, Container::aiff, is_float, 32);
  expect_format("a.au", {}, Container::au, is_float, 32);
  expect_format("a.ogg", {}, Container::ogg, Encoding::vorbis, 32);
  expect_format("a.flac", {}, Container::flac, Encoding::pcm, 24);
}

TEST(OutputFormatTest, WhatIsLeftOpenFollowsFromWhatIsGiven) {
  expect_format("a.wav", {{}, 16}, Container::wav, Encoding::pcm, 16);
  expect_format("a.wav", {{}, 24}, Container::wav, Encoding::pcm, 24);
  expect_format("a.wav", {{}, 32}, Container::wav, Encoding::ieee_float, 32);
  expect_format("a.wav", {Encoding::pcm, {}}, Container::wav, Encoding::pcm, 24);
  expect_format("a.wav", {Encoding::pcm, 32}, Container::wav, Encoding::pcm, 32);
  expect_format("a.wav", {Encoding::ieee_float, {}}, Container::wav, Encoding::ieee_float, 32);
  expect_format("a.flac", {{}, 16}, Container::flac, Encoding::pcm, 16);
}

TEST(OutputFormatTest, UnknownExtensionsAreRefusedWithTheKnown) {
  EXPECT_TRUE(says(refusal("song.mp3", {}), {"song.mp3", ".mp3", ".wav", ".flac", ".ogg"}));
  EXPECT_TRUE(says(refusal("song", {}), {"unknown extension ''"}));
  EXPECT_TRUE(says(refusal("folder.wav/song", {}), {"unknown extension ''"}));
}

TEST(OutputFormatTest, AFolderIsNoFile) {
  const Folder folder;
  std::filesystem::create_directory(folder.file("wet"));
  EXPECT_TRUE(says(refusal(folder.file("wet"), {}), {"is a folder", "name of a file"}));
  EXPECT_TRUE(says(refusal(folder.file("wet/"), {}), {"is a folder"}));
}

TEST(OutputFormatTest, WhatDoesNotFitIsRefused) {
  EXPECT_TRUE(says(refusal("a.wav", {Encoding::ieee_float, 16}), {"16-bit float"}));
  EXPECT_TRUE(says(refusal("a.wav", {{}, 8}), {"--bits 8", "16, 24 or 32"}));
  EXPECT_TRUE(says(refusal("a.wav", {Encoding::pcm, 0}), {"--bits 0"}));
  EXPECT_TRUE(says(refusal("a.flac", {Encoding::ieee_float, {}}), {"FLAC", "not 32-bit float"}));
  EXPECT_TRUE(says(refusal("a.flac", {{}, 32}), {"FLAC", "not 32-bit"}));
  EXPECT_TRUE(says(refusal("a.ogg", {{}, 16}), {"Vorbis", "--bits"}));
  EXPECT_TRUE(says(refusal("a.ogg", {Encoding::ieee_float, {}}), {"Vorbis"}));
}

TEST(OutputFormatTest, IsDescribedAsWhatItIs) {
  EXPECT_EQ(describe(resolve_format("a.ogg", {})), "Vorbis");
  EXPECT_EQ(describe(resolve_format("a.wav", {})), "32-bit float");
  EXPECT_EQ(describe(resolve_format("a.wav", {{}, 16})), "16-bit PCM, dithered");
  EXPECT_EQ(describe(resolve_format("a.flac", {})), "24-bit PCM");
}

}  // namespace
}  // namespace gpuconv
