// cache_test.cpp - sets are opened, and responses read and converted, once
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <sstream>

#include "host/base/error.hpp"
#include "host/room/response_cache.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

/// A gpuconv-sofa that notes each start in a file.
class CountedReader {
 public:
  CountedReader() {
    const std::string real =
        std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "/gpuconv-sofa";
    const std::string path = folder_.file("reader");
    write_bytes(path, "#!/bin/sh\necho $$ >>" + folder_.file("starts") + "\nexec " + real + "\n");
    ::chmod(path.c_str(), 0700);
    ::setenv("GPUCONV_SOFA_READER", path.c_str(), 1);
  }
  CountedReader(const CountedReader&) = delete;
  CountedReader& operator=(const CountedReader&) = delete;
  ~CountedReader() { ::unsetenv("GPUCONV_SOFA_READER"); }

  /// Ends the one that was started last.
  void kill_last() const {
    std::istringstream lines(read_bytes(folder_.file("starts")));
    pid_t last = 0;
    for (pid_t process; lines >> process;) last = process;
    ASSERT_GT(last, 0);
    ::kill(last, SIGKILL);
  }

  std::ptrdiff_t starts() const {
    const std::string lines = read_bytes(folder_.file("starts"));
    return std::ranges::count(lines, '\n');
  }

 private:
  const Folder folder_;
};

ResponseOptions towards(double azimuth) {
  ResponseOptions options;
  options.sofa.azimuth = azimuth;
  return options;
}

TEST(ResponseCacheTest, OpensASetOnceForAllDirections) {
  const Folder folder;
  const CountedReader reader;
  write_sofa(folder.file("a.sofa"), sofa_of({}));
  ResponseCache cache;
  cache.check(folder.file("a.sofa"), {});
  for (int azimuth = 0; azimuth < 360; azimuth += 15) {
    const auto response = cache.load(folder.file("a.sofa"), towards(azimuth));
    EXPECT_EQ(response->taps.left,
              load_response(folder.file("a.sofa"), towards(azimuth)).taps.left);
  }
  EXPECT_EQ(reader.starts(), 1 + 24);
}

TEST(ResponseCacheTest, GivesTheSameResponseAgainUntilTheFileChanges) {
  const Folder folder;
  const std::string path = float_wav(folder, "a.wav", 2, {1, 2, 3, 4});
  ResponseCache cache;
  const auto first = cache.load(path, {});
  EXPECT_EQ(cache.load(path, {}), first);
  const auto converted = cache.convert(first, 48'000);
  EXPECT_EQ(converted->rate, 48'000);
  EXPECT_EQ(cache.convert(first, 48'000), converted);
  EXPECT_EQ(cache.convert(first, 16'000), first);
  ResponseOptions other;
  other.nonfinite = NonFinite::zero;
  EXPECT_NE(cache.load(path, other), first);
  std::filesystem::remove(path);
  float_wav(folder, "a.wav", 2, {5, 6, 7, 8, 9, 9});
  EXPECT_EQ(cache.load(path, {})->taps.left, (Signal{5, 7, 9}));
  // What was loaded before belongs to the old file.
  EXPECT_EQ(cache.convert(first, 48'000), converted);
  EXPECT_NE(cache.convert(cache.load(path, {}), 48'000), converted);
}

TEST(ResponseCacheTest, KeepsNoMoreThanItsBytes) {
  const Folder folder;
  const std::string a = float_wav(folder, "a.wav", 2, std::vector<float>(200, 1));
  const std::string b = float_wav(folder, "b.wav", 2, std::vector<float>(200, 1));
  ResponseCache cache(1000);  // bytes: one of them
  const std::weak_ptr<const Response> first = cache.load(a, {});
  EXPECT_FALSE(first.expired());
  cache.load(b, {});
  EXPECT_TRUE(first.expired());
}

TEST(ResponseCacheTest, ASetWhoseReaderDiedIsOpenedAnew) {
  const Folder folder;
  const CountedReader reader;
  const std::string path = folder.file("a.sofa");
  SofaContents contents = sofa_of({});
  write_sofa(path, contents, Hdf5Layout::shuffled);
  ResponseCache cache;
  EXPECT_NO_THROW(cache.load(path, towards(0)));
  reader.kill_last();
  EXPECT_NO_THROW(cache.load(path, towards(90)));
  EXPECT_EQ(reader.starts(), 2);
}

TEST(ResponseCacheTest, APipeIsReadEachTime) {
  const Folder folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ResponseCache cache;
  for (const float tap : {1.0f, 2.0f}) {
    const std::string wav = float_wav(folder, "a.wav", 2, {tap, tap});
    ASSERT_EQ(std::system(("cat " + wav + " >" + pipe + " &").c_str()), 0);
    EXPECT_EQ(cache.load(pipe, {})->taps.left, (Signal{tap}));
  }
}

}  // namespace
}  // namespace gpuconv::test
