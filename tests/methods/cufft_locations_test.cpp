// cufft_locations_test.cpp - cuFFT is found where toolkits and pip put it, in folder trees made
// here
#include "cuda/methods/cufft_locations.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

namespace fs = std::filesystem;

class CufftPlaces : public ::testing::Test {
 protected:
  /// An empty file; its name.
  std::string make(const std::string& name) {
    const fs::path path = fs::path(folder_.path()) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path).flush();
    return path;
  }
  std::string at(const std::string& name) const { return fs::path(folder_.path()) / name; }

  using Files = std::vector<std::string>;
  const Folder folder_;
};

TEST_F(CufftPlaces, NothingIsFoundWhereNothingIs) {
  EXPECT_EQ(cufft_files({}), Files{});
  EXPECT_EQ(cufft_files({{at("cuda")}, at("bin") + ":" + at("none"), at("home")}), Files{});
}

TEST_F(CufftPlaces, AToolkitIsTheFirstAndItsNewestVersion) {
  const std::string old = make("cuda/lib64/libcufft.so.11");
  const std::string newest = make("cuda/lib64/libcufft.so.12");
  make("cuda/lib64/libcufft.so.12.0.0.61");  // what the link above names
  make("env/bin/python3");
  const std::string of_pip =
      make("env/lib/python3.12/site-packages/nvidia/cu13/lib/libcufft.so.12");
  EXPECT_EQ(cufft_files({{"", at("cuda")}, at("env/bin"), ""}), (Files{newest, old, of_pip}));
}

TEST_F(CufftPlaces, AToolkitIsFoundByItsCompiler) {
  make("opt/cuda-13.0/bin/nvcc");
  const std::string file = make("opt/cuda-13.0/lib64/libcufft.so.12");
  EXPECT_EQ(cufft_files({{}, at("opt/cuda-13.0/bin/"), ""}), Files{file});
  EXPECT_EQ(cufft_files({{at("opt/cuda-13.0")}, at("opt/cuda-13.0/bin"), ""}), Files{file})
      << "once, however often it is met";
}

TEST_F(CufftPlaces, PackagesOfEveryPythonOnThePath) {
  make("venv/bin/python3");
  make("usr/bin/python3.11");
  make("usr/bin/python3");
  make("conda/bin/python");
  make("none/bin/perl");
  make("none/lib/python3.12/site-packages/nvidia/cu13/lib/libcufft.so.12");  // whose is it?
  const std::string of_13 =
      make("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcufft.so.12");
  const std::string of_12 =
      make("venv/lib/python3.12/site-packages/nvidia/cufft/lib/libcufft.so.11");
  const std::string of_debian =
      make("usr/local/lib/python3.11/dist-packages/nvidia/cufft/lib/libcufft.so.11");
  const std::string of_conda = make("conda/lib/libcufft.so.12");
  const std::string of_user =
      make("home/.local/lib/python3.11/site-packages/nvidia/cu13/lib/libcufft.so.12");
  const std::string path =
      at("none/bin") + "::" + at("venv/bin") + ":" + at("usr/bin") + ":" + at("conda/bin");
  EXPECT_EQ(cufft_files({{}, path, at("home")}),
            (Files{of_13, of_12, of_debian, of_conda, of_user}));
}

TEST_F(CufftPlaces, PackagesBesideGpuconvComeAfterToolkits) {
  make("venv/bin/python3");
  const std::string own = make("venv/lib/python3.12/site-packages/nvidia/cu13/lib/libcufft.so.12");
  const std::string old = make("venv/lib/python3.12/site-packages/nvidia/cufft/lib/libcufft.so.11");
  const std::string of_toolkit = make("cuda/lib64/libcufft.so.12");
  // A Python without its program on PATH, as of a module; the same files are not found twice.
  const std::string packages = at("venv/lib/python3.12/site-packages");
  EXPECT_EQ(cufft_files({{at("cuda")}, "", "", packages}), (Files{of_toolkit, own, old}));
  EXPECT_EQ(cufft_files({{}, at("venv/bin"), "", packages}), (Files{own, old}));
  EXPECT_EQ(cufft_files({{}, "", "", "site-packages"}), Files{});
}

TEST_F(CufftPlaces, RelativeFoldersAreLeftOut) {
  make("lib64/libcufft.so.12");
  make("bin/python3");
  make("bin/nvcc");
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  EXPECT_EQ(cufft_files({{".", ""}, "bin:.:", "."}), Files{});
  fs::current_path(before);
}

TEST(CufftSearchTest, IsWhatThisProcessKnows) {
  ::setenv("CUDA_HOME", "/opt/cuda", 1);
  ::unsetenv("CUDA_PATH");
  const CufftSearch search = cufft_search();
  ::unsetenv("CUDA_HOME");
  EXPECT_EQ(search.toolkits, (std::vector<std::string>{"/opt/cuda", "", "/usr/local/cuda"}));
  const char* const path = std::getenv("PATH");
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
  EXPECT_EQ(search.path, folder.string() + ":" + (path == nullptr ? "" : path));
  EXPECT_EQ(search.packages, folder.parent_path());
}

}  // namespace
}  // namespace gpuconv::test
