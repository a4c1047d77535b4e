// reader_test.cpp - gpuconv-sofa: whatever it meets or dies of is one sentence
#include <fcntl.h>
#include <fmt/core.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <sstream>

#include "host/read/foreign.hpp"
#include "host/room/response.hpp"
#include "host/room/sofa/sofa_reader.hpp"
#include "host/room/sofa/sofa_set.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"
#include "tests/support/watched.hpp"

namespace gpuconv::test {
namespace {

std::string refusal(const std::string& path) {
  return message_of<FileError>([&] { load_response(path); });
}

TEST(SofaReaderTest, WhatIsNotASofaFileIsRefused) {
  const Folder folder;
  EXPECT_TRUE(says(refusal(folder.file("no.sofa")), {"no.sofa", "No such file"}));
  write_bytes(folder.file("text.sofa"), "not HDF5 at all, whatever the extension says\n");
  EXPECT_TRUE(says(refusal(folder.file("text.sofa")), {"this is text"}));
  write_bytes(folder.file("bytes.sofa"), std::string(2000, '\x80'));
  EXPECT_TRUE(says(refusal(folder.file("bytes.sofa")), {"is not HDF5"}));
  write_bytes(folder.file("netcdf.sofa"), "CDF\x01" + std::string(2000, '\0'));
  EXPECT_TRUE(says(refusal(folder.file("netcdf.sofa")), {"NetCDF of the classic kind", "nccopy"}));
  write_bytes(folder.file("cut.sofa"), sofa_bytes(small_sofa()).substr(0, 700));
  EXPECT_TRUE(says(refusal(folder.file("cut.sofa")), {"HDF5 cannot read it"}));
}

TEST(SofaReaderTest, APipeIsRefusedWithATrueSentence) {
  const Folder folder;
  const std::string pipe = folder.file("a.sofa");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const FileDescriptor both(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_TRUE(says(refusal(pipe), {"cannot come through a pipe"}));
  std::filesystem::rename(pipe, folder.file("nameless"));
  SofaOptions options;
  options.azimuth = 90;
  EXPECT_TRUE(
      says(message_of<UsageError>([&] { load_response(folder.file("nameless"), {options}); }),
           {"cannot come through a pipe"}));
}

/// An environment variable of this test only.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { ::unsetenv(name_); }

 private:
  const char* name_;
};

/// A program that does `commands` of the shell.
std::string script(const Folder& folder, const std::string& commands) {
  const std::string path = folder.file("reader");
  write_bytes(path, "#!/bin/sh\n" + commands + "\n");
  ::chmod(path.c_str(), 0700);
  return path;
}

TEST(SofaReaderTest, WhateverItDiesOfIsOneSentence) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), small_sofa());
  const auto said = [&](const std::string& program) {
    const Environment reader("GPUCONV_SOFA_READER", program);
    return refusal(folder.file("a.sofa"));
  };
  EXPECT_TRUE(says(said(folder.file("nowhere")),
                   {"a.sofa: gpuconv-sofa", "cannot be started", "No such file"}));
  EXPECT_TRUE(says(said(script(folder, "kill -SEGV $$")), {"HDF5 crashed on it (Segmentation"}));
  EXPECT_TRUE(says(said(script(folder, "kill -XCPU $$")), {"takes too long"}));
  EXPECT_TRUE(says(said(script(folder, "kill -KILL $$")), {"was killed"}));
  EXPECT_TRUE(says(said(script(folder, "exit 7")), {"ended with code 7"}));
  EXPECT_TRUE(says(said(script(folder, "printf '%040d' 0 >&0")), {"another version"}));
}

/// A script that becomes gpuconv-sofa after `commands`.
std::string reader_after(const Folder& folder, const std::string& commands) {
  const auto programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return script(folder, commands + "; exec " + programs.string() + "/gpuconv-sofa");
}

TEST(SofaReaderTest, HasLimitsOnMemoryAndTime) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer takes memory of its own";
#else
  const Folder folder;
  write_sofa(folder.file("a.sofa"), small_sofa());
  const Environment reader("GPUCONV_SOFA_READER",
                           reader_after(folder, "echo $$ >" + folder.file("pid")));
  const SofaSet set(folder.file("a.sofa"));
  const std::string process = read_bytes(folder.file("pid"));
  std::ifstream limits("/proc/" + process.substr(0, process.size() - 1) + "/limits");
  std::string line;
  std::int64_t bytes = -1;
  std::int64_t seconds = -1;
  while (std::getline(limits, line)) {
    std::istringstream words(line.substr(std::min<std::size_t>(26, line.size())));
    if (line.starts_with("Max data size")) words >> bytes;
    if (line.starts_with("Max cpu time")) words >> seconds;
  }
  EXPECT_GT(bytes, 0);
  EXPECT_LE(bytes, std::int64_t{256} << 20);
  EXPECT_GT(seconds, 0);
  EXPECT_LE(seconds, 2);
#endif
}

TEST(SofaReaderTest, OneThatDiesBetweenTwoRequestsIsNoticed) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), small_sofa());
  const Environment reader("GPUCONV_SOFA_READER",
                           reader_after(folder, "echo $$ >" + folder.file("pid")));
  SofaSet set(folder.file("a.sofa"));
  EXPECT_TRUE(set.is_alive());
  ::kill(std::stoi(read_bytes(folder.file("pid"))), SIGKILL);
  EXPECT_TRUE(says(message_of<FileError>([&] { set.measurement({}); }), {"was killed"}));
  EXPECT_FALSE(set.is_alive());
}

/// small_sofa() whose Data.IR nobody has written, of other sizes and laid out by `lay_out`.
template <typename LayOut>
std::string with_unwritten_taps(const Folder& folder, const std::vector<hsize_t>& sizes,
                                LayOut lay_out) {
  const std::string path = folder.file("a.sofa");
  SofaContents contents = small_sofa();
  contents.arrays.erase("Data.IR");
  write_sofa(path, contents);
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  lay_out(creation);
  const hid_t dataset =
      H5Dcreate2(file, "Data.IR", H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  EXPECT_GE(dataset, 0);
  H5Dclose(dataset);
  H5Pclose(creation);
  H5Sclose(space);
  H5Fclose(file);
  return path;
}

TEST(SofaReaderTest, ValuesInOtherFilesAreNotRead) {
  const Folder folder;
  const std::string secret = folder.file("secret");
  write_bytes(secret, std::string(2 * 2 * 4 * sizeof(double), '\1'));
  const std::string path = with_unwritten_taps(folder, {2, 2, 4}, [&](hid_t creation) {
    H5Pset_external(creation, secret.c_str(), 0, H5F_UNLIMITED);
  });
  EXPECT_TRUE(says(refusal(path), {"Data.IR keeps its values in other files"}));
}

TEST(SofaReaderTest, ChunksBeyondTheLimitAreRefusedWithTheirSize) {
  const Folder folder;
  const std::vector<hsize_t> sizes{2, 2, 50'000'000};
  const std::string path = with_unwritten_taps(
      folder, sizes, [&](hid_t creation) { H5Pset_chunk(creation, 3, sizes.data()); });
  EXPECT_TRUE(says(refusal(path), {"Data.IR is stored in chunks of 1525 MiB (limit 1024 MiB)"}));
}

TEST(SofaReaderTest, ATruncatedFileIsRefused) {
  GPUCONV_TEST_FILE(whole, "sofa/UniS_Anechoic_BRIR_16k.sofa");
  const Folder folder;
  const std::string bytes = read_bytes(whole);
  for (const std::size_t size : {100u, 5'000u, 50'000u, 150'000u}) {
    write_bytes(folder.file("cut.sofa"), bytes.substr(0, size));
    EXPECT_THROW(load_response(folder.file("cut.sofa")), FileError) << size;
  }
}

TEST(SofaReaderTest, AnHdf5FileIsKnownByItsFirstBytes) {
  const Folder folder;
  write_sofa(folder.file("renamed.dat"), small_sofa());
  EXPECT_TRUE(is_sofa(folder.file("renamed.dat")));
  EXPECT_TRUE(is_sofa(folder.file("ANY.SOFA")));
  EXPECT_FALSE(is_sofa(float_wav(folder, "a.wav", 1, {1})));
}

/// Of many chunks only a few are held at a time, also where none is read to its end.
TEST(SofaReaderTest, OneMeasurementOfManyTakesLittleMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer takes memory of its own";
#else
  constexpr std::size_t kTaps = 262'144;  // 4 MiB for both ears
  const Folder folder;
  SofaContents contents = sofa_of({});
  SofaArray taps{{24, 2, kTaps}, std::vector<double>(48 * kTaps), {}};
  std::mt19937 random(1);  // which does not become small
  for (double& tap : taps.values) tap = 1e-6 * static_cast<double>(random() % 1000);
  for (std::size_t m = 0; m < 24; ++m) {
    for (std::size_t n = 0; n < 64; ++n) {
      for (const std::size_t ear : {0u, 1u}) {
        taps.values[(2 * m + ear) * kTaps + n] = contents["Data.IR"].values[(2 * m + ear) * 64 + n];
      }
    }
  }
  contents["Data.IR"] = std::move(taps);
  for (const Hdf5Layout layout : {Hdf5Layout::earliest, Hdf5Layout::shuffled}) {
    write_sofa(folder.file("a.sofa"), contents, layout);
    const Environment reader("GPUCONV_SOFA_READER", reader_after(folder, "ulimit -d 65536"));
    const Spent spent = watched([&] {
      SofaOptions options;
      options.azimuth = 90;
      EXPECT_EQ(load_response(folder.file("a.sofa"), {options}).taps.left.size(), kTaps);
    });
    EXPECT_LT(spent.bytes, std::size_t{64} << 20);
  }
#endif
}

/// Damage of one kind at one place.
std::string damaged(std::string bytes, int kind, std::size_t place) {
  char& byte = bytes[place];
  switch (kind) {
    case 0:
      byte = 0;
      break;
    case 1:
      byte = '\xff';
      break;
    case 2:
      byte = static_cast<char>(byte ^ 1 << (place % 8));
      break;
    case 3:
      byte = static_cast<char>(byte + 1);
      break;
    default:
      bytes.resize(place);
  }
  return bytes;
}

/// CPU time of all processes that were started here and have ended.
double seconds_of_children() {
  rusage used{};
  ::getrusage(RUSAGE_CHILDREN, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

class MalformedSofa : public testing::TestWithParam<Hdf5Layout> {};

TEST_P(MalformedSofa, IsAnsweredInOneLine) {
  const Folder folder;
  const std::string path = folder.file("a.sofa");
  SofaContents contents = small_sofa();
  contents["Data.IR"] = {{2, 2, 8}, std::vector<double>(32, 0.5), {}};
  const std::string whole = sofa_bytes(contents, GetParam());
  const bool is_long = std::getenv("GPUCONV_LONG") != nullptr;
#ifdef __SANITIZE_ADDRESS__
  constexpr std::size_t kPlaces = 6;
#else
  constexpr std::size_t kPlaces = 24;
#endif
  const std::size_t places = is_long ? 400 : kPlaces;
  std::mt19937 random(7);
  double seconds = 0;
  std::size_t bytes = 0;
  int refused = 0;
  for (int kind = 0; kind < 5; ++kind) {
    for (std::size_t i = 0; i < places; ++i) {
      const std::size_t place = 1 + random() % (whole.size() - 1);
      SCOPED_TRACE(fmt::format("kind {} at {} of {}", kind, place, whole.size()));
      write_bytes(path, damaged(whole, kind, place));
      const double before = seconds_of_children();
      const Spent spent = watched([&] {
        try {
          load_response(path, {{}, NonFinite::zero, Truncated::accept});
        } catch (const FileError& error) {
          const std::string sentence = error.what();
          EXPECT_EQ(sentence.rfind(path + ": ", 0), 0u) << sentence;
          EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
          ++refused;
        }
      });
      seconds = std::max(seconds, spent.seconds + seconds_of_children() - before);
      bytes = std::max(bytes, spent.bytes);
      std::filesystem::remove(path);
    }
  }
  EXPECT_LT(bytes, std::size_t{256} << 20);
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(seconds, 2.1) << "of which the reader is ended after 2";
#endif
  std::printf("%zu malformed files, %d refusals, at most %.3f s and %.1f MiB\n", 5 * places,
              refused, seconds, static_cast<double>(bytes) / (1 << 20));
}

/// Where the newest layout of HDF5 has checksums, damage that changes a response is never silent.
TEST(SofaReaderTest, DamageOfWhatDescribesTheNumbersIsNeverSilent) {
  SofaContents contents = small_sofa();
  contents["Data.Delay"].values = {9, 0};
  contents["ListenerView"].values = {0.6, 0.8, 0};
  const std::string whole = sofa_bytes(contents, Hdf5Layout::latest);
  const Folder folder;
  const std::string path = folder.file("a.sofa");
  write_bytes(path, whole);
  const Response right = load_response(path);
  std::vector<bool> is_number(whole.size());
  for (const auto& [name, array] : contents.arrays) {
    const std::string bytes = bytes_of(array.values);
    for (std::size_t at = whole.find(bytes); at != std::string::npos;
         at = whole.find(bytes, at + 1)) {
      std::fill_n(is_number.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), true);
    }
  }
  const std::size_t step = std::getenv("GPUCONV_LONG") != nullptr ? 1 : 29;
  std::size_t refused = 0;
  for (std::size_t place = 0; place < whole.size(); place += step) {
    if (is_number[place]) continue;
    std::string bytes = whole;
    bytes[place] = static_cast<char>(bytes[place] ^ 0x40);
    write_bytes(path, bytes);
    try {
      const Response found = load_response(path);
      ASSERT_EQ(found.taps.left, right.taps.left) << place;
      ASSERT_EQ(found.taps.right, right.taps.right) << place;
    } catch (const FileError&) {
      ++refused;
    }
    std::filesystem::remove(path);
  }
  EXPECT_GT(refused, 10u);
}

TEST(SofaReaderTest, LinksAreNotFollowedAndDoNotPassForAbsent) {
  const Folder folder;
  const std::string path = folder.file("a.sofa");
  write_sofa(path, small_sofa());
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Lmove(file, "Data.Delay", H5L_SAME_LOC, "store", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/store", file, "Data.Delay", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  EXPECT_TRUE(says(refusal(path), {"Data.Delay is a link to something else"}));
}

INSTANTIATE_TEST_SUITE_P(, MalformedSofa, testing::ValuesIn(kHdf5Layouts), [](const auto& layout) {
  return fmt::format("Layout{}", static_cast<int>(layout.param));
});

}  // namespace
}  // namespace gpuconv::test
