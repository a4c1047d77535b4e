// ears_test.cpp - the source stands on the side that was asked for, or the file is refused
#include "host/room/sofa/ears.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/room/response.hpp"
#include "host/room/sofa/sofa_set.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

using sofa::Azimuths;
using sofa::Evidence;
using Kind = SyntheticHead::Kind;
using Positions = SyntheticHead::Positions;

double energy(const Signal& taps) {
  return std::inner_product(taps.begin(), taps.end(), taps.begin(), 0.0);
}

/// Left over right, in dB, of the response at `azimuth`.
double left_over_right(const std::string& path, double azimuth, SofaOptions options = {}) {
  options.azimuth = azimuth;
  const Response response = load_response(path, {options});
  return 10 * std::log10(energy(response.taps.left) / energy(response.taps.right));
}

std::string stored(const Folder& folder, const SyntheticHead& head,
                   Hdf5Layout layout = Hdf5Layout::earliest) {
  write_sofa(folder.file("head.sofa"), sofa_of(head), layout);
  return folder.file("head.sofa");
}

TEST(Ears, ASourceStandsOnTheAskedSideOrTheFileIsRefused) {
  const Folder folder;
  int rendered = 0;
  int refused = 0;
  for (const Hdf5Layout layout : kTriedLayouts) {
    for (const Kind kind : {Kind::free_field, Kind::room, Kind::turning_head}) {
      for (const bool exchanged : {false, true}) {
        for (const bool clockwise : {false, true}) {
          for (const Positions positions :
               {Positions::right, Positions::exchanged, Positions::absent}) {
            SyntheticHead head;
            head.kind = kind;
            head.receivers_exchanged = exchanged;
            head.azimuths_clockwise = clockwise;
            head.positions = positions;
            SCOPED_TRACE(fmt::format("layout {}, kind {}, exchanged {}, clockwise {}, positions {}",
                                     static_cast<int>(layout), static_cast<int>(kind), exchanged,
                                     clockwise, static_cast<int>(positions)));
            const std::string path = stored(folder, head, layout);
            try {
              EXPECT_GT(left_over_right(path, 90), 6);
              EXPECT_LT(left_over_right(path, -90), -6);
              EXPECT_LT(left_over_right(path, 300), -6);
              EXPECT_GT(left_over_right(path, 30), 4);
              EXPECT_LT(left_over_right(path, -150), -4);
              ++rendered;
            } catch (const sofa::UndecidedEars& error) {
              EXPECT_TRUE(says(error.what(), {"--azimuths clockwise", "--azimuths as-stored",
                                              "--receivers 1,0"}));
              ++refused;
            }
            // What is in order is never refused.
            const bool is_in_order = !exchanged && !clockwise;
            if (is_in_order) {
              EXPECT_NO_THROW(left_over_right(path, 0));
            }
            // Neither is what is exchanged and says so.
            if (exchanged && !clockwise && positions == Positions::right) {
              EXPECT_NO_THROW(left_over_right(path, 0));
            }
          }
        }
      }
    }
  }
  const auto layouts = static_cast<int>(std::size(kTriedLayouts));
  EXPECT_EQ(rendered + refused, layouts * 3 * 12);
  EXPECT_GE(rendered, layouts * 3 * 6);
}

TEST(Ears, EachWayOutOfARefusalDoesWhatItSays) {
  const Folder folder;
  SyntheticHead head;
  head.azimuths_clockwise = true;
  const std::string path = stored(folder, head);
  EXPECT_THROW(left_over_right(path, 90), sofa::UndecidedEars);
  SofaOptions options;
  options.azimuths = Azimuths::clockwise;
  EXPECT_GT(left_over_right(path, 90, options), 6);
  options.azimuths = Azimuths::as_stored;
  EXPECT_LT(left_over_right(path, 90, options), -6);
  options = {};
  options.receivers = sofa::Receivers{1, 0};
  EXPECT_GT(left_over_right(path, 90, options), 6);
}

TEST(Ears, SamplesWinOverReceiverPositionAndOneWarningNamesIt) {
  const Folder folder;
  SyntheticHead head;
  head.positions = Positions::exchanged;
  SofaOptions options;
  options.azimuth = 90;
  const Response response = load_response(stored(folder, head), {options});
  ASSERT_EQ(response.warnings.size(), 1u);
  EXPECT_TRUE(says(response.warnings[0], {"ReceiverPosition", "receiver 0", "left ear"}));
}

TEST(Ears, WhatTheAskedSideLacksIsWarnedOf) {
  const Folder folder;
  SyntheticHead head;
  head.azimuths_clockwise = true;
  SofaOptions options;
  options.azimuths = Azimuths::as_stored;
  options.azimuth = 90;
  const Response wrong = load_response(stored(folder, head), {options});
  ASSERT_EQ(wrong.warnings.size(), 1u);
  EXPECT_TRUE(says(wrong.warnings[0], {"asked for on the left", "12.0 dB quieter"}));
  options.distance = 9;  // which is another thing to warn of
  EXPECT_EQ(load_response(stored(folder, head), {options}).warnings.size(), 2u);
  options.distance.reset();
  options.azimuths = Azimuths::clockwise;
  EXPECT_TRUE(load_response(stored(folder, head), {options}).warnings.empty());
}

/// What has too little evidence is played in the order of receivers, and never refused.
void expect_order_of_receivers(const SyntheticHead& head) {
  const Folder folder;
  SofaSet set(stored(folder, head));
  const sofa::Ears ears = set.ears({});
  EXPECT_EQ(ears.left, 0);
  EXPECT_TRUE(says(ears.basis, {"evidence"}) || says(ears.basis, {"no measurement from the sides"}))
      << ears.basis;
}

TEST(Ears, TooLittleEvidenceNeverRefuses) {
  SyntheticHead one_direction;
  one_direction.directions = 1;
  one_direction.first_azimuth = 90;
  expect_order_of_receivers(one_direction);

  SyntheticHead median_plane;
  median_plane.step = 180;
  median_plane.directions = 2;
  median_plane.azimuths_clockwise = true;
  expect_order_of_receivers(median_plane);

  SyntheticHead equal_ears;
  equal_ears.decibels = 0;
  expect_order_of_receivers(equal_ears);
}

TEST(Ears, WithoutEvidenceReceiverPositionIsFollowedWithAWarning) {
  const Folder folder;
  SyntheticHead head;
  head.directions = 1;
  head.first_azimuth = 90;
  head.receivers_exchanged = true;
  SofaOptions options;
  options.azimuth = 90;
  const Response response = load_response(stored(folder, head), {options});
  EXPECT_GT(energy(response.taps.left), energy(response.taps.right));
  ASSERT_EQ(response.warnings.size(), 1u);
  EXPECT_TRUE(says(response.warnings[0], {"ReceiverPosition", "--receivers 0,1"}));
}

TEST(Ears, AnEarThatIsLouderFromEverywhereDecidesNothing) {
  for (const Hdf5Layout layout : kHdf5Layouts) {
    SyntheticHead head;
    SofaContents contents = sofa_of(head);
    std::vector<double>& taps = contents["Data.IR"].values;
    std::ranges::fill(taps, 0);
    for (std::size_t m = 0; m < 24; ++m) {
      taps[128 * m + 5] = 0.5;
      taps[128 * m + 64 + 9] = 0.25;
    }
    const Folder folder;
    write_sofa(folder.file("a.sofa"), contents, layout);
    SofaSet set(folder.file("a.sofa"));
    EXPECT_TRUE(says(set.ears({}).basis, {"too little evidence"})) << static_cast<int>(layout);
  }
}

TEST(Ears, LoudspeakersAtThirtyDegreesAreWitnesses) {
  const Folder folder;
  SyntheticHead head;
  head.directions = 2;
  head.first_azimuth = -30;
  head.step = 60;
  head.azimuths_clockwise = true;
  SofaSet set(stored(folder, head));
  EXPECT_THROW(set.ears({}), sofa::UndecidedEars);
}

TEST(Ears, EmittersOfOneMeasurementAreWitnesses) {
  const Folder folder;
  const SofaContents circle = sofa_of({});
  SofaContents file = circle;
  constexpr std::size_t kEmitters = 24;
  constexpr std::size_t kTaps = 64;
  file.attributes["SOFAConventions"] = "SingleRoomMIMOSRIR";
  file.attributes["DataType"] = "FIR-E";
  file["EmitterPosition"] = file["SourcePosition"];
  file["SourcePosition"] = {{1, 3}, {0, 0, 0}, {{"Type", "cartesian"}}};
  file["Data.Delay"] = {{1, 2, 1}, {0, 0}, {}};
  SofaArray& taps = file["Data.IR"];
  taps.sizes = {1, 2, kTaps, kEmitters};
  for (std::size_t e = 0; e < kEmitters; ++e) {
    for (std::size_t n = 0; n < 2 * kTaps; ++n) {
      taps.values[n * kEmitters + e] = circle.arrays.at("Data.IR").values[2 * kTaps * e + n];
    }
  }
  write_sofa(folder.file("a.sofa"), file);
  SofaSet in_order(folder.file("a.sofa"));
  EXPECT_TRUE(says(in_order.ears({}).basis, {"8 of 8 measurements from the sides"}));
  for (std::size_t e = 0; e < kEmitters; ++e) file["EmitterPosition"].values[3 * e] *= -1;
  write_sofa(folder.file("b.sofa"), file);
  SofaSet clockwise(folder.file("b.sofa"));
  EXPECT_THROW(clockwise.ears({}), sofa::UndecidedEars);
}

TEST(Ears, OneHemisphereIsEnough) {
  const Folder folder;
  SyntheticHead head;
  head.directions = 13;  // 0 to 180 degrees: the left half
  SofaSet in_order(stored(folder, head));
  EXPECT_TRUE(says(in_order.ears({}).basis, {"the samples"}));
  head.azimuths_clockwise = true;
  SofaSet clockwise(stored(folder, head));
  EXPECT_THROW(clockwise.ears({}), sofa::UndecidedEars);
}

TEST(Ears, OfAHeadWithExchangedReceiversTheSecondIsLeft) {
  const Folder folder;
  SyntheticHead head;
  head.receivers_exchanged = true;
  SofaSet set(stored(folder, head));
  const sofa::Ears ears = set.ears({});
  EXPECT_EQ(ears.left, 1);
  EXPECT_EQ(ears.right, 0);
  EXPECT_EQ(ears.warning, "");
}

TEST(Ears, SetsWithoutDelaysOrWithLargeOnesAreHeardAlike) {
  const Folder folder;
  SofaContents contents = sofa_of({});
  contents.arrays.erase("Data.Delay");
  write_sofa(folder.file("a.sofa"), contents);
  EXPECT_GT(left_over_right(folder.file("a.sofa"), 90), 6);
  // The times of arrival kept apart from the taps.
  contents["Data.Delay"] = {{24, 2}, std::vector<double>(48, 100), {}};
  write_sofa(folder.file("b.sofa"), contents);
  EXPECT_GT(left_over_right(folder.file("b.sofa"), 90), 6);
}

TEST(Ears, AStrongReflectionFromTheOtherSideDoesNotDecide) {
  constexpr int kTaps = 512;
  SyntheticHead head;
  head.taps = kTaps;
  SofaContents contents = sofa_of(head);
  std::vector<double>& taps = contents["Data.IR"].values;
  for (std::size_t m = 0; m < 24; ++m) {
    for (std::size_t ear = 0; ear < 2; ++ear) {
      // 5 ms later, as loud as the direct sound is at the other ear, and more.
      for (std::size_t n = 0; n < 64; ++n) {
        taps[(2 * m + ear) * kTaps + n + 100] += 1.5 * taps[(2 * m + 1 - ear) * kTaps + n];
      }
    }
  }
  const Folder folder;
  write_sofa(folder.file("a.sofa"), contents);
  SofaSet set(folder.file("a.sofa"));
  const sofa::Ears ears = set.ears({});
  EXPECT_EQ(ears.left, 0);
  EXPECT_TRUE(says(ears.basis, {"8 of 8 measurements from the sides"}));
}

TEST(Ears, TheNearFieldWithItsLargeDifferencesIsHeardAlike) {
  const Folder folder;
  SyntheticHead head;
  head.decibels = 40;
  EXPECT_GT(left_over_right(stored(folder, head), 90), 30);
}

Evidence evidence_of(std::int64_t lateral, int for_a, int for_b) {
  Evidence evidence;
  evidence.lateral = lateral;
  evidence.for_a = for_a;
  evidence.for_b = for_b;
  return evidence;
}

TEST(EarEvidence, FourVotesOrAllOfFewerDecideIfNineInTenAgree) {
  EXPECT_EQ(evidence_of(10, 4, 0).is_a_left(), true);
  EXPECT_EQ(evidence_of(10, 0, 4).is_a_left(), false);
  EXPECT_EQ(evidence_of(10, 3, 0).is_a_left(), std::nullopt);
  EXPECT_EQ(evidence_of(3, 3, 0).is_a_left(), true);
  EXPECT_EQ(evidence_of(2, 0, 2).is_a_left(), false);
  EXPECT_EQ(evidence_of(3, 2, 0).is_a_left(), std::nullopt);
  EXPECT_EQ(evidence_of(1, 1, 0).is_a_left(), std::nullopt);
  EXPECT_EQ(evidence_of(0, 0, 0).is_a_left(), std::nullopt);
  EXPECT_EQ(evidence_of(40, 9, 1).is_a_left(), true);
  EXPECT_EQ(evidence_of(40, 8, 1).is_a_left(), std::nullopt);
  EXPECT_EQ(evidence_of(40, 1, 9).is_a_left(), false);
  EXPECT_TRUE(evidence_of(40, 8, 0).is_clear());
  EXPECT_FALSE(evidence_of(40, 20, 1).is_clear());
}

TEST(EarEvidence, LevelsAreComparedInOneWindowAfterTheEarlierOnset) {
  constexpr double kRate = 16'000;  // a window of 40 samples
  Signal near(200, 0.0f);
  Signal far(200, 0.0f);
  near[50] = 1;
  far[55] = 0.5f;
  far[95] = 0.9f;  // after the window
  const auto heard = sofa::compare(near, far, 0, 0, kRate);
  ASSERT_TRUE(heard.has_value());
  EXPECT_NEAR(heard->level_a, 0, 1e-9);
  EXPECT_NEAR(heard->level_b, -6.0206, 1e-3);
  EXPECT_NEAR(heard->onset_a, 50 / kRate, 1e-12);
  EXPECT_NEAR(heard->onset_b, 55 / kRate, 1e-12);
  EXPECT_EQ(sofa::is_a_nearer(*heard), true);
  // With delays that turn the order round, the onsets contradict the levels.
  const auto delayed = sofa::compare(near, far, 10, 0, kRate);
  ASSERT_TRUE(delayed.has_value());
  EXPECT_EQ(sofa::is_a_nearer(*delayed), std::nullopt);
  EXPECT_FALSE(sofa::compare(Signal(10, 0.0f), Signal(10, 0.0f), 0, 0, kRate));
  EXPECT_FALSE(sofa::compare(Signal{NAN}, Signal{1}, 0, 0, kRate));
}

TEST(EarEvidence, LessThanThreeDecibelsAreNoVote) {
  EXPECT_EQ(sofa::is_a_nearer({2.9, 0, 0, 0}), std::nullopt);
  EXPECT_EQ(sofa::is_a_nearer({3, 0, 0, 0}), true);
  EXPECT_EQ(sofa::is_a_nearer({0, 3, 0, 0}), false);
  EXPECT_EQ(sofa::is_a_nearer({6, 0, 99e-6, 0}), true);
  EXPECT_EQ(sofa::is_a_nearer({6, 0, 101e-6, 0}), std::nullopt);
  EXPECT_EQ(sofa::is_a_nearer({0, 6, 0, 101e-6}), std::nullopt);
}

}  // namespace
}  // namespace gpuconv::test
