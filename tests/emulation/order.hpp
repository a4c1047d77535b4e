// order.hpp - in which order blocks, warps and threads have their turn
#pragma once

#include <random>
#include <string>
#include <vector>

namespace emulation {

class Order {
 public:
  /// See set_order() in emulation.hpp.
  explicit Order(const std::string& text);

  /// Whether a warp goes as far as it can before another has its turn.
  bool is_by_warp() const { return kind_ == Kind::by_warp; }

  /// 0 ... count-1 in the order of the next turns.
  void arrange(std::vector<unsigned>& numbers);

 private:
  enum class Kind { forward, reverse, random, by_warp };
  Kind kind_ = Kind::forward;
  bool is_random_ = false;
  std::mt19937 random_;
};

/// GPUCONV_EMULATED_ORDER, until set_order() says otherwise.
Order& order();

}  // namespace emulation
