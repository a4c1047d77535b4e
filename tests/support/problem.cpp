#include "tests/support/problem.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"

namespace gpuconv::test {
namespace {

constexpr std::uint64_t kTraps = 9;

bool is_coherent(std::uint64_t seed) { return seed % kTraps >= 2 && seed % kTraps <= 5; }

/// Sounds on which convolvers have tripped, one for each remainder of the seed.
Signal trap_signal(std::size_t length, std::uint64_t seed) {
  Signal signal = noise(length, seed);
  const auto each = [&](auto&& value) {
    for (std::size_t n = 0; n < length; ++n) signal[n] = static_cast<float>(value(n));
  };
  switch (seed % kTraps) {
    case 1:
      return decaying_noise(length, seed);
    case 2:  // a click
      each([&](std::size_t n) { return n == seed / kTraps % length ? 1 : 0; });
      break;
    case 3:  // a tone between the bins
      each([&](std::size_t n) { return std::sin(0.0123 * static_cast<double>(n + seed % 100)); });
      break;
    case 4:  // direct current
      each([](std::size_t) { return 0.75; });
      break;
    case 5:  // just below the Nyquist frequency
      each([](std::size_t n) { return n % 2 == 0 ? 0.5 : -0.499; });
      break;
    case 6:  // very quiet
      for (float& sample : signal) sample *= 1e-6f;
      break;
    case 7:  // a long silence, then noise
      std::fill_n(signal.begin(), length / 2, 0.0f);
      break;
    default:
      break;
  }
  return signal;
}

}  // namespace

std::string Problem::token() const {
  std::ostringstream text;
  text << method->name << ':' << source_length << ':' << response_length << ':' << seed;
  return text.str();
}

Signal Problem::source() const {
  return trap_signal(static_cast<std::size_t>(source_length), 3 * seed);
}

Stereo<Signal> Problem::response() const {
  const auto length = static_cast<std::size_t>(response_length);
  Stereo<Signal> response{trap_signal(length, 3 * seed + 1), trap_signal(length, 3 * seed + 2)};
  // Now and then the ears differ by 60 dB, or one of them hears nothing.
  if (seed % 5 == 1) {
    for (float& tap : response.left) tap *= 1e-3f;
  }
  if (seed % 7 == 2) std::fill(response.right.begin(), response.right.end(), 0.0f);
  return response;
}

Problem parse_token(const std::string& token) {
  std::istringstream text(token);
  std::string name;
  Problem problem{};
  char first = 0;
  char second = 0;
  std::getline(text, name, ':');
  text >> problem.source_length >> first >> problem.response_length >> second >> problem.seed;
  if (!text || !text.eof() || first != ':' || second != ':' || problem.source_length < 1 ||
      problem.response_length < 1) {
    throw std::invalid_argument("token '" + token + "': expected METHOD:N:K:SEED");
  }
  problem.method = &find_method(name);
  return problem;
}

::testing::AssertionResult judge(const Problem& problem, const Stereo<Signal>& wet, double* worst) {
  const Signal source = problem.source();
  const Stereo<Signal> response = problem.response();
  const bool is_direct = problem.method->is_direct;
  for (const Side side : kSides) {
    const bool has_coherent = is_coherent(3 * problem.seed) ||
                              is_coherent(3 * problem.seed + (side == Side::left ? 1 : 2));
    const Sound sound = has_coherent ? Sound::coherent : Sound::broadband;
    ErrorBound bound = error_bound(*problem.method, problem.source_length, problem.response_length);
    if (has_coherent && !is_direct) bound.peak = bound.relative;
    const Reference expected = reference(source, response[side]);
    const auto verdict = is_close(wet[side], expected, bound, is_direct, sound);
    if (!verdict) {
      return ::testing::AssertionFailure() << name(side) << " ear: " << verdict.message()
                                           << "; replay with --token=" << problem.token();
    }
    if (worst != nullptr) {
      const Closeness seen = closeness(wet[side], expected, is_direct, sound);
      *worst = std::max(
          {*worst, seen.relative * 0x1p-24 / bound.relative, seen.peak * 0x1p-24 / bound.peak});
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult solve(const Problem& problem) {
  return judge(problem, run(*problem.method, problem.source(), problem.response()));
}

Problem random_problem(const std::vector<const Method*>& methods, double operations,
                       std::uint64_t seed) {
  Random random(seed);
  Problem problem{methods[static_cast<std::size_t>(
                      random.integer(0, static_cast<std::int64_t>(methods.size()) - 1))],
                  0, 0, seed};
  const auto log_uniform = [&] {
    return static_cast<std::int64_t>(std::exp2(8.5 * (1 + double{random.uniform()})));
  };
  do {
    problem.source_length = log_uniform();
    problem.response_length = log_uniform();
  } while (problem.response_length > problem.method->longest_response ||
           problem.method->operations(static_cast<double>(problem.source_length),
                                      static_cast<double>(problem.response_length)) > operations);
  return problem;
}

std::vector<const Method*> methods_here() {
  const Devices devices = query_devices();
  std::vector<const Method*> here;
  for (const Method& method : methods()) {
    if (why_not(method, devices).empty()) here.push_back(&method);
  }
  return here;
}

std::int64_t number_from_environment(const char* name, std::int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoll(text);
}

std::uint64_t test_seed() {
  return static_cast<std::uint64_t>(number_from_environment("GPUCONV_SEED", 1));
}

}  // namespace gpuconv::test
