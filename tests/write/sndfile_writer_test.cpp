#include "host/write/sndfile_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "host/read/audio_file.hpp"
#include "host/read/integrity_check.hpp"
#include "host/write/output.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv {
namespace {

using namespace test;

TEST(SndfileWriterTest, AiffAndAuEndBeforeTheirSizesWrap) {
  for (const Container container : {Container::aiff, Container::au}) {
    OutputFile file("/dev/null", {});
    SndfileWriter writer(file, {container, Encoding::ieee_float, 32}, 48'000);
    file.seek(0xfffe'0000);  // as if this much had been written
    file.write(std::vector<std::byte>(1));
    const std::vector<float> frames(10'000);
    EXPECT_NO_THROW(writer.write(std::span<const float>(frames)));
    const std::vector<float> more(20'000);
    EXPECT_TRUE(says(message_of<FileError>([&] { writer.write(std::span<const float>(more)); }),
                     {name(container), "4294901760 bytes", ".w64"}));
  }
}

TEST(SndfileWriterTest, TooManyFramesAreRefusedBeforeTheFirst) {
  constexpr std::int64_t kMost = 0xffff'0000 / 8;
  OutputFile file("/dev/null", {});
  for (const Container container : {Container::aiff, Container::au}) {
    const FileFormat format{container, Encoding::ieee_float, 32};
    EXPECT_NO_THROW(SndfileWriter(file, format, 48'000, kMost - 1'000));
    EXPECT_TRUE(
        says(message_of<FileError>([&] { SndfileWriter(file, format, 48'000, kMost + 1'000); }),
             {name(container), "429490", "4294901760 bytes", ".w64"}));
  }
  EXPECT_NO_THROW(
      SndfileWriter(file, {Container::w64, Encoding::ieee_float, 32}, 48'000, 2 * kMost));
}

// The first header, which was longer, stayed behind so few.
TEST(SndfileWriterTest, AFewFramesAreAsManyWhenTheyAreReadBack) {
  const Folder folder;
  for (const Container container :
       {Container::aiff, Container::au, Container::caf, Container::w64, Container::flac}) {
    for (std::size_t count = 1; count < 6; ++count) {
      const bool is_float = container != Container::flac;
      OutputFile file(folder.file("a"), {});
      SndfileWriter writer(
          file, {container, is_float ? Encoding::ieee_float : Encoding::pcm, is_float ? 32 : 24},
          48'000);
      if (is_float) {
        writer.write(std::span<const float>(std::vector<float>(2 * count, 0.5f)));
      } else {
        writer.write(std::span<const std::int32_t>(std::vector<std::int32_t>(2 * count, 1 << 22)));
      }
      writer.finish();
      file.publish();
      AudioReader reader(folder.file("a"));
      std::vector<float> frames(100);
      EXPECT_EQ(reader.read(frames), count) << name(container);
      EXPECT_EQ(frames[2 * count - 1], 0.5f) << name(container);
      EXPECT_EQ(frames[2 * count], 0) << name(container);
    }
  }
}

TEST(SndfileWriterTest, OtherContainersGoOn) {
  OutputFile file("/dev/null", {});
  SndfileWriter writer(file, {Container::w64, Encoding::pcm, 16}, 48'000);
  file.seek(0x1'0000'0000);
  file.write(std::vector<std::byte>(1));
  const std::vector<std::int32_t> frames(1'000, -1);
  EXPECT_NO_THROW(writer.write(std::span<const std::int32_t>(frames)));
  EXPECT_NO_THROW(writer.finish());
}

TEST(SndfileWriterTest, RatesThatVorbisCanNotHaveAreRefusedBeforeTheFirstFrame) {
  const Folder folder;
  OutputFile file(folder.file("a.ogg"), {});
  const FileFormat ogg{Container::ogg, Encoding::ieee_float, 32};
  EXPECT_NO_THROW((SndfileWriter{file, ogg, 200'000, 1}));
  EXPECT_TRUE(says(message_of<FileError>([&] { SndfileWriter(file, ogg, 200'001, 1); }),
                   {"cannot be written as Ogg at 200001 Hz (limit 200000 Hz)"}));
}

/// The serial numbers of all pages; each page must have its checksum.
std::set<std::string> serials_of(const std::string& ogg) {
  std::set<std::string> serials;
  IntegrityCheck check(IntegrityCheck::Kind::ogg);
  check.take(0, {reinterpret_cast<const unsigned char*>(ogg.data()), ogg.size()});
  EXPECT_EQ(check.damage(), "");
  EXPECT_TRUE(check.has_ended());
  for (std::size_t page = ogg.find("OggS"); page != ogg.npos; page = ogg.find("OggS", page + 4)) {
    serials.insert(ogg.substr(page + 14, 4));
  }
  return serials;
}

TEST(SndfileWriterTest, TheSerialNumberOfAnOggComesFromItsContent) {
  const Folder folder;
  const auto written = [&](const char* name, int seed) {
    WetWriter writer(folder.file(name), {}, 16'000);
    const Signal ear = noise(50'000, static_cast<unsigned>(seed));
    writer.write({ear, ear});
    writer.finish();
    return read_bytes(folder.file(name));
  };
  const std::string first = written("a.ogg", 1);
  EXPECT_EQ(written("b.ogg", 1), first) << "the same job, the same bytes";
  const std::string other = written("c.ogg", 2);
  EXPECT_EQ(serials_of(first).size(), 1u);
  EXPECT_EQ(serials_of(other).size(), 1u);
  EXPECT_NE(serials_of(first), serials_of(other));
  AudioReader reader(folder.file("a.ogg"));
  EXPECT_EQ(reader.format().frames, 50'000);
}

TEST(SndfileWriterTest, WhereNobodyCanSeekThereIsNone) {
  const Folder folder;
  const std::string path = folder.file("pipe.flac");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  OutputFile file(path, {});
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     SndfileWriter(file, {Container::flac, Encoding::pcm, 16}, 48'000);
                   }),
                   {path, "is a pipe, where FLAC cannot be written"}));
}

}  // namespace
}  // namespace gpuconv
