// movement_test.cpp - sources and heads that move, as people meet them
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/smooth_head.hpp"

namespace gpuconv::test {
namespace {

class MovementProgram : public Program {
 protected:
  MovementProgram() { write_sofa(head_, SmoothHead{}.sofa(rings(10, -20, 20, 10))); }

  std::string table(const std::string& name, const std::string& text) const {
    write_bytes(folder_.file(name), text);
    return folder_.file(name);
  }

  /// What `options` make of two seconds of noise.
  std::string sound(std::vector<std::string> options, const std::string& response = "") const {
    const Outcome outcome = render(long_, response.empty() ? head_ : response, std::move(options));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return read_bytes(wet());
  }

  const std::string head_ = folder_.file("head.sofa");
  const std::string long_ = float_wav(folder_, "long.wav", 1, noise(32'000, 3));
};

/// Of the samples from `begin` to `end`: left over right, in dB.
double left_over_right(const Heard& sound, std::size_t begin, std::size_t end) {
  double power[2] = {};
  for (std::size_t ear : {0, 1}) {
    for (std::size_t n = begin; n < end; ++n) {
      power[ear] += std::pow(double{sound.samples[ear][n]}, 2);
    }
  }
  return 10 * std::log10(power[0] / power[1]);
}

TEST_F(MovementProgram, MovesTheSourceFromLeftToRight) {
  const std::string walk = table("walk.csv", "Time;Azimuth\n0,5;90\n1,5;-90\n");
  const Outcome outcome = render(long_, head_, {"--trajectory", walk});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err,
                   {"91 directions of 180 measurements", "from azimuth 90.0", "to azimuth -90.0"}));
  const Heard sound = heard(wet());
  EXPECT_NEAR(left_over_right(sound, 100, 8'000), 12, 0.1);
  EXPECT_NEAR(left_over_right(sound, 15'900, 16'100), 0, 0.5);
  EXPECT_NEAR(left_over_right(sound, 24'100, 32'000), -12, 0.1);
  for (const char* const method : {"cpu-naive", "cpu-hybrid"}) {
    const Outcome verified = render(long_, head_, {"--trajectory", walk, "-m", method, "--verify"});
    ASSERT_EQ(verified.exit_code, 0) << verified.err;
    EXPECT_TRUE(says(verified.err, {"verified  64 samples"}));
    const Heard other = heard(wet());
    ASSERT_EQ(other.samples[0].size(), sound.samples[0].size());
    for (std::size_t n = 0; n < other.samples[0].size(); ++n) {
      ASSERT_NEAR(other.samples[0][n], sound.samples[0][n], 1e-5) << method;
    }
  }
}

TEST_F(MovementProgram, OfOneRowIsTheDirectionItself) {
  const std::string rest = table("rest.csv", "3,40,10\n");
  const std::string there = sound({"--azimuth", "40", "--elevation", "10"});
  EXPECT_EQ(sound({"--trajectory", rest}), there);
  EXPECT_EQ(sound({"--trajectory", rest, "--verify"}), there);
}

TEST_F(MovementProgram, TurnsTheHeadAgainstTheSource) {
  const std::string turn = table("turn.csv", "yaw,time\n0,0\n80,2\n");
  const std::string walk = table("walk.csv", "time,azimuth\n0,30\n2,-50\n");
  EXPECT_EQ(sound({"--head", turn, "--azimuth", "30"}), sound({"--trajectory", walk}));
  const std::string same = table("same.csv", "time,azimuth\n0,30\n2,110\n");
  EXPECT_EQ(sound({"--head", turn, "--trajectory", same}), sound({"--azimuth", "30"}));
}

/// A table in which nothing changes while it is heard looks like one whose times are wrong.
TEST_F(MovementProgram, WarnsOfMovementThatNobodyHears) {
  const std::string after = table("after.csv", "0,30\n5,30\n7,-30\n");
  const std::string late = table("late.csv", "time,yaw\n3,0\n4,90\n");
  const std::string words =
      "after.csv: holds no movement from 0 to 2 s, while the recording is "
      "heard; its rows are at 0 to 7 s";
  for (const char* const dry_run : {"-q", "--dry-run"}) {
    const Outcome outcome = render(long_, head_, {"--trajectory", after, "--head", late, dry_run});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"warning: ", words, "late.csv: holds no movement from 0 to 2 s",
                                   "its rows are at 3 to 4 s"}));
  }
  // It is the same where the length is known only afterwards.
  const std::string command =
      "tail -c +45 " + quoted(long_) + " | " + quoted(GPUCONV_PROGRAM) + " render - " +
      quoted(head_) + " " + quoted(wet()) + " --raw-rate 16000 --raw-format f32 -q --trajectory " +
      quoted(after) + " --head " + quoted(late) + " 2>" + quoted(logs_.file("err"));
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_TRUE(says(read_bytes(logs_.file("err")), {words, "late.csv: holds no movement"}));
  for (const char* const rows : {"0,30\n5,31\n", "3,30\n", "0,30\n9,30\n"}) {
    const std::string heard_or_rest = table("fine.csv", rows);
    EXPECT_EQ(render(long_, head_, {"--trajectory", heard_or_rest, "-q", "-g", "-40"}).err, "")
        << rows;
  }

  // In a scene, its times count.
  const auto scene = [&](const std::string& voices, std::vector<std::string> options) {
    write_bytes(folder_.file("scene.json"), "{\"voices\": [" + voices + "]}");
    options.insert(options.begin(),
                   {"scene", folder_.file("scene.json"), wet(), "-q", "-g", "-40"});
    return run(options);
  };
  table("early.csv", "0,0\n2.5,40\n");
  const std::string voice = R"({"input": "long.wav", "response": "head.sofa", "azimuth": 20},)";
  const std::string moving =
      R"({"input": "long.wav", "response": "head.sofa", "trajectory": "early.csv", "start": )";
  EXPECT_TRUE(says(scene(voice + moving + "2.5}", {"--head", late}).err,
                   {"early.csv: holds no movement from 2.5 to 4.5 s, while voice 2 (long.wav) is "
                    "heard; its rows are at 0 to 2.5 s\n"}));
  EXPECT_EQ(scene(voice + moving + "2.4}", {"--head", late}).err, "") << "one of them turns";
  EXPECT_TRUE(says(scene(voice + moving + "0.5}", {"--head", late}).err,
                   {"late.csv: holds no movement from 0 to 2.5 s, while the voices are heard"}));
}

TEST_F(MovementProgram, TurnsTheHeadForVoicesThatHaveDirections) {
  const std::string turn = table("turn.csv", "time,yaw\n0,0\n2,90\n");
  const auto scene = [&](const std::string& voices, std::vector<std::string> options) {
    write_bytes(folder_.file("scene.json"), "{\"voices\": [" + voices + "]}");
    options.insert(options.begin(), {"scene", folder_.file("scene.json"), wet(), "-g", "-40"});
    return run(options);
  };
  const std::string turning = R"({"input": "long.wav", "response": "head.sofa", "azimuth": 20})";
  const std::string fixed = R"({"input": "long.wav", "response": "room.wav"})";
  ASSERT_EQ(scene(turning, {"--head", turn, "-m", "cpu-naive"}).exit_code, 0);
  const Heard one = heard(wet());
  ASSERT_EQ(scene(fixed, {"-m", "cpu-naive"}).exit_code, 0);
  const Heard other = heard(wet());
  const Outcome both =
      scene(turning + "," + fixed, {"--head", turn, "-m", "cpu-naive", "--verify"});
  ASSERT_EQ(both.exit_code, 0) << both.err;
  EXPECT_TRUE(says(both.err, {"warning: ",
                              "room.wav: is not a SOFA file, so that voice 2 does not "
                              "turn with the head"}));
  const Heard sum = heard(wet());
  for (std::size_t n = 0; n < sum.samples[0].size(); ++n) {
    const auto at = [n](const Heard& sound) {
      return n < sound.samples[0].size() ? sound.samples[0][n] : 0.0F;
    };
    ASSERT_NEAR(at(sum), at(one) + at(other), 1e-6) << n;
  }
  std::filesystem::remove(wet());
  expect_refusal(scene(fixed, {"--head", turn}), 1,
                 {"turn.csv: no voice of ", "scene.json has the directions of a SOFA file"});
  const std::string wrapped = table("wrapped_head.csv", "0,350\n0.1,5\n");
  const Outcome many = scene(turning + "," + turning + "," + fixed + "," + fixed,
                             {"--head", wrapped, "-m", "cpu-naive"});
  EXPECT_TRUE(says(many.err, {"room.wav: is not a SOFA file, so that voice 3 and 1 more, without "
                              "one either, do not turn with the head"}));
  const std::string twice = "wrapped_head.csv: line 2";
  const std::size_t once = many.err.find(twice);
  EXPECT_NE(once, std::string::npos) << many.err;
  EXPECT_EQ(many.err.find(twice, once + 1), std::string::npos) << many.err;
}

TEST_F(MovementProgram, InterpolatesARestingSourceIfAskedTo) {
  const std::string nearest = sound({"--azimuth", "44"});
  EXPECT_EQ(sound({"--azimuth", "44", "--interpolate", "nearest"}), nearest);
  EXPECT_EQ(sound({"--azimuth", "40"}), nearest);
  EXPECT_NE(sound({"--azimuth", "44", "--interpolate", "neighbours"}), nearest);
  EXPECT_EQ(sound({"--azimuth", "40", "--interpolate", "neighbours"}), nearest);
  const std::string walk = table("walk.csv", "0,0\n2,40\n");
  EXPECT_NE(sound({"--trajectory", walk, "--interpolate", "nearest"}),
            sound({"--trajectory", walk}));
  EXPECT_EQ(sound({"--trajectory", walk, "--interpolate", "neighbours"}),
            sound({"--trajectory", walk}));
}

TEST_F(MovementProgram, IsTheSameInAScene) {
  table("walk.csv", "0.5,90\n1.5,-90\n");
  const std::string alone = sound({"--trajectory", folder_.file("walk.csv")});
  const std::string scene = table("scene.json", R"({"voices": [{"input": "long.wav",
      "response": "head.sofa", "trajectory": "walk.csv"}]})");
  const Outcome outcome = run({"scene", scene, wet(), "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_bytes(wet()), alone);
  const auto json = nlohmann::json::parse(outcome.out);
  const auto& movement = json["voices"][0]["response"]["movement"];
  EXPECT_EQ(movement["directions"], 91);
  EXPECT_EQ(movement["stretches"], 91);
  EXPECT_EQ(movement["trajectory"], folder_.file("walk.csv"));
}

// Times are those of the scene, and a voice that begins later hears what is left.
TEST_F(MovementProgram, CountsTheTimeOfTheScene) {
  table("walk.csv", "1,90\n2,-90\n");
  const std::string scene = table("scene.json", R"({"voices": [{"input": "long.wav", "start": 1.9,
      "response": "head.sofa", "trajectory": "walk.csv"}]})");
  const Outcome outcome = run({"scene", scene, wet()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const Heard sound = heard(wet());
  EXPECT_NEAR(left_over_right(sound, 33'000, 62'000), -12, 0.1);
}

TEST_F(MovementProgram, TurnsTheHeadForAllVoicesOfAScene) {
  table("turn.csv", "0,90\n");
  const std::string scene = table("scene.json", R"({"voices": [{"input": "long.wav",
      "response": "head.sofa", "azimuth": 60}]})");
  const std::string turned = sound({"--azimuth", "-30"});
  const Outcome outcome = run({"scene", scene, wet(), "--head", folder_.file("turn.csv")});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_bytes(wet()), turned);
}

TEST_F(MovementProgram, GoesWithMixAndEarlyAndOtherRates) {
  const std::string walk = table("walk.csv", "0,90\n2,-90\n");
  const std::string other = folder_.file("other.sofa");
  SmoothHead head;
  head.rate = 44'100;
  write_sofa(other, head.sofa(rings(10, 0, 0, 1)));
  const Outcome outcome =
      render(long_, other,
             {"--trajectory", walk, "--dry", "-6", "--predelay", "10ms", "--early", "5", "--align",
              "direct", "--level", "peak=-3", "--then", room_});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"converted from 44100 to 16000 Hz"}));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("wet.early.wav")));
  // Without --dry and --then both files have the same first sound.
  ASSERT_EQ(render(long_, other, {"--trajectory", walk, "--early", "50"}).exit_code, 0);
  EXPECT_EQ(heard(wet()).samples[0].size(), heard(folder_.file("wet.early.wav")).samples[0].size());
}

TEST_F(MovementProgram, ComesThroughPipesWithTheSameBytes) {
  const std::string walk = table("walk.csv", "0,90\n2,-90\n");
  const std::string expected = sound({"--trajectory", walk});
  const Outcome outcome =
      run({"render", "-", head_, wet(), "--trajectory", walk}, "<" + quoted(long_));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(read_bytes(wet()), expected);
}

TEST_F(MovementProgram, WarnsOfHolesAndOfWrappedAngles) {
  const std::string up = table("up.csv", "0,0,0\n1,0,75\n");
  EXPECT_TRUE(says(render(long_, head_, {"--trajectory", up}).err,
                   {"warning: " + head_, "55 degrees beyond"}));
  const std::string wrapped = table("wrapped.csv", "0,350\n0.1,5\n");
  EXPECT_TRUE(says(render(long_, head_, {"--trajectory", wrapped}).err,
                   {"warning: ", "wrapped.csv: line 2"}));
}

TEST_F(MovementProgram, RefusesWhatDoesNotMove) {
  const std::string walk = table("walk.csv", "0,90\n2,-90\n");
  const auto refused = [&](std::vector<std::string> options, int code,
                           std::initializer_list<std::string_view> parts) {
    std::filesystem::remove(wet());
    expect_refusal(render(long_, head_, std::move(options)), code, parts);
  };
  expect_refusal(render(long_, room_, {"--trajectory", walk}), 1, {room_, "SOFA"});
  refused({"--trajectory", walk, "--azimuth", "3"}, 1, {"walk.csv", "azimuth"});
  refused({"--trajectory", walk, "--measurement", "3"}, 1, {"--measurement"});
  refused({"--trajectory", walk, "--unit-energy"}, 1, {"--unit-energy"});
  refused({"--trajectory", "-"}, 1, {"--trajectory -", "pipe"});
  refused({"--trajectory", folder_.file("none.csv")}, 2, {"none.csv"});
  refused({"--trajectory", table("bad.csv", "0,1\n0,2\n")}, 2, {"bad.csv", "line 2"});
  refused({"--trajectory", long_}, 2, {"long.wav", "not text"});
  refused({"--trajectory", walk, "--interpolate", "linear"}, 1, {"--interpolate", "neighbours"});
  refused({"--head", table("turn.csv", "time,azimuth\n0,3\n")}, 2, {"'azimuth'", "yaw"});
  const std::string far = table("far.csv", "time,azimuth,distance\n0,0,2\n");
  refused({"--trajectory", far, "--distance", "1.5"}, 1, {"far.csv", "distances"});
  expect_refusal(render(long_, room_, {"--interpolate", "neighbours"}), 1, {room_});
  // OUTPUT is not the table.
  const Outcome same = run({"render", long_, head_, walk + ".wav", "--trajectory", walk + ".wav"});
  EXPECT_EQ(same.exit_code, 2) << same.err;
}

}  // namespace
}  // namespace gpuconv::test
