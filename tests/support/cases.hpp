// cases.hpp - small inputs that users of such tools bring, with the right answer to each
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace gpuconv::test {

/// A file of the cases, such as "H21/bw64_adm.wav"; nothing if the cases are not there.
inline std::optional<std::string> case_file(const std::string& name) {
  const char* const folder = std::getenv("GPUCONV_TEST_CASES");
  const std::string path =
      (folder != nullptr ? std::string(folder) : GPUCONV_SOURCE_DIR "/../shared/cases") + "/" +
      name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace gpuconv::test

/// Names the path of a case, or skips the test without it.
#define GPUCONV_TEST_CASE(variable, name)                                     \
  const std::string variable = ::gpuconv::test::case_file(name).value_or(""); \
  if (variable.empty())                                                       \
  GTEST_SKIP() << "no test cases (" << name << "); set GPUCONV_TEST_CASES to their folder"
