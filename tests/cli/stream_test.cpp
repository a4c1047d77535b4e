// stream_test.cpp - standard input, standard output and named pipes
#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <thread>

#include "host/files/file_descriptor.hpp"
#include "host/read/source.hpp"
#include "tests/support/child.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/pipe.hpp"
#include "tests/support/recordings.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

/// A pipe that nobody reads any more is an error of write(), not the end.
struct WithoutSigpipe {
  WithoutSigpipe() { std::signal(SIGPIPE, SIG_IGN); }
  ~WithoutSigpipe() { std::signal(SIGPIPE, SIG_DFL); }
};

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written <= 0) return;  // the reader has seen enough
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_whole(int descriptor) {
  std::string bytes;
  std::array<char, 65536> block{};
  for (ssize_t got; (got = ::read(descriptor, block.data(), block.size())) > 0;) {
    bytes.append(block.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

/// The samples in a file of `bytes` that comes through a named pipe.
Signal read_through_pipe(const Folder& folder, const std::string& bytes,
                         const SourceOptions& options = {}) {
  const std::string path = folder.file("pipe");
  if (!std::filesystem::exists(path)) ::mkfifo(path.c_str(), 0600);
  const WithoutSigpipe without;
  std::thread writer([&] {
    const FileDescriptor pipe(::open(path.c_str(), O_WRONLY));
    write_all(pipe.get(), bytes);
  });
  Signal samples;
  std::exception_ptr failure;
  try {
    SourceReader reader(path, options);
    Signal block(1000);
    while (const std::size_t got = reader.read(block)) {
      samples.insert(samples.end(), block.begin(),
                     block.begin() + static_cast<std::ptrdiff_t>(got));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  writer.join();
  if (failure) std::rethrow_exception(failure);
  return samples;
}

class Streams : public ::testing::Test {
 protected:
  struct Outcome {
    int exit_code;
    std::string out;
  };

  /// gpuconv render - ROOM -, with `input` through one pipe and the frames through another.
  Outcome filter(const std::string& input, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"render", "-", room_, "-", "-q", "-g", "-40"});
    Pipe in, out;
    Child child(options, folder_.file("err"), in.reading.get(), out.writing.get());
    in.reading = {};
    out.writing = {};
    std::thread writer([&] {
      write_all(in.writing.get(), input);
      in.writing = {};
    });
    const std::string frames = read_whole(out.reading.get());
    writer.join();
    return {child.wait(), frames};
  }

  std::string err() const { return read_bytes(folder_.file("err")); }

  const WithoutSigpipe without_;
  const Folder folder_;
  const Signal samples_ = noise(20'000, 1);
  const std::string room_ = float_wav(folder_, "room.wav", 2, noise(600, 2));
  /// What a file of the same samples gives.
  std::string expected() {
    const std::string wet = folder_.file("wet.wav");
    Child child(
        {"render", float_wav(folder_, "source.wav", 1, samples_), room_, wet, "-q", "-g", "-40"},
        folder_.file("err"));
    EXPECT_EQ(child.wait(), 0) << err();
    return read_bytes(wet);
  }
};

TEST_F(Streams, GiveTheBytesOfAFile) {
  const Outcome outcome = filter(wav_bytes({}, bytes_of(samples_)));
  EXPECT_EQ(outcome.exit_code, 0) << err();
  EXPECT_TRUE(outcome.out == expected()) << "its length was known: even the header is the same";
}

#ifndef GPUCONV_EMULATED  // a sanitizer keeps what was freed

/// GPUCONV_LONG=1: ten hours; else half an hour.
TEST_F(Streams, OfHoursTakeTheMemoryOfTheFirstMinutes) {
  const int minutes = std::getenv("GPUCONV_LONG") == nullptr ? 30 : 600;
  constexpr int kFilled = 10;  // minutes of sound, about a second: every block has been in use
  const std::string room = float_wav(folder_, "hall.wav", 2, noise(2 * 48'000, 2));
  Pipe in;
  const Child child({"render", "-", room, "/dev/null", "-q", "-g", "-60", "--raw-rate", "48000",
                     "--raw-format", "f32", "--device", "cpu"},
                    folder_.file("err"), in.reading.get());
  in.reading = {};
  const auto resident = [&] {
    std::ifstream status("/proc/" + std::to_string(child.id()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmRSS:", 0) == 0) return std::stol(line.substr(6));
    }
    return 0L;
  };
  const Signal minute = noise(60 * 48'000, 3);
  const std::string_view bytes(reinterpret_cast<const char*>(minute.data()), 4 * minute.size());
  long first = 0;
  long most = 0;
  for (int done = 1; done <= minutes; ++done) {
    write_all(in.writing.get(), bytes);
    const long now = resident();
    ASSERT_GT(now, 0) << err();
    if (done == kFilled) first = now;
    if (done >= kFilled) most = std::max(most, now);
  }
  std::printf("%d minutes: %ld KiB, at most %ld KiB more\n", minutes, first, most - first);
  EXPECT_LT(most - first, 1024);
}

#endif

TEST_F(Streams, MayHaveALengthThatNobodyKnows) {
  const std::string file = expected();
  for (const std::int64_t size : {0l, 0x7ffff000l, 0x7fffffffl, 0xffffffffl}) {
    const Outcome outcome = filter(wav_bytes({}, bytes_of(samples_), size));
    EXPECT_EQ(outcome.exit_code, 0) << err();
    EXPECT_TRUE(outcome.out == file) << size;
  }
}

TEST_F(Streams, ThatBreakOffAreTold) {
  const std::string whole = wav_bytes({}, bytes_of(samples_));
  const std::string part = whole.substr(0, whole.size() - 4000);
  EXPECT_EQ(filter(part).exit_code, 2);
  EXPECT_TRUE(says(err(), {"error: standard input: ", "promises 20000 frames, 19000 are there"}));
  EXPECT_EQ(filter(part, {"--truncated", "accept"}).exit_code, 0) << err();
  EXPECT_TRUE(says(err(), {"warning: "}));
}

TEST_F(Streams, MayBeSamplesAlone) {
  const Outcome outcome =
      filter(bytes_of(samples_), {"--raw-rate", "16000", "--raw-format", "f32"});
  EXPECT_TRUE(outcome.out == expected()) << err();
  EXPECT_EQ(filter("", {"--raw-format", "f32"}).exit_code, 1);
  EXPECT_TRUE(says(err(), {"--raw-rate"}));
  EXPECT_EQ(filter("", {"--raw-rate", "16000"}).exit_code, 2);
  EXPECT_TRUE(says(err(), {"standard input", "no samples"}));
}

TEST_F(Streams, CanBeFilesThatTheShellOpens) {
  const std::string file = expected();
  const FileDescriptor in(::open(folder_.file("source.wav").c_str(), O_RDONLY));
  const FileDescriptor out(::open(folder_.file("out.wav").c_str(), O_WRONLY | O_CREAT, 0600));
  Child child({"render", "-", room_, "-", "-q", "-g", "-40"}, folder_.file("err"), in.get(),
              out.get());
  EXPECT_EQ(child.wait(), 0) << err();
  EXPECT_TRUE(read_bytes(folder_.file("out.wav")) == file);
}

TEST_F(Streams, AreAppendedWhereTheShellAppends) {
  const std::string file = expected();
  write_bytes(folder_.file("log"), "before");
  const FileDescriptor out(::open(folder_.file("log").c_str(), O_WRONLY | O_APPEND));
  Child child({"render", folder_.file("source.wav"), room_, "-", "-q", "-g", "-40"},
              folder_.file("err"), STDIN_FILENO, out.get());
  EXPECT_EQ(child.wait(), 0) << err();
  EXPECT_TRUE(read_bytes(folder_.file("log")) == "before" + file);
}

// "-" was no file to compare with: the recording was replaced by its own rendering.
TEST_F(Streams, AreNotWrittenOverTheFileThatTheyComeFrom) {
  expected();
  const std::string source = folder_.file("source.wav");
  const std::string before = read_bytes(source);
  const FileDescriptor in(::open(source.c_str(), O_RDONLY));
  Child replacing({"render", "-", room_, source}, folder_.file("err"), in.get());
  EXPECT_EQ(replacing.wait(), 2);
  EXPECT_TRUE(says(err(), {source + ": is the same file as the input '-'"}));
  const FileDescriptor out(::open(source.c_str(), O_WRONLY | O_APPEND));
  Child appending({"render", source, room_, "-"}, folder_.file("err"), in.get(), out.get());
  EXPECT_EQ(appending.wait(), 2);
  EXPECT_TRUE(says(err(), {"standard output: is the same file as the input", source}));
  EXPECT_TRUE(read_bytes(source) == before);
}

TEST_F(Streams, WhoseReaderIsGoneAreTold) {
  expected();
  Pipe out;
  out.reading = {};
  Child child({"render", folder_.file("source.wav"), room_, "-"}, folder_.file("err"), STDIN_FILENO,
              out.writing.get());
  out.writing = {};
  EXPECT_EQ(child.wait(), 2);
  EXPECT_TRUE(says(err(), {"error: standard output: ", "Broken pipe"}));
}

TEST_F(Streams, CanNotCarryTwoThings) {
  EXPECT_EQ(filter("", {"--json", "-"}).exit_code, 1);
  EXPECT_TRUE(says(err(), {"--json -", "OUTPUT"}));
  Child child({"render", "-", "-", folder_.file("no.wav")}, folder_.file("err"));
  EXPECT_EQ(child.wait(), 1);
  EXPECT_TRUE(says(err(), {"RESPONSE"}));
}

TEST(ByteSourceTest, EveryEncodingOfAWavIsRead) {
  const Folder folder;
  const std::string bytes = "?>=<=>?<?>=<?=><>?=<<>?=<>?><=?>";  // of small exponents
  for (const auto& [format, bits] : std::vector<std::pair<int, int>>{
           {1, 8}, {1, 16}, {1, 24}, {1, 32}, {3, 32}, {3, 64}, {6, 8}, {7, 8}}) {
    const auto samples = static_cast<std::size_t>(bits == 64 ? 4 : 8);
    const std::string sound = bytes.substr(0, samples * static_cast<std::size_t>(bits) / 8);
    const std::string wav = wav_bytes({format, bits, 1}, sound);
    write_bytes(folder.file("a.wav"), wav);
    Signal expected(samples);
    ASSERT_EQ(SourceReader(folder.file("a.wav")).read(expected), samples);
    EXPECT_EQ(read_through_pipe(folder, wav), expected) << format << ", " << bits << " bits";
  }
}

TEST(ByteSourceTest, OtherChunksMayStandBeforeTheSamples) {
  const Folder folder;
  const Signal samples = noise(1000, 3);
  std::string wav = wav_bytes({}, bytes_of(samples), 0xffffffff);
  wav.insert(12, "LIST" + little(99'999, 4) + std::string(100'000, 'x'));  // odd: padded
  EXPECT_TRUE(read_through_pipe(folder, wav) == samples);
}

TEST(ByteSourceTest, Rf64KeepsItsSizesInAChunkOfItsOwn) {
  const Folder folder;
  const Signal samples = noise(1000, 3);
  for (const std::uint64_t size : {std::uint64_t{2000}, std::uint64_t{0}, ~std::uint64_t{0}}) {
    std::string wav = wav_bytes({}, bytes_of(samples), 0xffffffff);
    wav.replace(0, 4, "RF64");
    wav.insert(12, "ds64" + little(28, 4) + little(0, 8) + little(size, 8) + little(0, 12));
    if (size != 2000) {
      EXPECT_EQ(read_through_pipe(folder, wav).size(), 1000u) << size;
      continue;
    }
    EXPECT_EQ(read_through_pipe(folder, wav.substr(0, wav.size() - 2000)).size(), 500u);
    EXPECT_TRUE(says(message_of<FileError>([&] { read_through_pipe(folder, wav); }),
                     {"is longer than its header says"}));
  }
}

TEST(ByteSourceTest, ASizeOfZeroMeansToTheEndUnlessAChunkFollows) {
  const Folder folder;
  const Signal samples = noise(1000, 3);
  const std::string empty = wav_bytes({}, "");
  EXPECT_TRUE(read_through_pipe(folder, empty + bytes_of(samples)) == samples);
  for (const std::string name : {"LIST", "id3 ", "bext", "_PMX", "Xtra"}) {
    const std::string chunk = name + little(5, 4) + "INFOx";
    EXPECT_TRUE(says(message_of<FileError>([&] { read_through_pipe(folder, empty + chunk); }),
                     {"holds no samples (0 frames)"}))
        << name;
  }
  // A name alone is no chunk: nothing is as long as "xyzw" says.
  EXPECT_EQ(read_through_pipe(folder, empty + "LISTxyzwINFO").size(), 3u);
}

TEST(ByteSourceTest, WhatIsNotListedIsRefusedAsInAFile) {
  const Folder folder;
  const auto refusal = [&](const std::string& bytes) {
    return message_of<FileError>([&] { read_through_pipe(folder, bytes, {1}); });
  };
  const auto replaced = [](const std::string& name, const std::string& from,
                           const std::string& to) {
    std::string bytes = specimen(name).bytes;
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  EXPECT_TRUE(says(refusal(replaced("AIFF", "AIFF", "8SVX")), {"unsupported type '8SVX' of FORM"}));
  EXPECT_TRUE(says(refusal(replaced("AIFC", "sowt", "ima4")), {"'ima4' of AIFF"}));
  EXPECT_TRUE(says(refusal(replaced("CAF", "lpcm", "alac")), {"'alac' of CAF"}));
  EXPECT_TRUE(says(refusal(changed("AU", "encoding", 23)), {"23 of AU"}));
  EXPECT_TRUE(says(refusal(changed("W64", "format", 17)), {"0x0011 of WAV"}));
  EXPECT_TRUE(says(refusal(replaced("Ogg", "\x01vorbis", "Speex  ")),
                   {"unsupported encoding 'Speex  ?' of Ogg"}));
  EXPECT_TRUE(says(refusal("plain text"), {"pipe: this is text; a recording is needed"}));
  EXPECT_EQ(read_through_pipe(folder, specimen("AIFC").bytes, {1}).size(), 32u);
  // libsndfile may have it all the same.
  SourceOptions any{1};
  any.formats = Formats::any;
  for (const auto& [bytes, words] :
       {std::pair{"plain text", "this is text"}, std::pair{"\1\2\3\4",
                                                           "is not audio that can be read from a "
                                                           "pipe"}}) {
    EXPECT_TRUE(
        says(message_of<FileError>([&] { read_through_pipe(folder, bytes, any); }), {words}));
  }
}

TEST(ByteSourceTest, AWavThatMakesNoSenseIsRefused) {
  const Folder folder;
  const auto refusal = [&](const std::string& bytes) {
    return message_of<FileError>([&] { read_through_pipe(folder, bytes); });
  };
  EXPECT_TRUE(says(refusal(""), {"pipe: is empty (0 bytes)"}));
  const std::string twice = wav_bytes({1, 16, 1}, "xx");
  EXPECT_TRUE(says(refusal(twice.substr(0, 36) + twice.substr(12)), {"two formats"}));
  EXPECT_TRUE(says(refusal("RIFF" + little(4, 4) + "WAVE"), {"without format or samples"}));
  EXPECT_TRUE(says(refusal(wav_bytes({85, 0, 2}, "mp3")), {"0x0055 of WAV"}));
  std::string odd = wav_bytes({1, 16, 1}, "xx");
  odd[32] = 3;  // bytes of a frame
  EXPECT_TRUE(says(refusal(odd), {"frames of 3 bytes", "1 channels of 16 bits"}));
  EXPECT_TRUE(says(refusal(wav_bytes({3, 32, 0}, "")), {"channels out of range (0"}));
  EXPECT_TRUE(says(refusal(wav_bytes({3, 32, 1, 0}, "")), {"rate out of range (0"}));
  std::string endless = wav_bytes({}, "").substr(0, 12);
  while (endless.size() < (17u << 20))
    endless += "JUNK" + little(1 << 20, 4) + std::string(1 << 20, 'x');
  EXPECT_TRUE(says(refusal(endless), {"without format or samples"}));
}

TEST(ByteSourceTest, OtherContainersAreReadAsFromAFile) {
  const Folder folder;
  const Signal samples = noise(100'000, 4);
  for (const int format : {SF_FORMAT_AU | SF_FORMAT_FLOAT, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                           SF_FORMAT_AIFF | SF_FORMAT_PCM_24, SF_FORMAT_CAF | SF_FORMAT_FLOAT,
                           SF_FORMAT_W64 | SF_FORMAT_PCM_16}) {
    const std::string bytes = encoded(format, samples);
    write_bytes(folder.file("encoded"), bytes);
    SourceReader file(folder.file("encoded"));
    Signal expected(samples.size());
    ASSERT_EQ(file.read(expected), samples.size());
    EXPECT_TRUE(read_through_pipe(folder, bytes) == expected) << std::hex << format;
  }
}

TEST(ByteSourceTest, AFlacLongerThanItsHeaderSaysIsAnError) {
  const Folder folder;
  const Signal samples = noise(10'000, 4);
  std::string bytes = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, samples);
  bytes.replace(22, 4, big(1'000, 4));
  EXPECT_TRUE(says(message_of<FileError>([&] { read_through_pipe(folder, bytes); }),
                   {"promises 1000 frames, and more are there"}));
}

/// As of a file, only that nobody can know before the end.
/// Reads a WAV of 1,000 samples that goes on, for `more` bytes of nothing, beyond its data; as a
/// stream, which a file is that somebody else has begun to read. Returns what the reader misses.
std::string read_longer_wav(std::uint64_t more, Truncated truncated) {
  const Folder folder;
  const Signal samples = noise(1'000, 4);
  const std::string path = folder.file("longer.wav");
  const std::string bytes = wav_bytes({}, bytes_of(samples));
  write_bytes(path, "x" + bytes);
  std::filesystem::resize_file(path, 1 + bytes.size() + more);
  const FileDescriptor stream(::open(path.c_str(), O_RDONLY));
  ::lseek(stream.get(), 1, SEEK_SET);
  const FileDescriptor before(::dup(STDIN_FILENO));
  ::dup2(stream.get(), STDIN_FILENO);
  Signal block(2'000);
  std::string shortfall;
  std::exception_ptr failure;
  try {
    SourceReader reader("-", {{}, NonFinite::error, truncated});
    EXPECT_EQ(reader.read(block), samples.size());
    shortfall = reader.shortfall();
  } catch (...) {
    failure = std::current_exception();
  }
  ::dup2(before.get(), STDIN_FILENO);
  if (failure) std::rethrow_exception(failure);
  return shortfall;
}

TEST(ByteSourceTest, ChunksMayFollowTheSamples) {
  EXPECT_EQ(read_longer_wav(100'000, Truncated::error), "");
}

TEST(ByteSourceTest, AWavWhoseSizeHasWrappedIsAnError) {
  if (std::getenv("GPUCONV_LONG") == nullptr) {
    GTEST_SKIP() << "4 GiB are read with GPUCONV_LONG=1";
  }
  constexpr std::uint64_t kWrapped = std::uint64_t{1} << 32;
  EXPECT_TRUE(says(message_of<FileError>([&] { read_longer_wav(kWrapped, Truncated::error); }),
                   {"promises 1000 frames", "more than a size of 32 bits"}));
  EXPECT_TRUE(
      says(read_longer_wav(kWrapped, Truncated::accept), {"is longer than its header says"}));
}

TEST_F(Streams, EndWithTheSamplesPromisedThoughThePipeStaysOpen) {
  const Pipe in;
  write_all(in.writing.get(), wav_bytes({}, bytes_of(noise(1'000, 4))));
  Child child({"render", "-", room_, folder_.file("wet.wav"), "-q", "-g", "-60"},
              folder_.file("err"), in.reading.get());
  EXPECT_EQ(child.wait(), 0) << err();
}

TEST(ByteSourceTest, AFlacMayKeepItsLengthToItself) {
  const Folder folder;
  const Signal samples = noise(100'000, 4);
  std::string bytes = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, samples);
  bytes[21] &= static_cast<char>(0xf0);  // STREAMINFO: 36 bits of total samples
  for (std::size_t i = 22; i < 26; ++i) bytes[i] = 0;
  EXPECT_EQ(read_through_pipe(folder, bytes).size(), samples.size());
}

}  // namespace
}  // namespace gpuconv::test
