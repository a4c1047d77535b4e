#include "host/bench/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>

#include "host/base/error.hpp"
#include "host/base/noise.hpp"
#include "host/methods/definition.hpp"

namespace gpuconv {
namespace {

constexpr int kSamples = 128;  // for each ear: E to some 10 %, at the price of 128 K products
constexpr std::int64_t kLongest = std::int64_t{1} << 36;

}  // namespace

long Problem::shape() const {
  return std::lround(16 * std::log2(static_cast<double>(K) / static_cast<double>(N)));
}

Problem parse_problem(const std::string& text) {
  std::vector<std::int64_t> numbers;
  std::istringstream parts(text + 'x');
  bool is_good = true;
  for (std::string part; std::getline(parts, part, 'x');) {
    is_good = is_good && !part.empty() && part.size() <= 11 &&
              part.find_first_not_of("0123456789") == std::string::npos;
    numbers.push_back(is_good ? std::stoll(part) : 0);
  }
  if (numbers.size() == 2) numbers.push_back(1);
  is_good = is_good && numbers.size() == 3 &&
            *std::min_element(numbers.begin(), numbers.end()) >= 1 &&
            numbers[2] <= std::numeric_limits<int>::max() && numbers[1] <= kLongest &&
            numbers[0] <= kLongest / numbers[2];
  if (!is_good) {
    throw UsageError(
        fmt::format("--size {}: expected SAMPLESxTAPS or SAMPLESxTAPSxCLIPS, at least 1 each, such "
                    "as 200000x70000",
                    text));
  }
  return {text, numbers[0], numbers[1], static_cast<int>(numbers[2])};
}

Sounds::Sounds(const Problem& problem)
    : source(noise(static_cast<std::size_t>(problem.N * problem.clips), 1)),
      response{decaying_noise(static_cast<std::size_t>(problem.K), 2),
               decaying_noise(static_cast<std::size_t>(problem.K), 3)} {}

Expectation::Expectation(const Problem& problem, const Sounds& sounds)
    : length_(static_cast<std::size_t>(problem.wet_length() * problem.clips)),
      wet_length_(static_cast<double>(problem.wet_length())) {
  Random random(4);
  std::map<int, double> source_norms;  // of the clips that were met
  for (const Side side : kSides) {
    const Signal& h = sounds.response[side];
    const double h_norm = norm(h);
    for (int i = 0; i < kSamples; ++i) {
      const int clip = static_cast<int>(random.integer(0, problem.clips - 1));
      const std::int64_t n = random.integer(0, problem.wet_length() - 1);
      const std::span<const float> x = sounds.clip(problem, clip);
      const auto at = static_cast<std::size_t>(clip * problem.wet_length() + n);
      const auto [source_norm, is_new] = source_norms.try_emplace(clip);
      if (is_new) source_norm->second = norm(x);
      samples_[side].push_back({at, definition(x, 0, h, n), source_norm->second * h_norm});
    }
  }
}

Expectation::Verdict Expectation::judge(const Stereo<Signal>& wet, const ErrorBound& bound,
                                        bool is_direct) const {
  Verdict verdict{0, true};
  for (const Side side : kSides) {
    if (wet[side].size() != length_) return {std::numeric_limits<double>::infinity(), false};
    double errors = 0;
    double squares = 0;
    double scale = 0;
    for (const Sample& sample : samples_[side]) {
      const double error = std::abs(double{wet[side][sample.at]} - sample.exact.value);
      const double limit = bound.peak * (is_direct ? sample.exact.magnitude : sample.scale);
      // Written so that a NaN is wrong.
      if (!(error <= limit)) verdict.is_right = false;
      errors += error * error;
      squares += sample.exact.value * sample.exact.value;
      scale += sample.scale;
    }
    const double count = static_cast<double>(samples_[side].size());
    const auto norm_of = [&](double sum) { return std::sqrt(sum / count * wet_length_); };
    const double E = norm_of(errors) / std::max(norm_of(squares), scale / count);
    verdict.error =
        std::isnan(E) ? std::numeric_limits<double>::infinity() : std::max(verdict.error, E);
  }
  if (!(verdict.error <= bound.relative)) verdict.is_right = false;
  return verdict;
}

}  // namespace gpuconv
