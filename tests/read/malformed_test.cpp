// malformed_test.cpp - whatever stands in a file: a result or one sentence, soon, in little memory
//
// The program reads a file as a recording, as a response and for "info"; here all three do, each
// strictly and leniently, from a file and through a pipe. A crash ends the tests and leaves the
// file behind.
#include "tests/support/malformed.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "host/read/source.hpp"
#include "host/room/info.hpp"
#include "host/room/response.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"
#include "tests/support/watched.hpp"

namespace gpuconv::test {
namespace {

constexpr double kSeconds = 2;
constexpr std::size_t kBytes = std::size_t{256} << 20;

/// As a FilledPipe.
struct NamedFile {
  std::string name;
  const std::string& path() const { return name; }
};

/// What a reader says of an input, less its name; "" if it is content.
template <typename Read>
std::string answer(const std::string& path, Read read) {
  try {
    read(path);
  } catch (const FileError& refusal) {
    const std::string sentence = refusal.what();
    EXPECT_EQ(sentence.rfind(path + ": ", 0), 0u) << sentence;
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
    return sentence.substr(std::min(sentence.size(), path.size()));
  }
  return "";
}

/// `next` gives an input for each reader: what has been read from a pipe is gone.
template <typename Next>
std::vector<std::string> answers(Next next) {
  const auto ask = [&](auto read) { return answer(next().path(), read); };
  std::vector<std::string> all{ask([](const std::string& path) { describe(path); })};
  for (const Truncated truncated : {Truncated::error, Truncated::accept}) {
    const NonFinite nonfinite = truncated == Truncated::error ? NonFinite::error : NonFinite::zero;
    all.push_back(ask([&](const std::string& path) {
      SourceReader reader(path, {1, nonfinite, truncated});
      std::vector<float> block(10'000);
      while (reader.read(block) > 0) {
      }
    }));
    all.push_back(ask([&](const std::string& path) {
      load_response(path, {{}, nonfinite, truncated});
    }));
  }
  return all;
}

class MalformedFiles : public ::testing::TestWithParam<Specimen> {};

TEST_P(MalformedFiles, StartFromOneThatIsRead) {
  const Folder folder;
  const std::string path = folder.file("whole" + GetParam().extension);
  write_bytes(path, GetParam().bytes);
  for (const Field& field : GetParam().fields) {
    EXPECT_LE(field.offset + static_cast<std::size_t>(field.bytes), GetParam().bytes.size());
  }
  const Response response = load_response(path);
  EXPECT_EQ(response.rate, 16'000);
  EXPECT_EQ(response.taps.left.size(), 32u);
  SourceReader source(path, {1});
  std::vector<float> samples(100);
  EXPECT_EQ(source.read(samples), 32u);
}

TEST_P(MalformedFiles, AreAnsweredInOneLine) {
  const Folder folder;
  double seconds = 0;
  std::size_t bytes = 0;
  std::ptrdiff_t refused = 0;
  const std::vector<Malformed> files = malformed(GetParam());
  for (const Malformed& file : files) {
    SCOPED_TRACE(file.name);
    const std::string path = folder.file(file.name + GetParam().extension);
    write_bytes(path, file.bytes);
    std::vector<std::string> said;
    const Spent spent = watched([&] {
      said = answers([&] { return NamedFile{path}; });
      for (const auto& more : answers([&] { return FilledPipe(file.bytes); })) said.push_back(more);
    });
    EXPECT_LT(spent.seconds, kSeconds);
    EXPECT_LT(spent.bytes, kBytes);
    seconds = std::max(seconds, spent.seconds);
    bytes = std::max(bytes, spent.bytes);
    refused += std::ranges::count_if(said, [](const auto& sentence) { return !sentence.empty(); });
    // Not overwritten: some file systems wait for the disk then.
    std::filesystem::remove(path);
  }
  std::printf("%s: %zu malformed files, %td refusals, at most %.3f s and %.1f MiB\n",
              GetParam().name.c_str(), files.size(), refused, seconds,
              static_cast<double>(bytes) / (1 << 20));
}

INSTANTIATE_TEST_SUITE_P(, MalformedFiles, ::testing::ValuesIn(specimens()),
                         [](const auto& parameter) {
                           std::string name = parameter.param.name;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST(Malformed, FilesAreAThousandAtLeastAndAllDifferent) {
  std::size_t count = 0;
  for (const Specimen& specimen : specimens()) {
    const std::vector<Malformed> files = malformed(specimen);
    for (const Malformed& file : files) EXPECT_TRUE(file.bytes != specimen.bytes) << file.name;
    count += files.size();
  }
  EXPECT_GT(count, 1'000u);
}

}  // namespace
}  // namespace gpuconv::test
