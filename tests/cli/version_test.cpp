// version_test.cpp - gpuconv --version
#include <ebur128.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sndfile.h>
#include <soxr.h>

#include <map>
#include <regex>
#include <sstream>

#include "cuda/methods/plans.hpp"
#include "host/cli/cli.hpp"
#include "host/methods/cpu_negacyclic.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

/// The lines after the first one, by their names.
std::map<std::string, std::string> version_lines(const std::string& page) {
  std::map<std::string, std::string> lines;
  std::istringstream text(page);
  std::string line;
  std::getline(text, line);
  while (std::getline(text, line)) {
    const std::size_t end = line.find("  ");
    const std::size_t words = line.find_first_not_of(' ', end);
    EXPECT_NE(words, line.npos) << line;
    if (words != line.npos) lines[line.substr(0, end)] = line.substr(words);
  }
  return lines;
}

TEST_F(Program, BeginsItsVersionWithOneLineForScripts) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  const std::string first = outcome.out.substr(0, outcome.out.find('\n'));
  EXPECT_EQ(first, std::string("gpuconv ") + version());
  // What semver.org asks for, and how it was built.
  EXPECT_TRUE(std::regex_match(first, std::regex(R"(gpuconv \d+\.\d+\.\d+( \(emulated GPU\))?)")));
}

TEST_F(Program, NamesTheVersionsOfItsLibraries) {
  auto lines = version_lines(run({"--version"}).out);
  EXPECT_EQ("libsndfile-" + lines["libsndfile"], sf_version_string());
  EXPECT_EQ("libsoxr-" + lines["soxr"], soxr_version());
  int one = 0, two = 0, three = 0;
  ebur128_get_version(&one, &two, &three);
  EXPECT_EQ(lines["libebur128"], fmt::format("{}.{}.{}", one, two, three));
  unsigned major = 0, minor = 0, release = 0;
  ASSERT_GE(H5get_libversion(&major, &minor, &release), 0);
  EXPECT_EQ(lines["HDF5"], fmt::format("{}.{}.{}", major, minor, release));
  for (const char* const name : {"mpg123", "libogg", "fmt", "Highway"}) {
    EXPECT_TRUE(std::regex_match(lines[name], std::regex(R"(\d+\.\d+(\.\d+)? \(when compiled\))")))
        << name << lines[name];
  }
  for (const char* const name : {"zlib", "CLI11", "nlohmann-json"}) {
    EXPECT_TRUE(std::regex_match(lines[name], std::regex(R"(\d+\.\d+\.\d+)"))) << name;
  }
}

TEST_F(Program, NamesInstructionSetsAndGpus) {
  auto lines = version_lines(run({"--version"}).out);
  const SimdTargets simd = simd_targets();
  ASSERT_FALSE(simd.compiled.empty());
  EXPECT_NE(std::ranges::find(simd.compiled, simd.chosen), simd.compiled.end());
  EXPECT_EQ(lines["SIMD"].rfind(simd.chosen + ", of " + simd.compiled.front(), 0), 0u);
  const bool has_gpu_methods =
      run({"devices"}).out.find("without GPU methods") == std::string::npos;
  EXPECT_EQ(lines["GPUs"] != "none", has_gpu_methods) << lines["GPUs"];
  EXPECT_EQ(lines["CUDA Toolkit"] != "none", has_gpu_methods) << lines["CUDA Toolkit"];
  EXPECT_EQ(lines["cuFFT"] == "not used", !has_gpu_methods) << lines["cuFFT"];
  EXPECT_EQ(std::regex_match(lines["cuFFT"], std::regex(R"(\d+\.\d+\.\d+ \(.*\))")),
            why_no_cufft().empty())
      << lines["cuFFT"];
}

TEST_F(Program, SaysInItsVersionThatTheReaderOfSofaFilesIsMissing) {
  ::setenv("GPUCONV_SOFA_READER", folder_.file("nowhere").c_str(), 1);
  const Outcome outcome = run({"--version"});
  ::unsetenv("GPUCONV_SOFA_READER");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(version_lines(outcome.out)["HDF5"], {"missing: ", "nowhere", "No such file"}));
}

}  // namespace
}  // namespace gpuconv::test
