// routing_test.cpp - a recording with several channels, each with ears of its own; --then
#include "host/render/routing.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/reference.hpp"

namespace gpuconv::test {
namespace {

constexpr std::size_t kRoutedSamples = 500, kRoutedTaps = 30;

class RoutingProgram : public Program {
 protected:
  /// A float WAV of noise with these channels; `mask` needs WAVE_FORMAT_EXTENSIBLE.
  std::string channels(const std::string& name, int count, std::size_t frames, std::uint64_t seed,
                       std::uint32_t mask = 0) const {
    const Signal samples = noise(frames * static_cast<std::size_t>(count), seed);
    if (mask == 0) return float_wav(folder_, name, count, samples);
    const std::string data = bytes_of(samples);
    const auto frame_bytes = static_cast<std::uint64_t>(4 * count);
    write_bytes(folder_.file(name),
                "RIFF" + little(60 + data.size(), 4) + "WAVEfmt " + little(40, 4) +
                    little(0xfffe, 2) + little(static_cast<std::uint64_t>(count), 2) +
                    little(16'000, 4) + little(16'000 * frame_bytes, 4) + little(frame_bytes, 2) +
                    little(32, 2) + little(22, 2) + little(32, 2) + little(mask, 4) + little(3, 2) +
                    std::string("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14) + "data" +
                    little(data.size(), 4) + data);
    return folder_.file(name);
  }

  /// What is heard where channel c of the recording (from 1) goes to those of the response.
  void expect_routes(const std::string& input, const std::string& response,
                     const std::vector<Route>& routes) const {
    const Heard x = heard(input), h = heard(response), got = heard(wet());
    const std::size_t frames = x.samples[0].size() + h.samples[0].size() - 1;
    for (std::size_t e = 0; e < 2; ++e) {
      std::vector<double> sum(frames);
      for (const Route& route : routes) {
        const int ear = e == 0 ? route.left : route.right;
        const Reference one = reference(x.samples[static_cast<std::size_t>(route.channel - 1)],
                                        h.samples[static_cast<std::size_t>(ear - 1)]);
        for (std::size_t n = 0; n < frames; ++n) sum[n] += one.wet[n];
      }
      ASSERT_EQ(got.samples[e].size(), frames);
      for (std::size_t n = 0; n < frames; ++n) ASSERT_NEAR(got.samples[e][n], sum[n], 2e-5) << e;
    }
  }

  const std::string two_ = channels("two.wav", 2, kRoutedSamples, 1);
  const std::string four_taps_ = channels("four_taps.wav", 4, kRoutedTaps, 2);
};

TEST_F(RoutingProgram, TwoChannelsAndFourResponsesAreTrueStereo) {
  for (const char* const method : {"cpu-naive", "cpu-vectorised"}) {
    const Outcome outcome = render(two_, four_taps_, {"-m", method, "--json", "-"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"routing   true stereo (LL LR RL RR): 1 to 1,2; 2 to 3,4\n"}));
    expect_routes(two_, four_taps_, {{1, 1, 2}, {2, 3, 4}});
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["routing"]["routes"][1]["left"], 3);
    EXPECT_EQ(json["source"]["samples"], kRoutedSamples);
  }
  // The same through a pipe, which is read once.
  const std::string bytes = read_bytes(wet());
  ASSERT_EQ(
      std::system(("cat " + quoted(two_) + " | " + quoted(GPUCONV_PROGRAM) + " render -q -m " +
                   "cpu-vectorised - " + quoted(four_taps_) + " " + quoted(wet()))
                      .c_str()),
      0);
  EXPECT_EQ(read_bytes(wet()), bytes);
}

TEST_F(RoutingProgram, CChannelsAndTwiceAsManyResponsesArePairs) {
  const std::string four = channels("four.wav", 4, kRoutedSamples, 3);  // ambisonics of order 1
  const std::string eight = channels("eight.wav", 8, kRoutedTaps, 4);
  const Outcome outcome = render(four, eight, {"--layout", "pairs"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"pairs (left and right ear of each of 4 channels): 1 to 1,2; "}));
  expect_routes(four, eight, {{1, 1, 2}, {2, 3, 4}, {3, 5, 6}, {4, 7, 8}});
}

TEST_F(RoutingProgram, ReadsHesuvisFilesOf14And7Channels) {
  const std::string of_14 = channels("14.wav", 14, kRoutedTaps, 5),
                    of_7 = channels("7.wav", 7, kRoutedTaps, 6);
  const std::string of_8 = channels("8.wav", 8, kRoutedSamples, 7),
                    of_6 = channels("6.wav", 6, kRoutedSamples, 8);
  Outcome outcome = render(of_8, of_14);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"HeSuVi, 14 channels; LFE as FC: 1 (FL) to 1,2; 2 (FR) to 9,8; "
                                 "3 (FC) to 7,14; 4 (LFE) to 7,14; 5 (BL) to 5,6; 6 (BR) to 13,12; "
                                 "7 (SL) to 3,4; 8 (SR) to 11,10"}));
  expect_routes(of_8, of_14,
                {{1, 1, 2},
                 {2, 9, 8},
                 {3, 7, 14},
                 {4, 7, 14},
                 {5, 5, 6},
                 {6, 13, 12},
                 {7, 3, 4},
                 {8, 11, 10}});
  outcome = render(of_6, of_7);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_routes(of_6, of_7, {{1, 1, 2}, {2, 2, 1}, {3, 7, 7}, {4, 7, 7}, {5, 5, 6}, {6, 6, 5}});
  // 5.1 whose header says that its surrounds are at the sides.
  const std::string sides = channels("sides.wav", 6, kRoutedSamples, 8, 0x60f);
  outcome = render(sides, of_14);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_routes(sides, of_14,
                {{1, 1, 2}, {2, 9, 8}, {3, 7, 14}, {4, 7, 14}, {5, 3, 4}, {6, 11, 10}});
  // Two loudspeakers of the 14.
  outcome = render(two_, of_14);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"HeSuVi, 14 channels: 1 (FL) to 1,2; 2 (FR) to 9,8\n"}));
  expect_routes(two_, of_14, {{1, 1, 2}, {2, 9, 8}});
  std::filesystem::remove(wet());
  expect_refusal(render(channels("above.wav", 2, kRoutedSamples, 9, 0x3000), of_14), 2,
                 {"above.wav: its channel 1 is for the loudspeaker another"});
  const std::string seven = channels("seven.wav", 7, kRoutedSamples, 9);
  expect_refusal(render(seven, of_14), 2, {"seven.wav: has 7 channels", "--layout says which"});
  EXPECT_EQ(render(seven, of_14, {"--layout", "pairs"}).exit_code, 0);
  std::filesystem::remove(wet());
  expect_refusal(render(seven, of_14, {"--layout", "hesuvi"}), 2,
                 {"has 7 channels, and its header does not name their 7 loudspeakers"});
}

TEST_F(RoutingProgram, RoutesAsItIsTold) {
  Outcome outcome = render(two_, four_taps_, {"--routing", "1:4,3  2:1,1 1:2,2"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"routing   as asked: 1 to 4,3; 2 to 1,1; 1 to 2,2\n"}));
  expect_routes(two_, four_taps_, {{1, 4, 3}, {2, 1, 1}, {1, 2, 2}});
  // One channel of several, and a response of two for both of two.
  outcome = render(two_, four_taps_, {"--routing", "2:3,4"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_routes(two_, four_taps_, {{2, 3, 4}});
  ASSERT_EQ(render(two_, room_, {"--routing", "1:1,2 2:1,2"}).exit_code, 0);
  expect_routes(two_, room_, {{1, 1, 2}, {2, 1, 2}});
  std::filesystem::remove(wet());
  for (const auto& [text, part] : std::initializer_list<std::pair<const char*, const char*>>{
           {"1:1", "expected CHANNEL:LEFT,RIGHT"},
           {"", "expected CHANNEL:LEFT,RIGHT"},
           {"1:1,2,2:3,4", "expected CHANNEL"},
           {"0:1,2", "expected CHANNEL"},
           {"1:1,2 1:1,2", "stands there twice"},
           {"3:1,2", "INPUT has no channel 3 (limit 1..2)"},
           {"1:1,5", "RESPONSE has no channel 5 (limit 1..4)"}}) {
    expect_refusal(render(two_, four_taps_, {"--routing", text}), 1, {part});
  }
  expect_refusal(render(two_, four_taps_, {"--routing", "1:1,2", "--channel", "1"}), 1,
                 {"--channel"});
  expect_refusal(render(two_, four_taps_, {"--routing", "1:1,2", "--layout", "pairs"}), 1,
                 {"--layout"});
}

TEST_F(RoutingProgram, SaysWhatWouldFitWhereNothingDoes) {
  expect_refusal(render(two_, room_), 2,
                 {"two.wav: has 2 channels where one is needed (the response comes second); "
                  "--channel N takes one of them",
                  "a RESPONSE of 4 channels (true stereo"});
  expect_refusal(render(channels("five.wav", 5, 10, 1), room_), 2,
                 {"five.wav: has 5 channels where one is needed; --channel N", "of 10 channels"});
  // What moves needs directions; not even the file of the movement is looked for.
  for (const char* const option : {"--trajectory", "--head"}) {
    expect_refusal(render(two_, four_taps_, {option, folder_.file("nowhere.csv")}), 2,
                   {"a source or a head that moves needs the directions of a SOFA file"});
  }
  // The answers that it gives work.
  EXPECT_EQ(render(two_, room_, {"--channel", "2"}).exit_code, 0);
  std::filesystem::remove(wet());
  EXPECT_TRUE(says(render(two_, four_taps_, {"--verify"}).err, {"verified  64 samples"}));
  std::filesystem::remove(wet());
  expect_refusal(render(source_, four_taps_), 2, {"has 4 channels where a response needs 2"});
  const std::string silent = float_wav(folder_, "silent.wav", 4, Signal(40));
  expect_refusal(render(two_, silent), 2,
                 {"silent response (all 10 taps of its 4 channels are 0)"});
  const std::string nan = float_wav(folder_, "nan.wav", 2, {1, 2, NAN, 3});
  expect_refusal(render(nan, four_taps_), 2, {"nan.wav: ", "not a number", "frame 1"});
}

/// Each pair by its own factor, both ears alike; a silent pair stays silent, with a warning.
TEST_F(RoutingProgram, ScalesEachPairToUnitEnergy) {
  const std::string click = float_wav(folder_, "click.wav", 2, {1, 0, 0, 0, 0, 0, 0, 1});
  const std::string pairs =
      float_wav(folder_, "pairs.wav", 4, {3, 0, 0.25f, 0.25f, 4, 5, 0.25f, 0.25f});
  const Outcome outcome = render(click, pairs, {"--unit-energy", "--json", "-", "-m", "cpu-naive"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"-13.98, +9.03 dB to unit energy"}));
  const Heard got = heard(wet());
  const std::vector<float> left{0.6f, 0.8f, 0, std::sqrt(0.5f), std::sqrt(0.5f)};
  const std::vector<float> right{0, 1, 0, std::sqrt(0.5f), std::sqrt(0.5f)};
  ASSERT_EQ(got.samples[0].size(), left.size());
  for (std::size_t n = 0; n < left.size(); ++n) {
    EXPECT_NEAR(got.samples[0][n], left[n], 1e-6) << n;
    EXPECT_NEAR(got.samples[1][n], right[n], 1e-6) << n;
  }
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_NEAR(json["routing"]["routes"][1]["unit_energy_gain_db"].get<double>(), 9.031, 1e-3);
  EXPECT_FALSE(json["response"].contains("unit_energy_gain_db"));

  const std::string silent = float_wav(folder_, "silent.wav", 4, {3, 0, 0, 0, 4, 5, 0, 0});
  const Outcome half = render(click, silent, {"--unit-energy", "-q", "-m", "cpu-naive"});
  ASSERT_EQ(half.exit_code, 0) << half.err;
  EXPECT_TRUE(says(half.err, {"warning: ",
                              "silent.wav: channel 2 of INPUT: its channels 3 and 4 "
                              "are silent, so that this is not heard"}));
  EXPECT_FLOAT_EQ(heard(wet()).samples[0][1], 0.8f);
  EXPECT_EQ(heard(wet()).samples[0][4], 0);
}

/// What is silent has no direct sound, and is silence in part as well.
TEST_F(RoutingProgram, LeavesOutSilentPairsWhereTheDirectSoundCounts) {
  Signal taps(4 * 60);
  taps[4 * 40] = taps[4 * 40 + 1] = 1;
  for (std::size_t k = 41; k < 60; ++k) taps[4 * k] = 0.01f;
  const std::string pair = float_wav(folder_, "pair.wav", 4, taps);
  ASSERT_EQ(render(two_, pair, {"-q", "-m", "cpu-naive"}).exit_code, 0);
  const Heard late = heard(wet());
  ASSERT_EQ(render(two_, pair, {"-q", "-m", "cpu-naive", "--align", "direct"}).exit_code, 0);
  const Heard aligned = heard(wet());
  for (std::size_t n = 0; n < kRoutedSamples; ++n) {
    ASSERT_EQ(aligned.samples[0][n], late.samples[0][n + 40]) << n;
  }
  const Outcome part = render(two_, pair, {"-q", "-m", "cpu-naive", "--response-length", "45smp"});
  ASSERT_EQ(part.exit_code, 0) << part.err;
  EXPECT_EQ(heard(wet()).samples[0].size(), kRoutedSamples + 44);
  EXPECT_EQ(heard(wet()).samples[0][41], late.samples[0][41]);
  EXPECT_TRUE(says(render(two_, pair, {"--routing", "1:1,2 2:3,3", "--dry", "0"}).err,
                   {"channel 2 of INPUT: its channel 3 is silent, so that only the dry signal is "
                    "heard there"}));
}

TEST_F(RoutingProgram, SaysWhatIsNotHeard) {
  const std::string six = channels("six.wav", 6, kRoutedSamples, 4);
  const Outcome outcome = render(six, four_taps_, {"--routing", "1:1,3 4:3,1", "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"          not heard: channels 2, 3, 5, 6 of INPUT; channels 2, 4 "
                                 "of RESPONSE\n"}));
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["routing"]["input_not_heard"], (std::vector<int>{2, 3, 5, 6}));
  EXPECT_EQ(json["routing"]["response_not_heard"], (std::vector<int>{2, 4}));
  EXPECT_TRUE(says(render(two_, four_taps_, {"--routing", "2:1,2 2:3,4"}).err,
                   {"          not heard: channel 1 of INPUT\n"}));
  for (const char* const all : {"1:1,2 2:3,4", "2:2,1 1:4,3"}) {
    const Outcome whole = render(two_, four_taps_, {"--routing", all});
    EXPECT_EQ(whole.err.find("not heard"), std::string::npos) << all;
  }
}

/// The dry signal of a stereo recording stays stereo.
TEST_F(RoutingProgram, LeavesTheDrySignalOnItsSide) {
  const auto dry = [&](int count, const std::string& response, std::vector<std::string> options) {
    Signal clicks(static_cast<std::size_t>(count * count));  // channel c at frame c
    for (int c = 0; c < count; ++c) clicks[static_cast<std::size_t>(c * count + c)] = 1;
    const std::string input = float_wav(folder_, "clicks.wav", count, clicks);
    options.insert(options.end(), {"--dry", "0", "--wet", "-150", "-q", "-m", "cpu-naive"});
    const Outcome outcome = render(input, response, options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    std::string sides;
    const Heard got = heard(wet());
    for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n) {
      for (const std::size_t e : {0, 1}) {
        const float y = got.samples[e][n];
        sides += y > 0.999F && y < 1.001F ? "LR"[e] : y < 0.001F ? '.' : '?';
      }
      sides += ' ';
    }
    return sides;
  };
  const std::string hesuvi = channels("hesuvi.wav", 14, kRoutedTaps, 5);
  EXPECT_EQ(dry(2, four_taps_, {}), "L. .R ");
  EXPECT_EQ(dry(2, room_, {"--routing", "1:1,2 2:1,2"}), "L. .R ");
  EXPECT_EQ(dry(2, four_taps_, {"--routing", "1:1,2 1:3,4 2:3,4"}), "L. .R ") << "once a channel";
  EXPECT_EQ(dry(2, room_, {"--routing", "2:1,2"}), ".. LR ");
  EXPECT_EQ(dry(2, room_, {"--channel", "1"}), "LR .. ");
  EXPECT_EQ(dry(1, hesuvi, {"--routing", "1:1,2 1:9,8"}), "LR ");
  EXPECT_EQ(dry(8, hesuvi, {}), "L. .R LR LR L. .R L. .R ");
  const std::string four = channels("four.wav", 4, kRoutedSamples, 6);
  const std::string decoder = channels("decoder.wav", 8, kRoutedTaps, 7);
  std::filesystem::remove(wet());
  expect_refusal(render(four, decoder, {"--dry", "-6"}), 1, {"--dry: ", "4 channels of INPUT"});
}

TEST_F(RoutingProgram, WarnsOfEachResponse) {
  // Of the second pair, what is cut is the direct sound.
  std::vector<float> clicks(4 * 40);
  clicks[0] = clicks[1] = clicks[4 * 30 + 2] = clicks[4 * 30 + 3] = 1;
  clicks[2] = clicks[3] = 0.01f;
  const std::string late = float_wav(folder_, "late.wav", 4, clicks);
  EXPECT_TRUE(says(render(two_, late, {"--response-length", "20smp", "-q"}).err,
                   {"late.wav: channel 2 of INPUT: what is used of the response leaves out the "
                    "direct sound of the left ear"}));
}

TEST_F(RoutingProgram, ConvertsResponsesAndHasTheOtherOptions) {
  // At twice the rate, and converted, four clicks keep their places and levels.
  std::vector<float> clicks(4 * 40);
  for (std::size_t c = 0; c < 4; ++c) clicks[4 * 20 + c] = static_cast<float>(c + 1);
  const std::string fast = float_wav(folder_, "fast.wav", 4, clicks, 32'000);
  const std::string slow = float_wav(folder_, "slow.wav", 2, [] {
    std::vector<float> tone;
    for (int n = 0; n < 4000; ++n) {
      tone.insert(tone.end(), {std::sin(0.1f * static_cast<float>(n)), 0});
    }
    return tone;
  }());
  ASSERT_EQ(
      render(slow, fast, {"-q", "--length", "same", "--align", "direct", "-g", "-20"}).exit_code,
      0);
  const Heard got = heard(wet());
  ASSERT_EQ(got.samples[0].size(), 4000u);
  // The second channel is silent, so that LL and LR are heard, with 1 and 2 for gains.
  for (std::size_t n = 300; n < 3700; ++n) {
    const double x = std::sin(0.1 * static_cast<double>(n));
    ASSERT_NEAR(got.samples[0][n], 0.1 * x, 1e-3) << n;
    ASSERT_NEAR(got.samples[1][n], 0.2 * x, 1e-3) << n;
  }
}

// ---- --then -----------------------------------------------------------------------------------

TEST_F(RoutingProgram, ThenIsASecondResponseOfEachEar) {
  const std::string then = channels("then.wav", 2, 9, 11);
  const Heard x = heard(source_), h = heard(room_), second = heard(then);
  const auto expect_both = [&](const std::string& path, std::size_t start, double bound) {
    const Heard got = heard(path);
    for (std::size_t e = 0; e < 2; ++e) {
      const Reference chain = reference(h.samples[e], second.samples[e]);
      const Signal taps(chain.wet.begin(), chain.wet.end());
      const Reference wet = reference(x.samples[0], taps);
      ASSERT_EQ(got.samples[e].size(), start + wet.wet.size());
      for (std::size_t n = 0; n < wet.wet.size(); ++n) {
        ASSERT_NEAR(got.samples[e][start + n], wet.wet[n], bound) << e << " " << n;
      }
    }
  };
  Outcome outcome = render(source_, room_, {"--then", then, "--json", "-"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"then      ", "then.wav: WAV, 32-bit float, 16000 Hz, 9 taps"}));
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["then"]["taps"], 9);
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["response"]["taps"], 308);
  expect_both(wet(), 0, 5e-5);
  const std::string alone = read_bytes(wet());
  // In a scene.
  write_bytes(folder_.file("s.json"),
              R"({"voices": [{"input": "source.wav", "response": "room.wav", "start": 0.01}]})");
  ASSERT_EQ(run({"scene", folder_.file("s.json"), wet(), "--then", then}).exit_code, 0);
  expect_both(wet(), 160, 5e-5);
  // In a batch, which notices that the file has changed.
  write_bytes(folder_.file("list.csv"), "input\n" + source_ + "\n");
  const std::vector<std::string> batch{"batch",      folder_.file("list.csv"),
                                       "-o",         folder_.file("out"),
                                       "--response", room_,
                                       "--then",     then,
                                       "--resume"};
  ASSERT_EQ(run(batch).exit_code, 0);
  EXPECT_EQ(read_bytes(folder_.file("out/source.wav")), alone);
  EXPECT_TRUE(says(run(batch).err, {"1 complete"}));
  channels("then.wav", 2, 9, 12);
  outcome = run(batch);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_NE(read_bytes(folder_.file("out/source.wav")), alone);
}

TEST_F(RoutingProgram, ThenIsConvertedAndKeepsItsLevelAndItsPlace) {
  // A click after 1 ms, at 48 kHz.
  std::vector<float> frames(2 * 96);
  frames[2 * 48] = frames[2 * 48 + 1] = 1;  // whose sum the conversion keeps
  const std::string then = float_wav(folder_, "then.wav", 2, frames, 48'000);
  ASSERT_EQ(render(source_, room_, {"-q", "-g", "-30"}).exit_code, 0);
  const Heard plain = heard(wet());
  const Outcome outcome = render(source_, room_, {"--then", then, "-g", "-30"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"converted from 48000 to 16000 Hz"}));
  const Heard got = heard(wet());
  double error = 0, energy = 0;
  for (std::size_t e = 0; e < 2; ++e) {
    for (std::size_t n = 0; n < plain.samples[e].size(); ++n) {
      error += std::pow(got.samples[e][n + 16] - plain.samples[e][n], 2);
      energy += std::pow(plain.samples[e][n], 2);
    }
  }
  // The conversion takes away what is close to half the rate, of which noise has a share.
  EXPECT_LT(error, 0.1 * energy);
  const std::string mono = float_wav(folder_, "mono.wav", 1, {0, 1});
  ASSERT_EQ(render(source_, room_, {"-q", "--then", mono, "-g", "-30"}).exit_code, 0);
  const Heard later = heard(wet());
  for (std::size_t n = 0; n < plain.samples[1].size(); ++n) {
    ASSERT_NEAR(later.samples[1][n + 1], plain.samples[1][n], 1e-6);
  }
  std::filesystem::remove(wet());
  expect_refusal(render(source_, room_, {"--then", folder_.file("none.wav")}), 2,
                 {"none.wav: cannot be"});
  expect_refusal(render(source_, room_, {"--then", "-"}), 1, {"--then -: is a pipe"});
  EXPECT_TRUE(
      says(render(source_, room_, {"--then", mono, "--json", mono}).err, {"would replace"}));
}

TEST_F(RoutingProgram, ThenOfManyTapsGoesThroughATransform) {
  const std::string then = channels("then.wav", 2, 20'000, 13);
  ASSERT_EQ(render(source_, room_, {"-q", "--then", then, "-g", "-60"}).exit_code, 0);
  const Heard x = heard(source_), h = heard(room_), second = heard(then), got = heard(wet());
  for (std::size_t e = 0; e < 2; ++e) {
    const Reference chain = reference(h.samples[e], second.samples[e]);
    const Reference wet = reference(x.samples[0], Signal(chain.wet.begin(), chain.wet.end()));
    double error = 0, energy = 0;
    ASSERT_EQ(got.samples[e].size(), wet.wet.size());
    for (std::size_t n = 0; n < wet.wet.size(); ++n) {
      error += std::pow(1000 * double{got.samples[e][n]} - wet.wet[n], 2);
      energy += wet.wet[n] * wet.wet[n];
    }
    EXPECT_LT(std::sqrt(error / energy), 2e-6);
  }
}

}  // namespace
}  // namespace gpuconv::test
