#include "tests/emulation/order.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <stdexcept>

#include "tests/emulation/emulation.hpp"

namespace emulation {

Order::Order(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  is_random_ = colon != std::string::npos;
  if (kind == "reverse" && !is_random_) {
    kind_ = Kind::reverse;
  } else if (kind == "random" && is_random_) {
    kind_ = Kind::random;
  } else if (kind == "warp") {
    kind_ = Kind::by_warp;
  } else if (text != "forward") {
    throw std::invalid_argument("GPUCONV_EMULATED_ORDER=" + text +
                                ": expected forward, reverse, random:SEED, warp or warp:SEED");
  }
  if (is_random_) random_.seed(static_cast<unsigned>(std::stoul(text.substr(colon + 1))));
}

void Order::arrange(std::vector<unsigned>& numbers) {
  std::iota(numbers.begin(), numbers.end(), 0u);
  if (kind_ == Kind::reverse) std::reverse(numbers.begin(), numbers.end());
  if (is_random_) std::shuffle(numbers.begin(), numbers.end(), random_);
}

Order& order() {
  static const char* const text = std::getenv("GPUCONV_EMULATED_ORDER");
  static Order order(text == nullptr ? "forward" : text);
  return order;
}

void set_order(const std::string& text) { order() = Order(text); }

}  // namespace emulation
