// draw.hpp - random numbers that are functions of a seed and a job alone
//
//   key       = XXH64(text, seed)
//   draw(k)   = mix(key + (k + 1) 0x9e3779b97f4a7c15)   mod 2^64
//   mix(z)    : z ^= z >> 30; z *= 0xbf58476d1ce4e5b9; z ^= z >> 27; z *= 0x94d049bb133111eb;
//               z ^ (z >> 31)
//
// XXH64 is the 64-bit xxHash, mix() the last step of SplitMix64 (Steele, Lea, Flood: "Fast
// splittable pseudorandom number generators", OOPSLA 2014). A counter and not a sequence: what one
// purpose draws does not move what another one does, and neither do other jobs, threads or shards.
// Numbers follow from draw() by integers and one product, never by std::..._distribution, whose
// results differ between libraries.
//
// The text has fields with a zero byte after each but the last:
//
//   "id", the id of the job, its copy                                   where it has an id
//   "input", the input as the list has it, channel, offset, duration, its copy     otherwise
//
// Numbers are the shortest decimals that read back the same (0.5, 12, 1e-07); one that the list
// does not give is empty. Copies count from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gpuconv {

/// What tells a job from another one.
struct JobIdentity {
  std::string_view id = {};     ///< may be empty
  std::string_view input = {};  ///< as the list has it
  std::optional<int> channel = std::nullopt;
  std::optional<double> offset = std::nullopt;    ///< seconds
  std::optional<double> duration = std::nullopt;  ///< seconds
};

/// What is drawn; the values are the k above and stay for ever.
enum class Purpose { response = 0, measurement = 1, noise = 2, noise_start = 3, snr = 4 };

class Draws {
 public:
  Draws(std::uint64_t seed, const JobIdentity& job, int copy);

  std::uint64_t key() const { return key_; }
  std::uint64_t bits(Purpose purpose) const;
  /// In [0, count): the upper 64 bits of bits() times `count`.
  std::size_t index(Purpose purpose, std::size_t count) const;
  /// In [0, 1): the upper 53 bits of bits() times 2^-53.
  double fraction(Purpose purpose) const;

 private:
  std::uint64_t key_;
};

}  // namespace gpuconv
