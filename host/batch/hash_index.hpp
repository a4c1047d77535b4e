// hash_index.hpp - finds a number by the hash of what it stands for, in 8 to 16 bytes each
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gpuconv {

/// A table with linear probing of the numbers of things that somebody else keeps.
class HashIndex {
 public:
  /// The number that was added with this hash and for which `is_same(number)`.
  template <typename IsSame>
  std::optional<std::uint32_t> find(std::size_t hash, const IsSame& is_same) const {
    if (slots_.empty()) return std::nullopt;
    const auto short_hash = shorten(hash);
    for (std::size_t i = short_hash & mask(); slots_[i].number != kNone; i = (i + 1) & mask()) {
      if (slots_[i].hash == short_hash && is_same(slots_[i].number)) return slots_[i].number;
    }
    return std::nullopt;
  }

  void add(std::size_t hash, std::uint32_t number) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    put({shorten(hash), number});
    ++count_;
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number = kNone;
  };

  static std::uint32_t shorten(std::size_t hash) {
    return static_cast<std::uint32_t>(hash ^ hash >> 32);
  }
  std::size_t mask() const { return slots_.size() - 1; }

  void put(Slot slot) {
    std::size_t i = slot.hash & mask();
    while (slots_[i].number != kNone) i = (i + 1) & mask();
    slots_[i] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number != kNone) put(slot);
    }
  }

  std::vector<Slot> slots_;  ///< a power of two
  std::size_t count_ = 0;
};

}  // namespace gpuconv
