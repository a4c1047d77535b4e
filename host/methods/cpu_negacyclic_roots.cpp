#include "host/methods/cpu_negacyclic_roots.hpp"

#include <cmath>
#include <complex>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace gpuconv {

namespace {

/// exp(2 pi i n / order) for 0 <= n < 3 order from two tables of about the square root of order:
/// one product in double instead of a sine and a cosine.
class UnitRoots {
 public:
  explicit UnitRoots(int order)
      : order_(order), shift_(std::bit_width(static_cast<unsigned>(order)) / 2) {
    const auto root = [order](int n) {
      return std::polar(1.0, 2.0 * std::numbers::pi * n / order);
    };
    for (int n = 0; n < 1 << shift_; ++n) fine_.push_back(root(n));
    for (int n = 0; n < order; n += 1 << shift_) coarse_.push_back(root(n));
  }

  std::complex<double> operator()(std::int64_t n) const {
    while (n >= order_) n -= order_;
    const auto index = static_cast<std::size_t>(n);
    const std::complex<double> a = coarse_[index >> shift_];
    const std::complex<double> b = fine_[index & ((std::size_t{1} << shift_) - 1)];
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }

 private:
  std::int64_t order_;
  int shift_;
  std::vector<std::complex<double>> fine_;
  std::vector<std::complex<double>> coarse_;
};

}  // namespace

// A block of `size` is modulo x^size - exp(2 pi i turn). Turns are counted in units of 1 / 4M, in
// which they are whole numbers: M, a quarter of the circle, at the start. A root r of the block is
// a quarter of its turn, and so are, with these quarters of the circle added, those of the blocks
// that follow: r, -r, ir, -ir. Radix 3 has thirds for quarters.
AlignedFloats make_roots(int half, int lanes) {
  constexpr int kQuarters[] = {0, 2, 1, 3};
  const Passes passes{half, nullptr};
  AlignedFloats table(passes.table_size());
  const UnitRoots root(4 * half);
  const auto put = [&](std::int64_t turn, float* re, float* im) {
    const std::complex<double> r = root(turn);
    *re = static_cast<float>(r.real());
    *im = static_cast<float>(r.imag());
  };

  std::vector<int> turns{half};
  for (int pass = 0; pass < passes.radix_3_passes(); ++pass) {
    float* to = table.data() + Passes::radix_3_offset(pass);
    std::vector<int> next_turns;
    for (const int turn : turns) {
      for (int power = 1; power <= 2; ++power, to += 2) {
        put(std::int64_t{turn} / 3 * power, to, to + 1);
      }
      for (int third = 0; third < 3; ++third)
        next_turns.push_back(turn / 3 + third * (4 * half / 3));
    }
    turns = std::move(next_turns);
  }
  if (passes.has_radix_2()) {
    float* to = table.data() + Passes::radix_2_offset();
    std::vector<int> next_turns;
    for (const int turn : turns) {
      put(turn / 2, to, to + 1);
      to += 2;
      for (const int second : {0, 1}) next_turns.push_back(turn / 2 + second * 2 * half);
    }
    turns = std::move(next_turns);
  }
  for (int size = passes.longest_radix_4(); size > Passes::kLeaf; size /= 4) {
    float* to = table.data() + passes.radix_4_offset(size);
    std::vector<int> next_turns;
    for (const int turn : turns) {
      for (int power = 1; power <= Passes::kRoots; ++power, to += 2) {
        put(std::int64_t{turn} / 4 * power, to, to + 1);
      }
      for (const int quarters : kQuarters) next_turns.push_back(turn / 4 + quarters * half);
    }
    turns = std::move(next_turns);
  }

  float* to = table.data() + passes.leaf_offset();
  for (std::size_t group = 0; group < turns.size(); group += static_cast<std::size_t>(lanes)) {
    for (int i = -1; i < 4; ++i) {  // -1: the blocks of 16, then their four blocks of 4
      for (int power = 1; power <= Passes::kRoots; ++power, to += 2 * lanes) {
        for (int lane = 0; lane < lanes; ++lane) {
          const int r = turns[group + static_cast<std::size_t>(lane)] / 4;
          const std::int64_t turn = i < 0 ? r : (r + kQuarters[i] * half) / 4;
          put(turn * power, to + lane, to + lanes + lane);
        }
      }
    }
  }
  return table;
}

}  // namespace gpuconv
