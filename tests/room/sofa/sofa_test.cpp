// sofa_test.cpp - what is read of a SOFA file, and which measurement is chosen
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "host/room/delay.hpp"
#include "host/room/sofa/sofa_set.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_fixture.hpp"

namespace gpuconv::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Directions, AreSeenByTheListener) {
  const Direction left = direction_of({0, 2, 0});
  EXPECT_DOUBLE_EQ(left.azimuth, 90);
  EXPECT_DOUBLE_EQ(left.elevation, 0);
  EXPECT_DOUBLE_EQ(direction_of({1, 0, 0}).azimuth, 0);
  EXPECT_DOUBLE_EQ(direction_of({-1, 0, 0}).azimuth, 180);
  EXPECT_DOUBLE_EQ(direction_of({0, -1, 0}).azimuth, -90);
  EXPECT_DOUBLE_EQ(direction_of({1, 0, 1}).elevation, 45);
  EXPECT_TRUE(std::isnan(direction_of({0, 0, 0}).azimuth));
}

TEST(Directions, DifferAlongTheGreatCircle) {
  EXPECT_NEAR(angle_between({0, 0}, {90, 0}), 90, 1e-12);
  EXPECT_NEAR(angle_between({350, 0}, {10, 0}), 20, 1e-12);
  EXPECT_NEAR(angle_between({0, 80}, {180, 80}), 20, 1e-12);
  EXPECT_NEAR(angle_between({0, 0}, {180, 0}), 180, 1e-6);
  EXPECT_NEAR(angle_between({10, 20}, {10, 20}), 0, 0);
  EXPECT_NEAR(angle_between({0, 90}, {123, 90}), 0, 1e-12);
}

TEST(Directions, OfAHeadThatTurnsAndTiltsAreThoseItSees) {
  const Frame left = frame_of({0, 1, 0}, {0, 0, 1});
  const Direction ahead = direction_of(left.from_room({0, 3, 0}));
  EXPECT_NEAR(ahead.azimuth, 0, 1e-12);
  EXPECT_NEAR(direction_of(left.from_room({1, 0, 0})).azimuth, -90, 1e-12);
  // On its right side: what is above in the room is on its left.
  const Frame lying = frame_of({1, 0, 0}, {0, -1, 0});
  EXPECT_NEAR(direction_of(lying.from_room({0, 0, 1})).azimuth, 90, 1e-12);
  EXPECT_TRUE(std::isnan(frame_of({0, 0, 1}, {0, 0, 1}).left.x));
}

TEST_F(SofaFile, FindsTheNearestMeasurementAcrossTheSeamAndThePole) {
  const SofaContents file = four_directions();
  const auto first_tap = [&](double azimuth, double elevation) {
    return at(file, azimuth, elevation).taps.left[0];
  };
  EXPECT_EQ(first_tap(44, 0), 1);
  EXPECT_EQ(first_tap(46, 0), 5);
  EXPECT_EQ(first_tap(-80, 0), 9);
  EXPECT_EQ(first_tap(359, 1), 1);
  EXPECT_EQ(first_tap(180, 50), 13);
  EXPECT_EQ(first_tap(-300, 0), 5);
}

TEST_F(SofaFile, TakesTheTapsOfBothEarsAndSaysWhichWereFound) {
  const Response response = at(four_directions(), 85, 3);
  EXPECT_EQ(response.taps.left, (Signal{5, 6}));
  EXPECT_EQ(response.taps.right, (Signal{7, 8}));
  EXPECT_EQ(response.rate, 16'000);
  EXPECT_EQ(response.latency_frames, 0);
  EXPECT_EQ(response.description,
            "measurement 1 of 0..3, azimuth 90.0, elevation 0.0 (asked 85.0, 3.0)");
  EXPECT_EQ(load(four_directions(), {}).taps.left, (Signal{1, 2})) << "the front is the default";
}

TEST_F(SofaFile, AMeasurementCanBeNamed) {
  SofaOptions options;
  options.measurement = 2;
  EXPECT_EQ(load(four_directions(), options).taps.left, (Signal{9, 10}));
  options.measurement = 4;
  EXPECT_THROW(load(four_directions(), options), UsageError);
  options.measurement = 2;
  options.azimuth = 0;
  EXPECT_THROW(load(four_directions(), options), UsageError);
}

TEST_F(SofaFile, AWholeDelayMovesAnEarAndLeavesItsTaps) {
  SofaContents file = four_directions();
  file["Data.Delay"] = {{1, 2}, {3, 1}, {}};
  const Response common = at(file, 90, 0);
  EXPECT_EQ(common.taps.left, (Signal{0, 0, 0, 5, 6}));
  EXPECT_EQ(common.taps.right, (Signal{0, 7, 8, 0, 0}));
  EXPECT_EQ(common.latency_frames, 0);
  EXPECT_EQ(common.direct_sound, 1);
  file["Data.Delay"] = {{4, 2}, {9, 9, 0, 2.0003, 9, 9, 9, 9}, {}};
  const Response own = at(file, 90, 0);
  EXPECT_EQ(own.taps.left, (Signal{5, 6, 0, 0}));
  EXPECT_EQ(own.taps.right, (Signal{0, 0, 7, 8}));
}

TEST_F(SofaFile, AFractionalDelayKeepsTheDifferenceBetweenTheEars) {
  SofaContents file = four_directions();
  file["Data.Delay"] = {{1, 2}, {2.5, 1}, {}};
  const Response response = at(file, 0, 0);
  EXPECT_EQ(response.latency_frames, kDelayReach);
  EXPECT_EQ(response.direct_sound, 1);
  EXPECT_EQ(at(file, 180, 0).direct_sound, 1);
  file["Data.Delay"] = {{1, 2}, {2.5, 3}, {}};
  EXPECT_EQ(at(file, 0, 0).direct_sound, 2.5);  // the ringing before it does not count
  ASSERT_EQ(response.taps.left.size(), response.taps.right.size());
  const auto lead = static_cast<std::size_t>(response.latency_frames);
  EXPECT_EQ(response.taps.right[lead + 1], 3);
  EXPECT_EQ(response.taps.right[lead + 2], 4);
  double sum = 0;
  double moment = 0;
  for (std::size_t n = 0; n < response.taps.left.size(); ++n) {
    sum += response.taps.left[n];
    moment += static_cast<double>(n) * response.taps.left[n];
  }
  EXPECT_NEAR(sum, 3, 1e-5);
  EXPECT_NEAR(moment / sum - response.latency_frames, 2.5 + 2.0 / 3.0,
              1e-3);  // taps 1 and 2 at 0 and 1
}

TEST_F(SofaFile, ImpossibleDelaysAreRefused) {
  SofaContents file = four_directions();
  for (const double delay : {-1.0, 1e9, kNan}) {
    file["Data.Delay"] = {{1, 2}, {0, delay}, {}};
    EXPECT_TRUE(says(refusal(file), {"Data.Delay", "receiver 1"}));
  }
  file["Data.Delay"] = {{1, 3}, {1, 2, 3}, {}};
  EXPECT_TRUE(
      says(refusal(file), {"Data.Delay has the sizes [1, 3] where M = 4, R = 2 and E = 1"}));
}

TEST_F(SofaFile, WithoutDelaysNothingIsMoved) {
  SofaContents file = four_directions();
  file.arrays.erase("Data.Delay");
  const Response response = at(file, 90, 0);
  EXPECT_EQ(response.taps.left, (Signal{5, 6}));
  ASSERT_EQ(response.warnings.size(), 1u);
  EXPECT_TRUE(says(response.warnings[0], {"has no Data.Delay"}));
  file["Data.Delay"] = {{1, 2}, {1, 0}, {{"Units", "second"}}};
  EXPECT_TRUE(says(refusal(file), {"Data.Delay is in 'second'"}));
}

TEST_F(SofaFile, EverySizeIsChecked) {
  SofaContents file = four_directions();
  file.arrays.erase("Data.Delay");
  file["Data.IR"] = {{4, 1, 2}, std::vector<double>(8, 1), {}};
  EXPECT_TRUE(says(refusal(file), {"file.sofa: has 1 receiver where 2 ears are needed"}));
  file["Data.IR"] = {{4, 3, 2}, std::vector<double>(24, 1), {}};
  EXPECT_TRUE(says(refusal(file), {"has 3 receivers", "--receivers LEFT,RIGHT, 0 to 2"}));
  file["Data.IR"] = {{3, 2, 2}, std::vector<double>(12, 1), {}};
  EXPECT_TRUE(says(refusal(file), {"SourcePosition has 4 rows for 3 measurements"}));
  file["Data.IR"] = {{4, 4}, std::vector<double>(16, 1), {}};
  EXPECT_TRUE(says(refusal(file), {"Data.IR has the sizes [4, 4]", "FIR"}));
  for (const double rate : {0.0, -1.0, 1e9, 44'100.5, kNan}) {
    file = four_directions();
    file["Data.SamplingRate"].values = {rate};
    EXPECT_TRUE(says(refusal(file), {"sample rate out of range"})) << rate;
  }
  file["Data.SamplingRate"] = {{2}, {16'000, 44'100}, {}};
  EXPECT_TRUE(says(refusal(file), {"mixes sample rates (16000 and 44100 Hz)"}));
  file["Data.SamplingRate"] = {{1}, {16}, {{"Units", "kilohertz"}}};
  EXPECT_TRUE(says(refusal(file), {"Data.SamplingRate is in 'kilohertz'"}));
  for (const char* const name : {"Data.SamplingRate", "SourcePosition"}) {
    file = four_directions();
    file.arrays.erase(name);
    EXPECT_TRUE(says(refusal(file), {"has no", name}));
  }
  file = four_directions();
  file.arrays.erase("Data.IR");
  EXPECT_TRUE(says(refusal(file), {"is HDF5, but not a SOFA file (it has no Data.IR)"}));
}

TEST_F(SofaFile, TypeAndUnitsAreObeyedOrRefused) {
  constexpr double kQuarter = std::numbers::pi / 2;
  SofaContents file = four_directions();
  SofaArray& places = file["SourcePosition"];
  places = {{4, 3},
            {0, 0, 1, kQuarter, 0, 1, 3 * kQuarter, 0, 1, 0, kQuarter, 1},
            {{"Type", "spherical"}, {"Units", "radian, radian, metre"}}};
  EXPECT_EQ(at(file, 90, 0).taps.left, (Signal{5, 6}));
  places = {
      {4, 3}, {1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1}, {{"Type", "cartesian"}, {"Units", "meter"}}};
  EXPECT_EQ(at(file, -90, 0).taps.left, (Signal{9, 10}));
  places.attributes["Units"] = "furlong";
  EXPECT_TRUE(says(refusal(file), {"SourcePosition is in 'furlong'", "metres"}));
  places.attributes["Type"] = "spherical harmonics";
  EXPECT_TRUE(says(refusal(file), {"SourcePosition is of type 'spherical harmonics'"}));
  places.attributes = {};
  EXPECT_TRUE(says(refusal(file), {"SourcePosition has no Type"}));
  places.attributes = {{"Type", "cartesian"}};
  places.values[4] = kNan;
  EXPECT_TRUE(says(refusal(file), {"SourcePosition of row 1 is not a finite number"}));
}

TEST_F(SofaFile, DataThatAreNotImpulseResponsesAreRefusedByName) {
  SofaContents file = four_directions();
  file.attributes["DataType"] = "SOS";
  EXPECT_TRUE(says(refusal(file), {"its data type SOS is not read"}));
}

TEST_F(SofaFile, AHeadThatLooksElsewhereSeesOtherDirections) {
  SofaContents file = four_directions();
  file["ListenerView"] = {{1, 3}, {0, 1, 0}, {{"Type", "cartesian"}}};  // to the left
  EXPECT_EQ(at(file, 0, 0).taps.left, (Signal{5, 6}));
  EXPECT_EQ(at(file, -90, 0).taps.left, (Signal{1, 2}));
  file["ListenerView"] = {{4, 3}, {1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1}, {{"Type", "cartesian"}}};
  EXPECT_TRUE(says(refusal(file), {"ListenerView and ListenerUp of measurement 3"}));
  // Written in metres under a type in angles.
  file["ListenerView"] = {{1, 3}, {0, 0, 1}, {{"Type", "spherical"}}};
  file["ListenerUp"] = {{1, 3}, {0, 0, 1}, {}};
  EXPECT_EQ(at(file, 90, 0).taps.left, (Signal{5, 6}));
}

TEST_F(SofaFile, SourcesInTheRoomAreSeenFromTheListener) {
  SofaContents file = four_directions();
  file["ListenerPosition"] = {{1, 3}, {3, 4, 1}, {{"Type", "cartesian"}}};
  file["SourcePosition"] = {{4, 3}, {4, 4, 1, 3, 5, 1, 3, 3, 1, 3, 4, 2}, {{"Type", "cartesian"}}};
  EXPECT_EQ(at(file, 90, 0).taps.left, (Signal{5, 6}));
  EXPECT_EQ(at(file, 0, 90).taps.left, (Signal{13, 14}));
  file["SourcePosition"].values[0] = 3;
  EXPECT_TRUE(says(refusal(file), {"the source of measurement 0 has no direction"}));
  file["SourcePosition"] = four_directions()["SourcePosition"];
  EXPECT_TRUE(says(refusal(file), {"ListenerPosition is not (0, 0, 0)", "angles"}));
}

TEST_F(SofaFile, OfSeveralDistancesTheFarthestFullShellIsTakenOrTheOneAskedFor) {
  SofaContents file = four_directions();
  file["SourcePosition"].values = {0, 0, 0.2, 90, 0, 0.2, 0, 0, 1.5, 90, 0, 1.55};
  const Response farthest = at(file, 90, 0);
  EXPECT_EQ(farthest.taps.left, (Signal{13, 14}));
  EXPECT_TRUE(says(farthest.description, {"0.20 and 1.50 m", "--distance"}));
  SofaOptions options;
  options.azimuth = 90;
  options.distance = 0.21;
  EXPECT_EQ(load(file, options).taps.left, (Signal{5, 6}));
  EXPECT_TRUE(load(file, options).warnings.empty());
  options.distance = 0.5;
  ASSERT_EQ(load(file, options).warnings.size(), 1u);
  EXPECT_TRUE(says(load(file, options).warnings[0], {"distance", "asked 0.50 m"}));
  // A single far measurement is no shell to prefer.
  file["SourcePosition"].values = {0, 0, 1, 90, 0, 1, 270, 0, 1, 0, 0, 3};
  EXPECT_EQ(at(file, 0, 0).taps.left, (Signal{1, 2}));
  file.attributes["SOFAConventions"] = "SingleRoomSRIR";
  EXPECT_TRUE(says(refusal(file), {"several distances (1.00 and 3.00 m)", "--distance METRES"}));
  options.distance = 3;
  options.azimuth = 0;
  EXPECT_EQ(load(file, options).taps.left, (Signal{13, 14}));
}

/// Two emitters at +-30 degrees, as M R N E or M R E N.
SofaContents two_emitters(bool taps_come_last) {
  SofaContents file = small_sofa();
  file.attributes["SOFAConventions"] = "GeneralFIR-E";
  file.attributes["DataType"] = taps_come_last ? "FIRE" : "FIR-E";
  file["SourcePosition"] = {{1, 3}, {0, 0, 0}, {{"Type", "cartesian"}}};
  file["EmitterPosition"] = {
      {2, 3, 1}, {2, 1.1547, 0, 2, -1.1547, 0}, {{"Type", "cartesian"}, {"Units", "metre"}}};
  file["Data.Delay"] = {{1, 2, 2}, {0, 1, 0, 2}, {}};
  file["Data.IR"] = taps_come_last
                        ? SofaArray{{1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {}}
                        : SofaArray{{1, 2, 3, 2}, {1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}, {}};
  return file;
}

TEST_F(SofaFile, OfSeveralEmittersOneIsChosen) {
  for (const bool taps_come_last : {false, true}) {
    const SofaContents file = two_emitters(taps_come_last);
    EXPECT_TRUE(says(refusal(file), {"has 2 emitters", "--emitter N, 0 to 1"}));
    SofaOptions options;
    options.emitter = 1;
    const Response response = load(file, options);
    EXPECT_EQ(response.taps.left, (Signal{0, 4, 5, 6, 0}));
    EXPECT_EQ(response.taps.right, (Signal{0, 0, 10, 11, 12}));
    EXPECT_TRUE(response.warnings.empty());
    EXPECT_TRUE(says(response.description, {"emitter 1", "azimuth -30.0"}));
    options.emitter = 2;
    EXPECT_THROW(load(file, options), UsageError);
  }
}

TEST_F(SofaFile, ALoneEmitterStandsWhereItSays) {
  // A loudspeaker to the left of a source in the middle of the room, and a head that turns.
  SofaContents file = four_directions();
  file.attributes["SOFAConventions"] = "MultiSpeakerBRIR";
  file["SourcePosition"] = {{1, 3}, {0, 0, 0}, {{"Type", "spherical"}}};
  file["EmitterPosition"] = {{1, 3, 1}, {90, 0, 1.5}, {{"Type", "spherical"}}};
  file["ListenerView"] = {{4, 3}, {1, 0, 0, 0, 1, 0, -1, 0, 0, 0, -1, 0}, {{"Type", "cartesian"}}};
  EXPECT_EQ(at(file, 90, 0).taps.left, (Signal{1, 2}));
  EXPECT_EQ(at(file, 0, 0).taps.left, (Signal{5, 6}));
  EXPECT_EQ(at(file, -90, 0).taps.left, (Signal{9, 10}));
  file["EmitterPosition"].values = {0, 0, 0};
  EXPECT_TRUE(says(refusal(file), {"the source of measurement 0 has no direction"}));
  file["EmitterPosition"].attributes["Type"] = "spherical harmonics";
  EXPECT_TRUE(says(refusal(file), {"EmitterPosition is of type 'spherical harmonics'"}));
  file["EmitterPosition"] = {{1, 3, 2}, {1, 1, 0, 0, 0, 0}, {{"Type", "cartesian"}}};
  EXPECT_TRUE(says(refusal(file), {"EmitterPosition has positions for 2 measurements of 4"}));
}

TEST_F(SofaFile, SourceUpHasTheTypeOfSourceView) {
  SofaContents file = two_emitters(false);
  file["SourceView"] = {{1, 3}, {0, 0, 1}, {{"Type", "spherical"}}};
  file["SourceUp"] = {{1, 3}, {0, 90, 1}, {}};
  SofaOptions options;
  options.emitter = 0;
  EXPECT_TRUE(says(load(file, options).description, {"azimuth 30.0, elevation 0.0"}));
}

TEST_F(SofaFile, AxesThatCannotBeToldApartAreRefused) {
  SofaContents file = two_emitters(false);
  file["EmitterPosition"] = {{1, 3, 1}, {1, 0, 0}, {{"Type", "cartesian"}}};
  file["Data.IR"] = {{1, 2, 2, 3}, std::vector<double>(12, 1), {}};
  file.arrays.erase("Data.Delay");
  EXPECT_TRUE(says(refusal(file), {"does not tell which axis counts emitters"}));
}

TEST_F(SofaFile, SizesThatNobodyMeasuredAreRefusedAtOnce) {
  SofaContents file = four_directions();
  file["SourcePosition"] = {{1, 3}, {0, 0, 1}, {{"Type", "spherical"}}};
  file["Data.IR"] = {{500'000, 2, 1}, std::vector<double>(1'000'000, 1), {}};
  EXPECT_TRUE(says(refusal(file), {"has 500000 measurements", "349525"}));
}

TEST_F(SofaFile, ReceiversCanBeChosen) {
  SofaContents file = four_directions();
  SofaArray taps{{4, 4, 1}, {}, {}};
  for (int i = 0; i < 16; ++i) taps.values.push_back(i + 1);
  file["Data.IR"] = taps;
  file.arrays.erase("Data.Delay");
  SofaOptions options;
  options.receivers = sofa::Receivers{3, 1};
  const Response response = load(file, options);
  EXPECT_EQ(response.taps.left, (Signal{4}));
  EXPECT_EQ(response.taps.right, (Signal{2}));
  options.receivers = sofa::Receivers{0, 4};
  EXPECT_THROW(load(file, options), UsageError);
  options.receivers = sofa::Receivers{1, 1};
  EXPECT_THROW(load(file, options), UsageError);
}

TEST_F(SofaFile, EarsThatNobodyHasPlacedAreLeftAndRight) {
  const Response placed = at(four_directions(), 90, 0);
  SofaContents file = four_directions();
  for (const double y : {0.0, 0.05, kNan}) {
    file["ReceiverPosition"] = {{2, 3}, {0, y, 0, 0, y, 0}, {}};
    if (std::isnan(y)) {
      EXPECT_TRUE(says(refusal(file), {"ReceiverPosition", "not a finite number"}));
      continue;
    }
    const Response unplaced = at(file, 90, 0);
    for (const Side side : kSides) EXPECT_EQ(unplaced.taps[side], placed.taps[side]);
  }
}

TEST_F(SofaFile, TapsThatAreNotNumbersAreRefusedOrSetToZero) {
  SofaContents file = four_directions();
  file["Data.IR"].values[5] = kNan;  // measurement 1, receiver 0, second tap
  EXPECT_TRUE(says(message_of<FileError>([&] { at(file, 90, 0); }), {"frame 1 is not a number"}));
  EXPECT_NO_THROW(at(file, 0, 0));
  SofaOptions options;
  options.azimuth = 90;
  EXPECT_EQ(load(file, options, NonFinite::zero).taps.left, (Signal{5, 0}));
}

TEST_F(SofaFile, AnglesOutOfRangeAreUsageErrors) {
  EXPECT_THROW(at(four_directions(), 361, 0), UsageError);
  EXPECT_THROW(at(four_directions(), 0, 91), UsageError);
  EXPECT_THROW(at(four_directions(), kNan, 0), UsageError);
  EXPECT_NO_THROW(at(four_directions(), -360, -90));
}

TEST_F(SofaFile, EveryLayoutOfHdf5HoldsTheSame) {
  for (const Hdf5Layout layout : kHdf5Layouts) {
    write_sofa(path_, four_directions(), layout);
    SofaOptions options;
    options.azimuth = 270;
    EXPECT_EQ(load_response(path_, {options}).taps.right, (Signal{11, 12}))
        << static_cast<int>(layout);
  }
}

TEST(SofaTest, KemarAtSixtyDegreesIsTheExtractedPair) {
  GPUCONV_TEST_FILE(sofa, "sofa/MIT_KEMAR_normal_pinna.sofa");
  GPUCONV_TEST_FILE(pair, "ir/hrir_kemar_az060_44k1.wav");
  SofaOptions options;
  options.azimuth = 61;
  options.elevation = 0;
  const Response found = load_response(sofa, {options});
  const Response extracted = load_response(pair);
  EXPECT_EQ(found.rate, 44'100);
  EXPECT_EQ(found.taps.left, extracted.taps.left);
  EXPECT_EQ(found.taps.right, extracted.taps.right);
  EXPECT_EQ(found.description,
            "measurement 272 of 0..709, azimuth 60.0, elevation 0.0 (asked 61.0, 0.0)");
  EXPECT_TRUE(found.warnings.empty());
}

TEST(SofaTest, ARoomThatCountsClockwiseIsRefusedUntilSomebodySaysSo) {
  GPUCONV_TEST_FILE(sofa, "sofa/UniS_Room_A_BRIR_16k.sofa");
  GPUCONV_TEST_FILE(pair, "ir/brir_unis_room_a_right60_16k.wav");
  SofaOptions options;
  options.azimuth = -60;
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(sofa, {options}); }),
                   {"--azimuths clockwise"}));
  options.azimuths = sofa::Azimuths::clockwise;
  const Response found = load_response(sofa, {options});
  const Response extracted = load_response(pair);
  EXPECT_EQ(found.taps.left, extracted.taps.left);
  EXPECT_EQ(found.taps.right, extracted.taps.right);
  EXPECT_TRUE(found.warnings.empty());
}

TEST(SofaTest, ReadsTheFileThatComesWithLibmysofa) {
  const std::string path = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not installed";
  SofaSet set(path);
  EXPECT_EQ(set.measurements(), 710);
  EXPECT_EQ(set.conventions(), "SimpleFreeFieldHRIR");
  EXPECT_EQ(set.ears({}).left, 0);
}

}  // namespace
}  // namespace gpuconv::test
