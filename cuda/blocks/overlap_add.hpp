// overlap_add.hpp - joins the wet signals of successive blocks
#pragma once

#include <span>

#include "cuda/methods/convolver.hpp"

namespace gpuconv {

/// Queues wet[n] += tail[n] for the samples of `tail`, which is no longer than `wet`: the part of
/// the previous block's wet signal that sounds on into this block.
void enqueue_overlap_add(std::span<const float> tail, std::span<float> wet, const Stream& stream);

/// The same for both sides, whose tails are equally long, in one launch.
void enqueue_overlap_add(const Stereo<std::span<const float>>& tail,
                         const Stereo<std::span<float>>& wet, const Stream& stream);

/// Cost of joining two blocks, both sides, each by itself or both together.
Cost overlap_add_cost(std::size_t tail_length, bool is_per_ear);

}  // namespace gpuconv
