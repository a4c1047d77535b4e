#include "host/audio/sofa.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "host/audio/delay.hpp"
#include "tests/support/files.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv {
namespace {

using namespace test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Four directions with two taps for each ear; the taps tell which they are.
SofaFile small_file() {
  SofaFile file;
  file.M = 4;
  file.R = 2;
  file.N = 2;
  file.rate = 48'000;
  file.directions = {{0, 0}, {90, 0}, {270, 0}, {0, 90}};
  file.views = {{0, 0}};
  file.sideways = {0.09, -0.09};
  for (int i = 0; i < 16; ++i) file.taps.push_back(static_cast<float>(i + 1));
  return file;
}

Response at(const SofaFile& file, double azimuth, double elevation) {
  ResponseOptions options;
  options.azimuth = azimuth;
  options.elevation = elevation;
  return response_at("file.sofa", file, options);
}

std::string refusal(const SofaFile& file) {
  return message_of<FileError>([&] { check_sofa("file.sofa", file); });
}

TEST(SofaTest, DirectionsAreSeenByTheListener) {
  const Direction left = direction_of(0, 2, 0);
  EXPECT_DOUBLE_EQ(left.azimuth, 90);
  EXPECT_DOUBLE_EQ(left.elevation, 0);
  EXPECT_DOUBLE_EQ(direction_of(1, 0, 0).azimuth, 0);
  EXPECT_DOUBLE_EQ(direction_of(-1, 0, 0).azimuth, 180);
  EXPECT_DOUBLE_EQ(direction_of(0, -1, 0).azimuth, -90);
  EXPECT_DOUBLE_EQ(direction_of(1, 0, 1).elevation, 45);
  EXPECT_TRUE(std::isnan(direction_of(0, 0, 0).azimuth));
}

TEST(SofaTest, AnglesAreMeasuredAlongTheGreatCircle) {
  EXPECT_NEAR(angle_between({0, 0}, {90, 0}), 90, 1e-12);
  EXPECT_NEAR(angle_between({350, 0}, {10, 0}), 20, 1e-12);
  EXPECT_NEAR(angle_between({0, 80}, {180, 80}), 20, 1e-12);
  EXPECT_NEAR(angle_between({0, 0}, {180, 0}), 180, 1e-6);
  EXPECT_NEAR(angle_between({10, 20}, {10, 20}), 0, 0);
  EXPECT_NEAR(angle_between({0, 90}, {123, 90}), 0, 1e-12);
}

TEST(SofaTest, FindsTheNearestMeasurementAcrossTheSeamAndThePole) {
  const SofaFile file = small_file();
  EXPECT_EQ(find_nearest(file, {44, 0}), 0);
  EXPECT_EQ(find_nearest(file, {46, 0}), 1);
  EXPECT_EQ(find_nearest(file, {-80, 0}), 2);
  EXPECT_EQ(find_nearest(file, {359, 1}), 0);
  EXPECT_EQ(find_nearest(file, {180, 50}), 3);
  EXPECT_EQ(find_nearest(file, {-300, 0}), 1);
}

TEST(SofaTest, TakesTheTapsOfBothEarsAndSaysWhichWereFound) {
  const Response response = at(small_file(), 85, 3);
  EXPECT_EQ(response.taps.left, (Signal{5, 6}));
  EXPECT_EQ(response.taps.right, (Signal{7, 8}));
  EXPECT_EQ(response.rate, 48'000);
  EXPECT_EQ(response.lead, 0);
  EXPECT_EQ(response.description,
            "measurement 1 of 4, azimuth 90.0, elevation 0.0 (asked 85.0, 3.0)");
}

TEST(SofaTest, TheFrontIsTheDefault) {
  EXPECT_EQ(response_at("file.sofa", small_file(), {}).taps.left, (Signal{1, 2}));
}

TEST(SofaTest, AWholeDelayMovesAnEarAndLeavesItsTaps) {
  SofaFile file = small_file();
  file.delays = {3, 1};
  const Response common = at(file, 90, 0);
  EXPECT_EQ(common.taps.left, (Signal{0, 0, 0, 5, 6}));
  EXPECT_EQ(common.taps.right, (Signal{0, 7, 8, 0, 0}));
  EXPECT_EQ(common.lead, 0);
  file.delays = {9, 9, 0, 2.0003f, 9, 9, 9, 9};
  const Response own = at(file, 90, 0);
  EXPECT_EQ(own.taps.left, (Signal{5, 6, 0, 0}));
  EXPECT_EQ(own.taps.right, (Signal{0, 0, 7, 8}));
}

TEST(SofaTest, AFractionalDelayKeepsTheDifferenceBetweenTheEars) {
  SofaFile file = small_file();
  file.delays = {2.5f, 1};
  const Response response = at(file, 0, 0);
  EXPECT_EQ(response.lead, kDelayReach);
  ASSERT_EQ(response.taps.left.size(), response.taps.right.size());
  const auto lead = static_cast<std::size_t>(response.lead);
  EXPECT_EQ(response.taps.right[lead + 1], 3);
  EXPECT_EQ(response.taps.right[lead + 2], 4);
  double sum = 0;
  double moment = 0;
  for (std::size_t n = 0; n < response.taps.left.size(); ++n) {
    sum += response.taps.left[n];
    moment += static_cast<double>(n) * response.taps.left[n];
  }
  EXPECT_NEAR(sum, 3, 1e-5);
  EXPECT_NEAR(moment / sum - response.lead, 2.5 + 2.0 / 3.0, 1e-3);  // taps 1 and 2 at 0 and 1
}

TEST(SofaTest, ImpossibleDelaysAreRefused) {
  SofaFile file = small_file();
  for (const float delay : {-1.0f, 1e9f, kNan}) {
    file.delays = {0, delay};
    EXPECT_TRUE(says(message_of<FileError>([&] { at(file, 0, 0); }), {"Data.Delay", "right ear"}));
  }
}

TEST(SofaTest, EverySizeIsChecked) {
  EXPECT_NO_THROW(check_sofa("file.sofa", small_file()));
  SofaFile file = small_file();
  file.R = 4;
  EXPECT_TRUE(says(refusal(file), {"file.sofa: has 4 receivers", "2 ears"}));
  file = small_file();
  file.M = 0;
  EXPECT_TRUE(says(refusal(file), {"0 measurements"}));
  file = small_file();
  file.N = 0;
  EXPECT_TRUE(says(refusal(file), {"0 taps"}));
  file = small_file();
  file.directions.pop_back();
  EXPECT_TRUE(says(refusal(file), {"3 source positions for 4 measurements"}));
  file = small_file();
  file.taps.pop_back();
  EXPECT_TRUE(says(refusal(file), {"Data.IR has 15 values", "16"}));
  file = small_file();
  file.delays = {1, 2, 3};
  EXPECT_TRUE(says(refusal(file), {"Data.Delay has 3 values", "2 or 8"}));
  for (const double rate : {0.0, -1.0, 1e9, 44'100.5, std::nan("")}) {
    file = small_file();
    file.rate = rate;
    EXPECT_TRUE(says(refusal(file), {"sample rate out of range"})) << rate;
  }
}

TEST(SofaTest, TheEarToTheLeftIsTheLeftOneWhicheverComesFirst) {
  SofaFile file = small_file();
  file.sideways = {-0.09, 0.09};
  file.delays = {0, 1};
  const Response response = at(file, 90, 0);
  EXPECT_EQ(response.taps.left, (Signal{0, 7, 8}));
  EXPECT_EQ(response.taps.right, (Signal{5, 6, 0}));
  file.sideways = {-0.09, 0.09, -0.08, 0.08, -0.09, 0.09, 0, 0.01};
  EXPECT_EQ(at(file, 90, 0).taps.left, (Signal{0, 7, 8}));
}

TEST(SofaTest, EarsThatNobodyHasPlacedAreLeftAndRight) {
  SofaFile file = small_file();
  const Response placed = at(file, 90, 0);
  file.sideways = {0, 0};
  const Response unplaced = at(file, 90, 0);
  for (const Side side : kSides) EXPECT_EQ(unplaced.taps[side], placed.taps[side]);
}

TEST(SofaTest, EarsThatCanNotBeToldApartAreRefused) {
  SofaFile file = small_file();
  file.sideways = {0, double{kNan}};
  EXPECT_TRUE(says(refusal(file), {"ReceiverPosition does not tell left from right", "y is 0"}));
  file.sideways = {0.05, 0.05};
  EXPECT_TRUE(says(refusal(file), {"ReceiverPosition does not tell left from right", "y is 0.05"}));
  file.sideways = {0.09, -0.09, 0.09, -0.09, -0.09, 0.09, 0.09, -0.09};
  EXPECT_TRUE(says(refusal(file), {"y is -0.09 and 0.09 in measurement 2"}));
  file.sideways = {0.09, -0.09, 0};
  EXPECT_TRUE(says(refusal(file), {"3 receiver positions", "2 or 8"}));
}

TEST(SofaTest, AHeadThatTurnsOrLooksElsewhereIsRefused) {
  SofaFile file = small_file();
  file.views = {{0, 0}, {360, 0}, {30, 0}, {60, 0}};
  EXPECT_TRUE(
      says(refusal(file), {"ListenerView of measurement 2", "azimuth 30.0", "looks ahead"}));
  file.views = {{0, 90}};
  EXPECT_TRUE(says(refusal(file), {"measurement 0", "elevation 90.0"}));
  file.views = {};
  EXPECT_NO_THROW(check_sofa("file.sofa", file));
}

/// The specimen with other values of a variable, which are of 64 bits and at its place.
std::string with_values(const std::string& variable, const std::vector<double>& values) {
  std::string bytes = specimen("SOFA").bytes;
  const auto& fields = specimen("SOFA").fields;
  const auto place = std::ranges::find(fields, variable + " place", &Field::name);
  return bytes.replace(get(bytes, *place), 8 * values.size(), bytes_of(values));
}

TEST(SofaTest, EarsAndHeadAreReadFromTheFile) {
  const Folder folder;
  const std::string path = folder.file("a.sofa");
  const auto taps = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return load_response(path).taps.left;
  };
  const Signal first = taps(specimen("SOFA").bytes);
  const Signal second{0, 0.5f, 0, 0, 0};  // the other ear, which Data.Delay has one sample later
  EXPECT_EQ(taps(with_values("ReceiverPosition", {0, -0.09, 0, 0, 0.09, 0})), second);
  std::string spherical = with_values("ReceiverPosition", {270, 0, 0.09, 90, 0, 0.09});
  spherical.replace(spherical.find("cartesian"), 9, "spherical");  // of the first variable with it
  EXPECT_EQ(taps(spherical), second);
  EXPECT_NE(first, second);
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     taps(with_values("ListenerView", {0, 1, 0}));
                   }),
                   {"ListenerView of measurement 0 points to azimuth 90.0"}));
  std::string lost = specimen("SOFA").bytes;
  lost.replace(lost.find("ReceiverPosition"), 16, "ReceiverPositiom");
  EXPECT_TRUE(says(message_of<FileError>([&] { taps(lost); }), {"has no ReceiverPosition"}));
}

TEST(SofaTest, TapsThatAreNoNumbersAreRefusedOrSetToZero) {
  SofaFile file = small_file();
  file.taps[5] = kNan;  // measurement 1, left ear, second tap
  EXPECT_TRUE(says(message_of<FileError>([&] { at(file, 90, 0); }), {"frame 1 is not a number"}));
  EXPECT_NO_THROW(at(file, 0, 0));
  ResponseOptions options;
  options.azimuth = 90;
  options.nonfinite = NonFinite::zero;
  EXPECT_EQ(response_at("file.sofa", file, options).taps.left, (Signal{5, 0}));
}

TEST(SofaTest, AnglesOutOfRangeAreUsageErrors) {
  EXPECT_THROW(at(small_file(), 361, 0), UsageError);
  EXPECT_THROW(at(small_file(), 0, 91), UsageError);
  EXPECT_THROW(at(small_file(), std::nan(""), 0), UsageError);
  EXPECT_NO_THROW(at(small_file(), -360, -90));
}

TEST(SofaTest, WhatIsNoSofaFileIsRefused) {
  const Folder folder;
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(folder.file("no.sofa")); }),
                   {"no.sofa", "No such file"}));
  write_bytes(folder.file("text.sofa"), "not HDF5 at all, whatever the extension says\n");
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(folder.file("text.sofa")); }),
                   {"can not be read as SOFA"}));
}

TEST(SofaTest, ATruncatedSofaFileIsRefused) {
  GPUCONV_TEST_FILE(whole, "sofa/UniS_Anechoic_BRIR_16k.sofa");
  const Folder folder;
  const std::string bytes = read_bytes(whole);
  for (const std::size_t size : {100u, 5'000u, 50'000u, 150'000u}) {
    write_bytes(folder.file("cut.sofa"), bytes.substr(0, size));
    EXPECT_THROW(load_response(folder.file("cut.sofa")), FileError) << size;
  }
}

TEST(SofaTest, KemarAtSixtyDegreesIsTheExtractedPair) {
  GPUCONV_TEST_FILE(sofa, "sofa/MIT_KEMAR_normal_pinna.sofa");
  GPUCONV_TEST_FILE(pair, "ir/hrir_kemar_az060_44k1.wav");
  ResponseOptions options;
  options.azimuth = 61;
  options.elevation = 0;
  const Response found = load_response(sofa, options);
  const Response extracted = load_response(pair);
  EXPECT_EQ(found.rate, 44'100);
  EXPECT_EQ(found.taps.left, extracted.taps.left);
  EXPECT_EQ(found.taps.right, extracted.taps.right);
  EXPECT_EQ(found.description,
            "measurement 272 of 710, azimuth 60.0, elevation 0.0 (asked 61.0, 0.0)");
}

TEST(SofaTest, ARoomIsReadUnscaled) {
  GPUCONV_TEST_FILE(sofa, "sofa/UniS_Room_A_BRIR_16k.sofa");
  GPUCONV_TEST_FILE(pair, "ir/brir_unis_room_a_right60_16k.wav");
  ResponseOptions options;
  options.azimuth = 60;  // this file counts clockwise
  const Response found = load_response(sofa, options);
  const Response extracted = load_response(pair);
  EXPECT_EQ(found.taps.left, extracted.taps.left);
  EXPECT_EQ(found.taps.right, extracted.taps.right);
}

TEST(SofaTest, ReadsTheFileThatComesWithLibmysofa) {
  const std::string path = "/usr/share/libmysofa/MIT_KEMAR_normal_pinna.sofa";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not installed";
  const SofaFile file = read_sofa(path);
  EXPECT_NO_THROW(check_sofa(path, file));
  EXPECT_EQ(file.M, 710);
  EXPECT_EQ(file.conventions, "SimpleFreeFieldHRIR");
}

TEST(SofaTest, AnHdf5FileIsKnownByItsFirstBytes) {
  GPUCONV_TEST_FILE(sofa, "sofa/UniS_Anechoic_BRIR_16k.sofa");
  const Folder folder;
  std::filesystem::copy_file(sofa, folder.file("renamed.dat"));
  EXPECT_TRUE(is_sofa(folder.file("renamed.dat")));
  EXPECT_TRUE(is_sofa(folder.file("ANY.SOFA")));
  EXPECT_FALSE(is_sofa(float_wav(folder, "a.wav", 1, {1})));
}

}  // namespace
}  // namespace gpuconv
