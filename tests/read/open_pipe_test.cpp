// open_pipe_test.cpp - pipes whose writer is slow, or never closes them
#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <future>
#include <thread>

#include "host/files/file_descriptor.hpp"
#include "host/read/byte_source.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv {
namespace {

using namespace test;

// Whoever waits for the result before he closes the pipe would wait for ever.
TEST(OpenPipeTest, IsNotWaitedForWhenAllThatWasPromisedHasCome) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string wav = wav_bytes({1, 16, 1}, bytes_of(std::vector<std::int16_t>(9000, 1)));
  std::vector<std::string> files{wav, wav + "LIST" + little(4, 4) + "INFO"};
  for (const int format :
       {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_CAF | SF_FORMAT_PCM_16,
        SF_FORMAT_AU | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_W64 | SF_FORMAT_PCM_16,
        SF_FORMAT_NIST | SF_FORMAT_PCM_16, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III}) {
    const std::string bytes = encoded(format, Signal(9000, 0.25f));
    if (!bytes.empty()) files.push_back(bytes);  // MP3 is an option of libsndfile's build
  }
  for (const std::string& bytes : files) {
    const FileDescriptor keeps_open(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    std::future<std::size_t> reading =
        std::async(std::launch::async, [&] { return read_recording(path).samples.size(); });
    ASSERT_EQ(::write(keeps_open.get(), bytes.data(), bytes.size()), std::ssize(bytes));
    const auto state = reading.wait_for(std::chrono::seconds(20));
    EXPECT_EQ(state, std::future_status::ready) << bytes.substr(0, 4);
    if (state != std::future_status::ready) std::_Exit(1);  // the thread cannot be ended
    EXPECT_EQ(reading.get(), 9000u) << bytes.substr(0, 4);
  }
}

TEST(SlowPipeTest, IsWaitedForAlsoByWhoDoesNotWantToWait) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  std::future<void> sending = std::async(std::launch::async, [&] {
    for (const char byte : std::string("abcd")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      EXPECT_EQ(::write(writing.get(), &byte, 1), 1);
    }
  });
  ByteSource input(reading.get(), "a pipe", -1);
  EXPECT_EQ(input.look(0, 4), (std::vector<unsigned char>{'a', 'b', 'c', 'd'}));
  EXPECT_NO_THROW(input.check_end());
  sending.get();
}

TEST(SlowPipeTest, BringsAllOfAnOggInPiecesOfAnySize) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  const std::string bytes = encoded(SF_FORMAT_OGG | SF_FORMAT_VORBIS, sawtooth(30'000));
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::size_t last = bytes.rfind("OggS");
  for (const std::size_t stop : {last + 27, last + 40, bytes.size() - 1}) {
    std::future<void> writing = std::async(std::launch::async, [&] {
      const FileDescriptor pipe(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      std::size_t done = 0;
      for (const std::size_t end : {stop, bytes.size()}) {
        EXPECT_EQ(::write(pipe.get(), bytes.data() + done, end - done),
                  static_cast<ssize_t>(end - done));
        done = end;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    EXPECT_EQ(read_recording(path).samples.size(), 30'000u) << stop;
    writing.get();
  }
}

}  // namespace
}  // namespace gpuconv
