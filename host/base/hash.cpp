#include "host/base/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gpuconv {

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH64(bytes.data(), bytes.size(), seed);
}

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  return XXH64(text.data(), text.size(), seed);
}

struct RunningHash::State {
  XXH64_state_t state;
};

RunningHash::RunningHash() : state_(std::make_unique<State>()) { XXH64_reset(&state_->state, 0); }

RunningHash::~RunningHash() = default;

void RunningHash::add(std::span<const std::byte> bytes) {
  XXH64_update(&state_->state, bytes.data(), bytes.size());
}

void RunningHash::add(std::string_view text) {
  add(std::as_bytes(std::span(text.data(), text.size())));
}

std::uint64_t RunningHash::value() const { return XXH64_digest(&state_->state); }

}  // namespace gpuconv
