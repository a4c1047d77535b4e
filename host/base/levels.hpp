// levels.hpp - how loud the result is, and how much of it is above full scale
#pragma once

#include <span>
#include <string>

#include "cuda/blocks/level.hpp"
#include "cuda/runtime/stereo.hpp"

namespace gpuconv {

/// Of gains and levels that somebody asks for.
inline constexpr double kMostDecibels = 200;

/// Takes more samples into account. The peak is not finite if one of them is not.
void measure(std::span<const float> samples, Level& level);
void measure(Stereo<std::span<const float>> wet, Stereo<Level>& levels);

/// Decibels relative to full scale (|y| = 1); minus infinity for silence.
double dbfs(double level);

/// Decibels with a sign and one digit after the point: "+1.5", "-inf"; "0.0" where they round to
/// zero.
std::string tenths(double decibels);

/// What multiplies a sample to make it so many decibels louder.
double amplitude(double decibels);

}  // namespace gpuconv
