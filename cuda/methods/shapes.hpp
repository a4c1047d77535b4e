// shapes.hpp - the transform lengths that gpu-fourstep and gpu-fused have kernels for
#pragma once

namespace gpuconv {

/// A transform of length rows * columns: n = row * columns + column.
struct FourstepShape {
  int rows;     ///< length of the transforms down the columns
  int columns;  ///< length of the transforms along the rows
};

/// Ascending. Powers of two for streams; 9/8, 5/4 and 3/2 of them for a source that just exceeds
/// one. Short rows and columns fill a GPU with blocks; 64 KiB of shared memory, which every GPU
/// has, limits them to 1024 and 4096.
inline constexpr FourstepShape kFourstepShapes[] = {
    {64, 64},    {128, 64},   {64, 256},   {128, 256},  {144, 256},  {160, 256},  {192, 256},
    {128, 512},  {144, 512},  {160, 512},  {192, 512},  {128, 1024}, {144, 1024}, {160, 1024},
    {192, 1024}, {256, 1024}, {288, 1024}, {320, 1024}, {384, 1024}, {512, 1024}, {576, 1024},
    {640, 1024}, {768, 1024}, {512, 2048}, {576, 2048}, {640, 2048}, {768, 2048}, {512, 4096},
    {576, 4096}, {640, 4096}, {768, 4096}, {1024, 4096}};

constexpr bool is_fourstep_shape(int rows, int columns) {
  for (const FourstepShape& one : kFourstepShapes) {
    if (one.rows == rows && one.columns == columns) return true;
  }
  return false;
}

/// Complex lengths M of the transforms that one block does, ascending; 8 M bytes of shared memory.
inline constexpr int kFusedLengths[] = {128, 512, 1024, 2048, 4096, 8192, 16'384};

}  // namespace gpuconv
