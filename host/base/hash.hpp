// hash.hpp - XXH64 (https://xxhash.com), the same on every machine; the program xxhsum -H64 prints
// it
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace gpuconv {

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t seed = 0);
std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0);

/// Of bytes that come one after the other: hash_of() of all of them.
class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gpuconv
