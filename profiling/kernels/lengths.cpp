// lengths.cpp - what gpu-fourstep and gpu-fused plan for given lengths, as JSON
//
//   gpuconv_lengths SAMPLESxTAPS ...
//
// For expected.py, so that it need not know how lengths are chosen. Needs no GPU.
#include "cuda/methods/lengths.hpp"

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cuda/methods/shapes.hpp"

namespace gpuconv {
namespace {

using Json = nlohmann::ordered_json;

/// Segments of a block, and of the whole source.
Json to_json(const SegmentLengths& lengths, std::int64_t source_length, int response_length) {
  return {{"complex_length", lengths.segment_samples / 2},
          {"advance", lengths.advance},
          {"block_length", lengths.block_length},
          {"block_length_with_tail", lengths.block_length_with_tail()},
          {"segments", lengths.transforms},
          {"all_segments", lengths.all_segments(source_length, response_length)}};
}

Json planned(std::int64_t source_length, int response_length) {
  Json fourstep =
      to_json(fourstep_lengths(source_length, response_length), source_length, response_length);
  for (const FourstepShape& shape : kFourstepShapes) {
    if (shape.rows * shape.columns == fourstep["complex_length"]) {
      fourstep["rows"] = shape.rows;
      fourstep["columns"] = shape.columns;
    }
  }
  Json plans = {
      {"source_length", source_length}, {"taps", response_length}, {"gpu-fourstep", fourstep}};
  if (response_length <= kLongestFusedResponse) {
    plans["gpu-fused"] =
        to_json(fused_lengths(source_length, response_length), source_length, response_length);
  }
  return plans;
}

}  // namespace
}  // namespace gpuconv

int main(int count, char** arguments) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (int i = 1; i < count; ++i) {
    long long samples = 0;
    int taps = 0;
    char rest = 0;
    const bool is_pair = std::sscanf(arguments[i], "%lldx%d%c", &samples, &taps, &rest) == 2;
    if (!is_pair || samples < 1 || taps < 1 || taps > gpuconv::kLongestFourstepResponse) {
      std::fprintf(stderr, "gpuconv_lengths: %s: no SAMPLESxTAPS\n", arguments[i]);
      return 1;
    }
    all.push_back(gpuconv::planned(samples, taps));
  }
  std::cout << all.dump(2) << '\n';
}
