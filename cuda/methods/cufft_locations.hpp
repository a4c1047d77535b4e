// cufft_locations.hpp - the files that may be cuFFT where the loader does not find it
#pragma once

#include <string>
#include <vector>

namespace gpuconv {

/// Where to look. An empty string names nothing.
struct CufftSearch {
  std::vector<std::string> toolkits;  ///< folders of the CUDA Toolkit
  std::string path;                   ///< folders of programs, as in PATH
  std::string home;                   ///< of the user: pip may install there
  std::string packages = {};          ///< folder of Python's packages that holds gpuconv
};

/// Places that this process knows: CUDA_HOME, CUDA_PATH, /usr/local/cuda, the folder of gpuconv,
/// PATH and HOME.
CufftSearch cufft_search();

/// Files that exist, best first: of the toolkits, of pip's packages beside gpuconv, of a toolkit
/// whose nvcc is on PATH, and of pip's packages beside each Python on PATH (nvidia/cu13/lib, older:
/// nvidia/cufft/lib). Of several versions in a folder the newest comes first. Relative folders are
/// left out: who starts gpuconv in a foreign folder does not want its libraries.
std::vector<std::string> cufft_files(const CufftSearch& search);

/// 12 belongs to CUDA 13, 11 to CUDA 12, 10 to CUDA 11; what gpuconv calls is the same in all.
inline constexpr const char* kCufftNames[] = {"libcufft.so.12", "libcufft.so.11", "libcufft.so.10",
                                              "libcufft.so"};

}  // namespace gpuconv
