#include "host/room/track.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

class TrackTest : public ::testing::Test {
 protected:
  Track read(const std::string& text) const {
    write_bytes(path_, text);
    return read_trajectory(path_);
  }
  std::string refusal(const std::string& text) const {
    return message_of<FileError>([&] { read(text); });
  }

  const Folder folder_;
  const std::string path_ = folder_.file("walk.csv");
};

TEST_F(TrackTest, HasTheColumnsInTheirOrderWithoutNames) {
  const Track track = read("0,0,0\n60,1800,10\n");
  ASSERT_EQ(track.rows.size(), 2U);
  EXPECT_EQ(track.rows[1].seconds, 60);
  EXPECT_EQ(track.rows[1].values, (std::array<double, 3>{1800, 10, 0}));
  EXPECT_FALSE(track.has_third);
  EXPECT_EQ(track.warning, "");
  EXPECT_EQ(read("0,30").rows[0].values, (std::array<double, 3>{30, 0, 0}));
  EXPECT_TRUE(read("0,30,5,1.25").has_third);
}

TEST_F(TrackTest, FindsNamedColumnsInAnyOrderAndCase) {
  const Track track = read("Elevation, TIME ,Az\n5,1.5,-20\n");
  EXPECT_EQ(track.rows[0].seconds, 1.5);
  EXPECT_EQ(track.rows[0].values, (std::array<double, 3>{-20, 5, 0}));
  const Track with_distance = read("distance,azimuth,t\n2,10,0\n");
  EXPECT_TRUE(with_distance.has_third);
  EXPECT_EQ(with_distance.rows[0].values, (std::array<double, 3>{10, 0, 2}));
}

TEST_F(TrackTest, ReadsWhatSpreadsheetsWrite) {
  const Track track = read(
      "\xef\xbb\xbf# by hand\r\nTime;Azimuth;Elevation\r\n\r\n0,5;+30;-2,25\r\n # "
      "end\r\n1;\"40\";0\r\n");
  ASSERT_EQ(track.rows.size(), 2U);
  EXPECT_EQ(track.rows[0].seconds, 0.5);
  EXPECT_EQ(track.rows[0].values, (std::array<double, 3>{30, -2.25, 0}));
  EXPECT_EQ(track.rows[1].values[0], 40);
  EXPECT_EQ(read("0\t1\t2\n3\t4\t5").rows[1].values[1], 5);
}

TEST_F(TrackTest, MovesAsWrittenBetweenTheRowsAndRestsOutside) {
  const Track track = read("1,0,0\n3,720,10\n4,700,10\n");
  EXPECT_EQ(track.at(0)[0], 0);
  EXPECT_EQ(track.at(2)[0], 360);
  EXPECT_EQ(track.at(2)[1], 5);
  EXPECT_EQ(track.at(3)[0], 720);
  EXPECT_EQ(track.at(3.5)[0], 710);
  EXPECT_EQ(track.at(100)[0], 700);
  EXPECT_EQ(read("0,0\n10,180").at(5)[0], 90);
}

TEST_F(TrackTest, NamesTheLineOfWhatIsWrong) {
  EXPECT_TRUE(says(refusal("time,azimuth\n0,0\n# so\n1,x\n"), {path_, "line 4", "'x'"}));
  EXPECT_TRUE(says(refusal("0,0\n1,0\n1,5\n"), {"line 3", "time 1 s", "after 1 s"}));
  EXPECT_TRUE(says(refusal("0,0\n-1,0\n"), {"line 2", "time -1", "limit 0"}));
  EXPECT_TRUE(says(refusal("0,0,91\n"), {"line 1", "elevation 91", "-90..90"}));
  EXPECT_TRUE(says(refusal("0,nan\n"), {"line 1", "azimuth nan"}));
  EXPECT_TRUE(says(refusal("0,inf\n"), {"line 1", "azimuth inf"}));
  EXPECT_TRUE(says(refusal("0,0,0,0\n"), {"line 1", "distance 0"}));
  EXPECT_TRUE(says(refusal("0,0,0\n1,2\n"), {"line 2", "2 values", "line 1 has 3"}));
  EXPECT_TRUE(says(refusal("5\n"), {"line 1", "1 value"}));
  EXPECT_TRUE(says(refusal("time,azimuth,loudness\n"), {"line 1", "'loudness'", "elevation"}));
  EXPECT_TRUE(says(refusal("time,azimuth,az\n"), {"line 1", "twice"}));
  EXPECT_TRUE(says(refusal("azimuth,elevation\n"), {"line 1", "no column 'time'"}));
  EXPECT_TRUE(says(refusal("time,azimuth\n"), {"no rows"}));
  EXPECT_TRUE(says(refusal("0,\n"), {"line 1", "''"}));
  EXPECT_TRUE(says(refusal(std::string("\0\1", 2)), {"not text"}));
  EXPECT_TRUE(says(refusal("\xff\xfe"), {"UTF-16"}));
}

TEST_F(TrackTest, WarnsOfAnglesThatATrackerHasWrapped) {
  const Track track = read("0,350\n0.01,359\n0.02,1\n0.03,2\n");
  EXPECT_TRUE(says(track.warning, {"line 3", "359 to 1", "361"}));
  EXPECT_EQ(read("0,0\n10,350\n").warning, "");
}

/// A source that goes round once in ten seconds, as a tracker writes it, is the same source at any
/// spacing of the rows.
TEST_F(TrackTest, WarnsOfWrappedAnglesHoweverFarItsRowsAre) {
  for (const double spacing : {0.01, 0.1, 0.5, 1.0, 2.5, 4.0}) {
    for (const double direction : {1.0, -1.0}) {
      for (const double lowest : {0.0, -180.0}) {
        std::string wrapped, unwrapped;
        for (double t = 0; t <= 12; t += spacing) {
          const double angle = direction * 36 * t + 10;
          const double turns = std::floor((angle - lowest) / 360);
          wrapped += std::to_string(t) + "," + std::to_string(angle - 360 * turns) + "\n";
          unwrapped += std::to_string(t) + "," + std::to_string(angle) + "\n";
        }
        EXPECT_TRUE(says(read(wrapped).warning, {"azimuth goes from", "is the short way"}))
            << spacing << " s, " << direction << ", from " << lowest;
        EXPECT_EQ(read(unwrapped).warning, "") << spacing << " s";
      }
    }
  }
  // As far as anybody can know, these are meant.
  for (const char* const meant :
       {"0,0\n10,350\n20,0\n", "0,0\n5,90\n10,350\n", "0,0\n10,360\n", "0,0\n60,7200\n",
        "0,-90\n2,0\n9,270\n", "0,0\n3,0\n9,270\n12,270\n"}) {
    EXPECT_EQ(read(meant).warning, "") << meant;
  }
  EXPECT_TRUE(
      says(read("0,150\n2,170\n3,170\n5,-170\n").warning, {"line 4", "170 to -170", "190"}));
}

TEST_F(TrackTest, KnowsWhenItChanges) {
  const Track track = read("2,30\n4,30\n6,50\n7,50\n");
  EXPECT_TRUE(track.changes());
  EXPECT_TRUE(track.changes(0, 4.1));
  EXPECT_TRUE(track.changes(5.9, 100));
  EXPECT_FALSE(track.changes(0, 4));
  EXPECT_FALSE(track.changes(6, 100));
  EXPECT_FALSE(track.changes(5, 5));
  EXPECT_FALSE(read("2,30\n4,30\n").changes());
  EXPECT_FALSE(read("2,30\n").changes());
  EXPECT_TRUE(read("0,0\n1,40\n2,0\n").changes(0, 2)) << "there and back";
}

TEST_F(TrackTest, OfAHeadHasAnglesOfAnySize) {
  write_bytes(path_, "time,roll,yaw\n0,190,-1000\n");
  EXPECT_EQ(read_head_track(path_).rows[0].values, (std::array<double, 3>{-1000, 0, 190}));
}

Direction seen_by(const std::array<double, 3>& turned, Direction direction) {
  return direction_of(head_turned(turned).from_room(unit_vector(direction)));
}

TEST(HeadTest, TurnsToTheLeftLooksUpAndTiltsToTheRight) {
  EXPECT_NEAR(seen_by({30, 0, 0}, {30, 0}).azimuth, 0, 1e-9);
  EXPECT_NEAR(seen_by({30, 0, 0}, {0, 0}).azimuth, -30, 1e-9);
  EXPECT_NEAR(seen_by({0, 20, 0}, {0, 20}).elevation, 0, 1e-9);
  EXPECT_NEAR(seen_by({0, 20, 0}, {0, 0}).elevation, -20, 1e-9);
  // The right ear goes down: what is at the right comes from above it.
  EXPECT_NEAR(seen_by({0, 0, 25}, {-90, 0}).elevation, 25, 1e-9);
  EXPECT_NEAR(seen_by({0, 0, 25}, {90, 0}).elevation, -25, 1e-9);
  // First yaw, then pitch, then roll, each about the head's own axes.
  const Direction ahead = direction_of(head_turned({50, 40, 70}).ahead);
  EXPECT_NEAR(ahead.azimuth, 50, 1e-9);
  EXPECT_NEAR(ahead.elevation, 40, 1e-9);
}

}  // namespace
}  // namespace gpuconv::test
