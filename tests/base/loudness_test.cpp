#include "host/base/loudness.hpp"

#include <ebur128.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "host/base/levels.hpp"
#include "host/base/noise.hpp"
#include "host/base/signal.hpp"

namespace gpuconv::test {
namespace {

constexpr int kHertz = 48'000;

/// So many seconds of a sine of 997 Hz whose peak is `dbfs`.
void append_sine(Signal& signal, double seconds, double dbfs) {
  const auto frames = static_cast<std::size_t>(seconds * kHertz);
  for (std::size_t n = 0; n < frames; ++n) {
    const double phase = 2 * std::numbers::pi * 997 * static_cast<double>(n) / kHertz;
    signal.push_back(static_cast<float>(amplitude(dbfs) * std::sin(phase)));
  }
}

/// Feeds a meter, cut into blocks.
void feed(LoudnessMeter& meter, const Signal& left, const Signal& right, std::size_t block) {
  for (std::size_t from = 0; from < left.size(); from += block) {
    const std::size_t frames = std::min(block, left.size() - from);
    meter.take({std::span(left).subspan(from, frames), std::span(right).subspan(from, frames)});
  }
}

struct Metered : LoudnessMeter {
  Metered(const Signal& left, const Signal& right, int rate = kHertz, std::size_t block = 10'000)
      : LoudnessMeter(rate, 2) {
    feed(*this, left, right, block);
  }
};

/// What libebur128 itself says of both ears after `gain`.
double library_loudness(const Signal& left, const Signal& right, double gain, int rate = kHertz) {
  ebur128_state* state = ebur128_init(2, static_cast<unsigned long>(rate), EBUR128_MODE_I);
  for (std::size_t n = 0; n < left.size(); ++n) {
    const double frame[2] = {gain * double{left[n]}, gain * double{right[n]}};
    ebur128_add_frames_double(state, frame, 1);
  }
  double lufs = 0;
  ebur128_loudness_global(state, &lufs);
  ebur128_destroy(&state);
  return lufs;
}

// EBU Tech 3341, cases 1 to 4: sines of both ears, and what a meter has to show.
TEST(LoudnessMeter, ShowsWhatTheTestCasesOfTheEbuWant) {
  struct Part {
    double seconds, dbfs;
  };
  const std::vector<std::pair<std::vector<Part>, double>> cases{
      {{{20, -23}}, -23},
      {{{20, -33}}, -33},
      {{{10, -36}, {60, -23}, {10, -36}}, -23},
      {{{10, -72}, {10, -36}, {60, -23}, {10, -36}, {10, -72}}, -23}};
  for (const auto& [parts, lufs] : cases) {
    Signal sine;
    for (const Part& part : parts) append_sine(sine, part.seconds, part.dbfs);
    const auto shown = Metered(sine, sine).loudness();
    ASSERT_TRUE(shown.has_value());
    EXPECT_NEAR(*shown, lufs, 0.1);
  }
}

TEST(LoudnessMeter, AgreesWithItsLibraryAtEveryRateAndCut) {
  for (const int rate : {8'000, 22'050, 44'100, 48'000}) {
    Signal left = noise(static_cast<std::size_t>(3 * rate), 1);
    Signal right = noise(left.size(), 2);
    for (std::size_t n = 0; n < left.size() / 2; ++n) left[n] *= 0.01f;  // below the second gate
    const double right_answer = library_loudness(left, right, 1, rate);
    for (const std::size_t block : {std::size_t{1}, std::size_t{4'801}, left.size()}) {
      EXPECT_NEAR(Metered(left, right, rate, block).loudness().value(), right_answer, 1e-6) << rate;
    }
  }
}

// The gain moves the blocks past a gate that stands still: measuring once would be wrong.
TEST(LoudnessMeter, FindsTheGainWhereTheGateLetsMoreBlocksPass) {
  Signal sine;
  append_sine(sine, 4, -66);
  append_sine(sine, 4, -75);  // below -70 LUFS, but less than 10 LU below the rest
  const Metered meter(sine, sine);
  const double once = -23 - meter.loudness().value();
  EXPECT_GT(std::abs(library_loudness(sine, sine, amplitude(once)) + 23), 1);
  const double gain = meter.gain_to(-23).value();
  EXPECT_NEAR(library_loudness(sine, sine, amplitude(gain)), -23, 1e-6);
}

TEST(LoudnessMeter, BringsWhatIsBelowTheGateToItsLevel) {
  Signal sine;
  append_sine(sine, 1, -110);
  const Metered meter(sine, sine);
  EXPECT_FALSE(meter.loudness().has_value());
  const double gain = meter.gain_to(-30).value();
  EXPECT_NEAR(library_loudness(sine, sine, amplitude(gain)), -30, 1e-6);
}

TEST(LoudnessMeter, HasNoGainForSilenceAndForLessThanABlock) {
  const Signal silence(kHertz);
  EXPECT_FALSE(Metered(silence, silence).gain_to(-23).has_value());
  Signal sine;
  append_sine(sine, 0.5, -23);
  sine.resize(static_cast<std::size_t>(LoudnessMeter::fewest_frames(kHertz)));
  EXPECT_TRUE(Metered(sine, sine).gain_to(-23).has_value());
  sine.pop_back();
  EXPECT_FALSE(Metered(sine, sine).gain_to(-23).has_value());
}

TEST(LoudnessMeter, CountsASilentEarAsThreeDecibelsLess) {
  Signal sine;
  append_sine(sine, 2, -23);
  const Signal silence(sine.size());
  EXPECT_NEAR(Metered(sine, silence).loudness().value(),
              Metered(sine, sine).loudness().value() - 10 * std::log10(2.0), 1e-9);
  LoudnessMeter one(kHertz, 1);
  one.take({sine, sine});
  EXPECT_NEAR(one.loudness().value(), Metered(sine, silence).loudness().value(), 1e-9);
}

}  // namespace
}  // namespace gpuconv::test
