// files.hpp - files to test with: made here byte by byte, or real ones from ../shared/data
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/error.hpp"

namespace gpuconv::test {

/// A folder of one test, gone with it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gpuconv-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(std::string_view name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

  /// How many files of any name, hidden ones too, lie in it.
  std::ptrdiff_t count() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// `value` in `size` bytes, lowest first.
inline std::string little(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i, value >>= 8) bytes.push_back(static_cast<char>(value & 0xff));
  return bytes;
}

inline std::string big(std::uint64_t value, int size) {
  const std::string bytes = little(value, size);
  return {bytes.rbegin(), bytes.rend()};
}

template <typename Sample>
std::string bytes_of(const std::vector<Sample>& samples) {
  std::string bytes(samples.size() * sizeof(Sample), '\0');
  if (!samples.empty()) std::memcpy(bytes.data(), samples.data(), bytes.size());
  return bytes;
}

struct WavFields {
  int format = 3;  ///< 1 PCM, 3 float
  int bits = 32;
  int channels = 1;
  std::uint32_t rate = 16'000;
};

/// A WAV file with a header of 44 bytes whose data chunk claims `claimed` bytes, by default the
/// truth.
inline std::string wav_bytes(const WavFields& fields, const std::string& samples,
                             std::int64_t claimed = -1) {
  const auto frame_bytes = static_cast<std::uint64_t>(fields.channels * fields.bits / 8);
  return "RIFF" + little(36 + samples.size(), 4) + "WAVEfmt " + little(16, 4) +
         little(static_cast<std::uint64_t>(fields.format), 2) +
         little(static_cast<std::uint64_t>(fields.channels), 2) + little(fields.rate, 4) +
         little(fields.rate * frame_bytes, 4) + little(frame_bytes, 2) +
         little(static_cast<std::uint64_t>(fields.bits), 2) + "data" +
         little(claimed < 0 ? samples.size() : static_cast<std::uint64_t>(claimed), 4) + samples;
}

/// Writes a float WAV into the folder and returns its path.
inline std::string float_wav(const Folder& folder, const std::string& name, int channels,
                             const std::vector<float>& samples, std::uint32_t rate = 16'000) {
  write_bytes(folder.file(name), wav_bytes({3, 32, channels, rate}, bytes_of(samples)));
  return folder.file(name);
}

/// A real file of the test data; empty if the data is not there.
inline std::string test_data(const std::string& name) {
  const char* const folder = std::getenv("GPUCONV_TEST_DATA");
  const std::string path =
      (folder != nullptr ? std::string(folder) : GPUCONV_SOURCE_DIR "/../shared/data") + "/" + name;
  return std::filesystem::exists(path) ? path : "";
}

/// The message of the Failure that `action` throws; the test fails if it throws none.
template <typename Failure, typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

/// Whether `message` contains every one of `parts`.
inline testing::AssertionResult says(const std::string& message,
                                     std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (message.find(part) == std::string::npos) {
      return testing::AssertionFailure() << "'" << part << "' is not in '" << message << "'";
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace gpuconv::test

/// Names the path of real test data, or skips the test without it.
#define GPUCONV_TEST_FILE(variable, name)                        \
  const std::string variable = ::gpuconv::test::test_data(name); \
  if (variable.empty())                                          \
  GTEST_SKIP() << "no test data (" << name << "); set GPUCONV_TEST_DATA to its folder"
