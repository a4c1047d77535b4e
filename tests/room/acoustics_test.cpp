#include "host/room/acoustics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "host/room/octave_band.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

constexpr int kRate = 16'000;
constexpr std::size_t kOnset = 800;

/// Noise from kOnset on that loses 60 dB in `seconds`, over noise of `floor_db` against its start.
Signal decaying(double seconds, double floor_db, unsigned seed, std::size_t samples = 3 * kRate) {
  const Signal room = noise(samples, seed);
  const Signal rest = noise(samples, seed + 100);
  Signal taps(samples);
  for (std::size_t n = 0; n < samples; ++n) {
    const double t = (static_cast<double>(n) - kOnset) / kRate;
    const double envelope = t < 0 ? 0 : std::pow(10.0, -3 * t / seconds);
    taps[n] = static_cast<float>(envelope * double{room[n]} +
                                 std::pow(10.0, floor_db / 20) * double{rest[n]});
  }
  taps[kOnset] = 1;  // noise may begin with anything
  return taps;
}

Response room_of(Signal left, Signal right) {
  Response response;
  response.taps = {std::move(left), std::move(right)};
  response.rate = kRate;
  return response;
}

std::string text_of(const Acoustics& acoustics) {
  std::string text;
  for (const std::string& line : lines_of(acoustics)) text += line + "\n";
  return text;
}

TEST(OctaveBandTest, LosesThreeDecibelsAtItsEdgesAndMuchAnOctaveFurther) {
  const OctaveBand band(1000, kRate);
  const auto gain_db = [&](double hertz) {
    std::vector<double> sine(kRate);
    for (std::size_t n = 0; n < sine.size(); ++n) {
      sine[n] = std::sin(2 * std::numbers::pi * hertz * static_cast<double>(n) / kRate);
    }
    const std::vector<double> wet = band.of(sine);
    double energy = 0;
    for (std::size_t n = wet.size() / 2; n < wet.size(); ++n) energy += wet[n] * wet[n];
    return 10 * std::log10(2 * energy / (static_cast<double>(wet.size()) / 2));
  };
  EXPECT_NEAR(gain_db(1000), 0, 0.01);
  EXPECT_NEAR(gain_db(1000 * std::pow(10, 0.15)), -3.01, 0.05);
  EXPECT_NEAR(gain_db(1000 / std::pow(10, 0.15)), -3.01, 0.05);
  EXPECT_LT(gain_db(2000), -45);
  EXPECT_LT(gain_db(500), -45);
}

TEST(OctaveBandTest, KnowsTheOctavesThatARateHasRoomFor) {
  EXPECT_EQ(octaves(16'000).size(), 6u);
  EXPECT_EQ(octaves(44'100).size(), 7u);
  EXPECT_EQ(octaves(8'000).size(), 5u);
  EXPECT_NEAR(octaves(16'000).front(), 125.9, 0.1);
}

/// A tone in every octave from kOnset on, all of which lose 60 dB in `seconds`, over a little
/// noise.
Signal ringing(double seconds) {
  Signal taps = noise(4 * kRate, 1);
  for (float& tap : taps) tap *= 1e-4f;
  for (const double middle : octaves(kRate)) {
    for (std::size_t n = kOnset; n < taps.size(); ++n) {
      const double t = (static_cast<double>(n) - kOnset) / kRate;
      taps[n] += static_cast<float>(std::pow(10.0, -3 * t / seconds) *
                                    std::cos(2 * std::numbers::pi * middle * t));
    }
  }
  return taps;
}

class DecayTimes : public ::testing::TestWithParam<double> {};

/// For an exponential decay: C = 10 lg(exp(13.8 t / T) - 1), D = 1 - exp(-13.8 t / T).
TEST_P(DecayTimes, AreThoseOfAnExponentialDecay) {
  const double T = GetParam();
  const double k = 6 * std::numbers::ln10 / T;
  const Acoustics found = acoustics_of(room_of(ringing(T), ringing(T)));
  ASSERT_EQ(found.bands.size(), 7u);
  for (const BandAcoustics& band : found.bands) {
    SCOPED_TRACE(band.middle_hz);
    const bool is_slow = band.middle_hz > 0 && band.middle_hz < 400;  // to ring, as a filter
    for (const Side side : kSides) {
      const EarAcoustics& ear = band.ears[side];
      ASSERT_TRUE(ear.decay && ear.decay->t30 && ear.decay->t20 && ear.decay->edt);
      EXPECT_NEAR(*ear.decay->t30, T, 0.02 * T);
      EXPECT_NEAR(*ear.decay->t20, T, 0.02 * T);
      EXPECT_NEAR(*ear.decay->edt, T, (is_slow ? 0.15 : 0.05) * T);
      ASSERT_TRUE(ear.c80_db && ear.c50_db && ear.d50);
      EXPECT_NEAR(*ear.c80_db, 10 * std::log10(std::exp(k * 0.080) - 1), is_slow ? 1 : 0.3);
      EXPECT_NEAR(*ear.c50_db, 10 * std::log10(std::exp(k * 0.050) - 1), is_slow ? 1 : 0.3);
      EXPECT_NEAR(*ear.d50, 1 - std::exp(-k * 0.050), is_slow ? 0.1 : 0.02);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, DecayTimes, ::testing::Values(0.3, 0.8, 2.0), [](const auto& T) {
  return "Of" + std::to_string(std::lround(1000 * T.param)) + "Milliseconds";
});

TEST(DecayTest, SaysNothingThatTheNoiseHides) {
  const auto all = [](double floor_db) {
    const Signal taps = decaying(0.5, floor_db, 3);
    return *acoustics_of(room_of(taps, taps)).bands.front().ears.left.decay;
  };
  EXPECT_TRUE(all(-50).t30);
  EXPECT_FALSE(all(-40).t30);
  EXPECT_TRUE(all(-40).t20);
  EXPECT_NEAR(*all(-40).t20, 0.5, 0.025);
  EXPECT_FALSE(all(-30).t20);
  EXPECT_TRUE(all(-30).edt);
  EXPECT_FALSE(all(-15).edt);
}

TEST(DecayTest, IsNotChangedByZerosAtTheEnd) {
  Signal taps = decaying(0.5, -60, 4);
  const double before = *acoustics_of(room_of(taps, taps)).bands.front().ears.left.decay->t30;
  taps.resize(taps.size() + kRate);
  EXPECT_EQ(*acoustics_of(room_of(taps, taps)).bands.front().ears.left.decay->t30, before);
}

TEST(DecayTest, OfACutResponseIsThatOfTheWholeOne) {
  const Signal taps = decaying(1.0, -200, 5, kOnset + kRate / 2);  // 30 dB of 60
  const Decay decay = *acoustics_of(room_of(taps, taps)).bands.front().ears.left.decay;
  ASSERT_TRUE(decay.edt);
  EXPECT_NEAR(*decay.edt, 1, 0.1);
}

TEST(AcousticsTest, FindTheDirectSoundAndWhichEarHearsFirst) {
  Signal left = decaying(0.4, -70, 6), right(left.size());
  std::copy(left.begin(), left.end() - 8, right.begin() + 8);
  for (float& tap : right) tap *= 0.5f;
  const Acoustics found = acoustics_of(room_of(left, right));
  EXPECT_NEAR(*found.onset.left, double{kOnset} / kRate, 1e-9);
  EXPECT_NEAR(*found.onset.right, double{kOnset + 8} / kRate, 1e-9);
  EXPECT_NEAR(*found.itd, 8.0 / kRate, 0.1 / kRate);
  for (const BandAcoustics& band : found.bands) {
    EXPECT_NEAR(*band.ild_db, 6.02, 0.05);
    EXPECT_GT(*band.iacc_early, 0.95);
  }
  const Acoustics other = acoustics_of(room_of(right, left));
  EXPECT_NEAR(*other.itd, -8.0 / kRate, 0.1 / kRate);
}

TEST(AcousticsTest, EarsThatHearDifferentThingsAreNotCorrelated) {
  const Acoustics found = acoustics_of(room_of(decaying(1, -70, 7), decaying(1, -70, 8)));
  EXPECT_LT(*found.bands.front().iacc_late, 0.1);
  EXPECT_LT(*found.bands.front().iacc, 0.2);
  const Signal same = decaying(1, -70, 7);
  const Acoustics equal = acoustics_of(room_of(same, same));
  EXPECT_NEAR(*equal.bands.front().iacc, 1, 1e-9);
  EXPECT_NEAR(*equal.itd, 0, 1e-9);
}

TEST(AcousticsTest, ComeLaterByTheLeadOfAResponse) {
  Response response = room_of(decaying(0.4, -70, 6), decaying(0.4, -70, 6));
  response.latency_frames = 30;
  EXPECT_NEAR(*acoustics_of(response).onset.left, double{kOnset - 30} / kRate, 1e-9);
}

TEST(AcousticsTest, OfASilentEarAndOfAShortResponseAreMissing) {
  const Acoustics one_ear = acoustics_of(room_of(decaying(0.4, -70, 9), Signal(3 * kRate)));
  EXPECT_TRUE(one_ear.bands.front().ears.left.decay);
  EXPECT_FALSE(one_ear.bands.front().ears.right.decay);
  EXPECT_FALSE(one_ear.bands.front().ears.right.c80_db);
  EXPECT_FALSE(one_ear.onset.right);
  EXPECT_FALSE(one_ear.itd);
  EXPECT_FALSE(one_ear.bands.front().ild_db);
  EXPECT_FALSE(one_ear.bands.front().iacc);

  for (const std::size_t samples : {1u, 2u, 200u}) {
    const Acoustics head = acoustics_of(room_of(noise(samples, 1), noise(samples, 2)));
    EXPECT_FALSE(head.bands.front().ears.left.decay);
    EXPECT_FALSE(head.bands.front().ears.left.c50_db);
    EXPECT_TRUE(head.bands.front().ild_db);
    EXPECT_TRUE(head.itd);
    EXPECT_TRUE(says(text_of(head), {"too short"}));
  }
}

TEST(AcousticsTest, AreTextAndJson) {
  const Acoustics found = acoustics_of(room_of(decaying(0.5, -70, 1), decaying(0.5, -70, 2)));
  EXPECT_TRUE(says(text_of(found),
                   {"onset      left 50.00 ms", "T30 s", "125 Hz", "4 kHz   right", "IACC"}));
  const auto json = nlohmann::json::parse(json_of(found));
  EXPECT_EQ(json["bands"].size(), 7u);
  EXPECT_TRUE(json["bands"][0]["middle_hz"].is_null());
  EXPECT_NEAR(json["bands"][0]["left"]["t30"].get<double>(), 0.5, 0.03);
  EXPECT_NEAR(json["bands"][4]["middle_hz"].get<double>(), 1000, 1e-9);
}

/// "Room A" of the University of Surrey: RT60 0.32 s (Hummersone 2010).
TEST(AcousticsTest, OfARealRoomAreThePublishedOnes) {
  GPUCONV_TEST_FILE(path, "ir/brir_unis_room_a_left45_16k.wav");
  const Acoustics found = acoustics_of(load_response(path));
  EXPECT_NEAR(*found.bands[0].ears.left.decay->t20, 0.32, 0.03);
  EXPECT_GT(*found.itd, 0.0003);
  EXPECT_LT(*found.itd, 0.0005);
  EXPECT_GT(*found.bands[0].ild_db, 5);
}

}  // namespace
}  // namespace gpuconv::test
