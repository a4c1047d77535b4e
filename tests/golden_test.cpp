// golden_test.cpp - same bytes everywhere, and no less accurate than before
//
// tests/golden/hashes.txt holds a hash of the wet signals of fixed problems,
// tests/golden/accuracy.txt the largest part of its error bound that each method used on them.
// Every GPU, the emulation and every CPU must give the same bytes. GPUCONV_WRITE_GOLDEN=FOLDER
// writes both files anew: only in a commit of its own, that says why the bytes changed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <map>
#include <sstream>

#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

constexpr const char* kFolder = GPUCONV_SOURCE_DIR "/tests/golden";

/// FNV-1a over the bytes.
class Hash {
 public:
  void add(const Signal& signal) {
    for (const float sample : signal) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &sample, sizeof bits);
      for (int byte = 0; byte < 4; ++byte, bits >>= 8) {
        state_ = (state_ ^ (bits & 0xff)) * 0x100000001b3u;
      }
    }
  }
  std::string text() const {
    std::ostringstream text;
    text << std::hex << std::setw(16) << std::setfill('0') << state_;
    return text.str();
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325u;
};

/// Of our own methods: somebody else's transform may change with its version.
std::vector<Problem> golden_problems(const Method& method) {
  std::vector<Problem> problems;
  for (const auto& [N, K] : {std::pair{1, 1},
                             {1, 64},
                             {64, 1},
                             {255, 257},
                             {256, 257},
                             {4096, 1},
                             {2048, 513},
                             {3000, 1000}}) {
    problems.push_back({&method, N, K, static_cast<std::uint64_t>(N + 7 * K)});
  }
  for (std::uint64_t seed = 1; problems.size() < 24; ++seed) {
    problems.push_back(random_problem({&method}, 1.5e6, seed));
  }
  if (method.plan != nullptr && !method.is_direct) {
    // Longer transforms of several shapes, some of them no powers of two.
    problems.push_back({&method, 66'000, 7'000, 1});
    problems.push_back({&method, 30'000, 12'000, 2});
    problems.push_back({&method, 150'000, 900, 3});
  }
  return problems;
}

std::map<std::string, std::string> read(const std::string& path) {
  std::map<std::string, std::string> values;
  std::ifstream file(path);
  for (std::string key, value; file >> key >> value;) values[key] = value;
  return values;
}

void append(const char* folder, const char* name, const std::string& key,
            const std::string& value) {
  std::ofstream(std::string(folder) + "/" + name, std::ios::app) << key << ' ' << value << '\n';
}

class Golden : public ::testing::TestWithParam<const Method*> {
 protected:
  void SetUp() override { GPUCONV_SKIP_UNLESS_RUNS(*GetParam()); }
};

TEST_P(Golden, BytesAreTheSameAndErrorsNoLarger) {
  static const auto hashes = read(std::string(kFolder) + "/hashes.txt");
  static const auto accuracy = read(std::string(kFolder) + "/accuracy.txt");
  const char* const folder = std::getenv("GPUCONV_WRITE_GOLDEN");
  double worst = 0;
  std::string beyond;
  for (const Problem& problem : golden_problems(*GetParam())) {
    if (const std::string reason =
            why_too_much_here(*GetParam(), problem.source_length, problem.response_length);
        !reason.empty()) {
      beyond = problem.token() + ": " + reason;
      continue;
    }
    const Stereo<Signal> wet = run(*GetParam(), problem.source(), problem.response());
    ASSERT_TRUE(judge(problem, wet, &worst));
    Hash hash;
    for (const Side side : kSides) hash.add(wet[side]);
    if (folder != nullptr) {
      append(folder, "hashes.txt", problem.token(), hash.text());
      continue;
    }
    const auto expected = hashes.find(problem.token());
    ASSERT_NE(expected, hashes.end()) << problem.token() << " has no golden hash";
    EXPECT_EQ(hash.text(), expected->second)
        << "other bytes; replay with --token=" << problem.token();
  }
  const std::string name(GetParam()->name);
  if (folder != nullptr) {
    append(folder, "accuracy.txt", name, std::to_string(worst));
    return;
  }
  ASSERT_EQ(accuracy.count(name), 1u);
  EXPECT_LE(worst, 1.1 * std::stod(accuracy.at(name))) << "less accurate than before";
  if (!beyond.empty()) GTEST_SKIP() << "all but " << beyond;
}

std::vector<const Method*> own_methods() {
  std::vector<const Method*> own;
  for (const Method& method : methods()) {
    if (!method.is_yardstick) own.push_back(&method);
  }
  return own;
}

INSTANTIATE_TEST_SUITE_P(, Golden, ::testing::ValuesIn(own_methods()),
                         [](const auto& parameter) { return test_name(parameter.param->name); });

TEST(GoldenFiles, HoldAtLeastTwoHundredProblems) {
  EXPECT_GE(read(std::string(kFolder) + "/hashes.txt").size(), 200u);
}

}  // namespace
}  // namespace gpuconv::test
