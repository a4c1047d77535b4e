// render_test.cpp - gpuconv render: what it does, and what it says of it
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cuda/runtime/device.hpp"
#include "host/base/levels.hpp"
#include "host/methods/method.hpp"
#include "host/room/response.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

TEST_F(Program, RendersAndSaysWhatItDid) {
  const Outcome outcome = render(source_, room_, {"--gain", "-20"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(says(outcome.err, {"source ", "2000 samples", "response ", "300 taps", "method ",
                                 "wet ", "2299 frames", "peak ", "dBFS", "time ", "real time"}));
  EXPECT_EQ(load_response(wet()).taps.left.size(), 2299u);
}

TEST_F(Program, SaysNothingWhenQuietAndNothingIsWrong) {
  const Outcome outcome = render(source_, room_, {"-q", "-g", "-40"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err + outcome.out, "");
}

TEST_F(Program, RendersWithEveryMethodThatItLists) {
  for (const Method& method : methods()) {
    const Outcome outcome = render(source_, room_, {"-m", std::string(method.name)});
    if (outcome.exit_code == 3) {
      expect_refusal(outcome, 3, {"--method", method.name});
      continue;
    }
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {method.name, "as asked"}));
    std::filesystem::remove(wet());
  }
}

// Creating the CUDA context once counted as convolving.
TEST_F(Program, TellsTheStartOfAGpuApart) {
  if (query_devices().list.empty()) GTEST_SKIP() << query_devices().why_none;
  const Outcome outcome = render(source_, room_, {"--json", "-", "-q", "-m", "gpu-fused"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_GT(json.at("gpu_start_seconds"), 0);
  EXPECT_LE(json.at("gpu_start_seconds").get<double>() + json.at("convolve_seconds").get<double>(),
            json.at("seconds").get<double>());
}

TEST_F(Program, StartsNoGpuForACpuMethod) {
  const Outcome outcome = render(source_, room_, {"--device", "cpu", "-v"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"CPU, "}));
}

TEST_F(Program, AlignsTheTimesOfAllStages) {
  const Outcome outcome = render(source_, room_, {"-v", "-m", "cpu-naive"});
  std::set<std::size_t> columns;
  std::istringstream lines(outcome.err);
  int stages = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  ") || !line.ends_with(" s")) continue;
    columns.insert(line.find_last_of(' ', line.size() - 3));
    ++stages;
  }
  EXPECT_GE(stages, 4) << outcome.err;
  EXPECT_EQ(columns.size(), 1u) << outcome.err;
}

TEST_F(Program, ReportsAnOggAsVorbisAndWritesTheSameBytesTwice) {
  const std::vector<std::string> files{folder_.file("a.ogg"), folder_.file("b.ogg")};
  for (const std::string& file : files) {
    const Outcome outcome = run({"render", source_, room_, file, "-g", "-40", "--json", "-"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {", Ogg Vorbis\n"}));
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["output"]["encoding"], "vorbis");
    EXPECT_FALSE(json["output"].contains("bits"));
  }
  EXPECT_EQ(read_bytes(files[0]), read_bytes(files[1]));
}

TEST_F(Program, SaysOfAnMp3WithoutAHeaderThatItsLengthCannotBeVerified) {
  // Frames of silence: 32 kbit/s at 16 kHz, mono.
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += "\xff\xf3\x48\xc0" + std::string(140, '\0');
  const std::string mp3 = folder_.file("a.mp3");
  write_bytes(mp3, bytes);
  constexpr const char* kRemark = "its length cannot be verified (it has no Xing or Info header)";
  const Outcome outcome = render(mp3, room_, {"-v", "--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"4608 samples", kRemark}));
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["source"]["remark"], kRemark);
  EXPECT_EQ(render(mp3, room_).err.find(kRemark), std::string::npos);
  EXPECT_TRUE(says(run({"info", mp3}).out, {"MP3", "MPEG-2 layer III", kRemark}));
}

TEST_F(Program, CountsClippedSamplesPerEarAndTellsTheGainThatWouldHaveBeenRight) {
  const std::string loud = float_wav(folder_, "loud.wav", 2, {4, 0.5f});
  const std::string unit = float_wav(folder_, "unit.wav", 1, {1, -1, 0.2f});
  Outcome outcome = render(unit, loud, {"-b", "16"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"warning: ", "2 samples clipped (left 2, right 0)", "+12.0 dBFS",
                                 "--gain -12.1"}));
  outcome = render(unit, loud, {"-b", "16", "--fail-on-clip"});
  EXPECT_EQ(outcome.exit_code, 5);
  outcome = render(unit, loud, {"-b", "16", "--fail-on-clip", "--gain", "-12.1"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  outcome = render(unit, loud);
  EXPECT_TRUE(says(outcome.err, {"warning: ", "players will clip"}));
}

TEST_F(Program, TheGainThatIsTakenFromTheWarningClipsNoMore) {
  const std::string unit = float_wav(folder_, "unit.wav", 1, {1, -1, 0.2f});
  const std::string room = float_wav(folder_, "one.wav", 2, {1, 0.5f});
  for (const char* const loudness : {"12", "12.04", "12.05", "12.06", "12.0999", "0.001"}) {
    const Outcome loud = render(unit, room, {"-b", "16", "--gain", loudness});
    const std::size_t found = loud.err.find("use --gain ");
    ASSERT_NE(found, std::string::npos) << loud.err;
    std::istringstream words(loud.err.substr(found + 11));
    std::string gain;
    words >> gain;
    EXPECT_EQ(render(unit, room, {"-b", "16", "--fail-on-clip", "--gain", gain}).exit_code, 0)
        << loudness << " dB, then " << gain;
  }
  EXPECT_TRUE(says(render(unit, room, {"-b", "16", "--norm=3"}).err, {"use --norm=-0.1 or"}));
}

// The gain that would be enough can be none that is taken.
TEST_F(Program, WarnsOfNoGainThatIsRefused) {
  const std::string unit = float_wav(folder_, "unit.wav", 1, {1e10f, -1e10f});
  const std::string room = float_wav(folder_, "one.wav", 2, {1e10f, 0.5f});
  EXPECT_TRUE(says(render(unit, room, {"-b", "16"}).err, {"use --norm or a float output"}));
  EXPECT_TRUE(says(render(unit, room).err, {"; --norm avoids that"}));
}

TEST_F(Program, SaysThatSilenceCanNotBeNormalised) {
  const std::string silence = float_wav(folder_, "silence.wav", 1, {0, 0, 0});
  EXPECT_EQ(render(silence, room_, {"-q", "--norm"}).err,
            "warning: " + wet() + ": --norm: the result is silent, nothing to scale\n");
  EXPECT_EQ(render(silence, room_, {"-q", "--norm", "--dry-run"}).err, "");
}

TEST_F(Program, WarnsOfADirectionThatWasNotMeasured) {
  const std::string head = folder_.file("head.sofa");
  write_bytes(head, sofa_specimen().bytes);
  const std::vector<std::string> quiet{"-q", "-g", "-60", "--json", folder_.file("report.json")};
  std::vector<std::string> options = quiet;
  options.insert(options.end(), {"--azimuth", "95"});
  EXPECT_EQ(render(source_, head, options).err, "");
  options.back() = "-80";
  EXPECT_EQ(render(source_, head, options).err,
            "warning: " + head +
                ": the nearest measurement is 80 degrees away (asked -80.0, 0.0; "
                "taken 0.0, 0.0)\n");
  const auto json = nlohmann::json::parse(read_bytes(folder_.file("report.json")));
  EXPECT_EQ(json["response"]["warnings"].size(), 1u);
}

TEST_F(Program, CountsTheCoresThatAMethodTakes) {
  EXPECT_TRUE(
      says(render(source_, room_, {"-m", "cpu-naive"}).err, {"cpu-naive on CPU, one core"}));
}

TEST_F(Program, AnOptionSaidToBeFalseIsNotTaken) {
  const auto bytes = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"-b", "16", "-g", "-40"});
    EXPECT_EQ(render(source_, room_, options).exit_code, 0);
    return read_bytes(wet());
  };
  EXPECT_TRUE(bytes({"--no-dither=false"}) == bytes({}));
  EXPECT_FALSE(bytes({"--no-dither"}) == bytes({}));
}

TEST_F(Program, WhatIsWrittenToTheSameStandardOutputComesBehind) {
  const std::string once = folder_.file("once"), shared = folder_.file("shared");
  const std::string command =
      quoted(GPUCONV_PROGRAM) + " render -q -g -40 " + quoted(source_) + " " + quoted(room_) + " -";
  ASSERT_EQ(std::system((command + " >" + quoted(once)).c_str()), 0);
  ASSERT_EQ(std::system(("{ " + command + "; echo more; } >" + quoted(shared)).c_str()), 0);
  EXPECT_TRUE(read_bytes(shared) == read_bytes(once) + "more\n");
}

TEST_F(Program, NormalisesByTheMeasuredPeakWithOneFactorForBothEars) {
  const auto peaks = [&](const std::string& file) {
    const Response wet = load_response(file);
    Stereo<Level> levels;
    measure({wet.taps.left, wet.taps.right}, levels);
    return Stereo<double>{levels.left.peak, levels.right.peak};
  };
  ASSERT_EQ(render(source_, room_, {"-q", "-g", "-40"}).exit_code, 0);
  const Stereo<double> before = peaks(wet());
  const Outcome outcome = render(source_, room_, {"--norm=-6", "--fail-on-clip"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"level ", " dB to both ears (peak -6.0 dBFS)"}));
  const Stereo<double> after = peaks(wet());
  EXPECT_NEAR(std::max(after.left, after.right), std::pow(10, -6.0 / 20), 1e-7);
  EXPECT_NEAR(after.left / after.right, before.left / before.right, 1e-5);
  // To a device, where no file can lie beside: by rendering twice. The same bytes.
  const std::string expected = read_bytes(wet());
  const std::string command = quoted(GPUCONV_PROGRAM) + " render " + quoted(source_) + " " +
                              quoted(room_) + " - -q --norm=-6 | cat >" + quoted(wet());
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_TRUE(read_bytes(wet()) == expected);
  std::filesystem::remove(wet());
  expect_refusal(run({"render", "-", room_, "/dev/null", "--norm"}), 1,
                 {"--norm cannot go from standard input to /dev/null"});
  expect_refusal(render(source_, room_, {"--norm=loud"}), 1, {"loud"});
  const Outcome loud = render(source_, room_, {"--norm=6"});
  EXPECT_EQ(loud.exit_code, 0);
  EXPECT_TRUE(says(loud.err, {"players will clip; --norm=-0.1 avoids that"}));
  EXPECT_EQ(render(source_, room_, {"--norm=1e-320"}).exit_code, 0);
}

TEST_F(Program, NormalisesToFullScaleWithoutClippingAndLeavesSilenceAlone) {
  EXPECT_EQ(render(source_, room_, {"--norm", "-b", "16", "--fail-on-clip"}).exit_code, 0);
  const std::string silence = float_wav(folder_, "silence.wav", 1, Signal(100));
  const Outcome outcome = render(silence, room_, {"--norm"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"+0.00 dB to both ears"}));
}

TEST_F(Program, VerifiesWhenAsked) {
  for (const char* const method : {"cpu-naive", "cpu-hybrid", "cpu-vectorised"}) {
    const Outcome outcome = render(source_, room_, {"--verify", "-m", method});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"verified  64 samples"}));
  }
}

TEST_F(Program, FallsBackToTheCpuOnlyWhenAskedAndSaysSo) {
  std::vector<std::string> options{"--device", "cuda:7", "-g", "-40", "-q"};
  EXPECT_EQ(render(source_, room_, options).exit_code, 3);
  options.insert(options.end(), {"--fallback", "cpu"});
  const Outcome outcome = render(source_, room_, options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"warning: ", "--device cuda:7", "done on the CPU"}));
  std::filesystem::remove(wet());
  expect_refusal(run({"render", "-", room_, wet(), "--fallback", "cpu"}), 1,
                 {"--fallback", "pipe"});
}

TEST_F(Program, ReadsNonFiniteSamplesAsZeroWhenAsked) {
  const std::string bad = float_wav(folder_, "bad.wav", 1, {0.1f, NAN, 0.1f});
  const Outcome outcome = render(bad, room_, {"--nonfinite", "zero"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"warning: ", "1 sample"}));
  const std::string bad_room = float_wav(folder_, "bad_room.wav", 2, {1, 1, NAN, INFINITY});
  const Outcome quiet =
      render(source_, bad_room, {"--nonfinite", "zero", "-q", "--json", folder_.file("json")});
  EXPECT_EQ(quiet.exit_code, 0) << quiet.err;
  EXPECT_TRUE(says(quiet.err, {"warning: ", "bad_room.wav: 2 taps were NaN or infinite"}));
  const auto json = nlohmann::json::parse(read_bytes(folder_.file("json")));
  EXPECT_EQ(json["response"]["replaced_taps"], 2);
}

TEST_F(Program, SaysWhenATruncatedFileWasAccepted) {
  const std::string whole = read_bytes(source_);
  write_bytes(source_, whole.substr(0, whole.size() - 400));
  const Outcome outcome = render(source_, room_, {"--truncated", "accept"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"warning: ", "source.wav", "1900 samples"}));
  const std::string room = read_bytes(room_);
  write_bytes(room_, room.substr(0, room.size() - 400));
  const Outcome quiet = render(
      source_, room_, {"--truncated", "accept", "-q", "--json", folder_.file("report.json")});
  EXPECT_EQ(quiet.exit_code, 0) << quiet.err;
  EXPECT_TRUE(says(quiet.err, {"warning: ", "source.wav", "room.wav", "2000"}));
  const auto json = nlohmann::json::parse(read_bytes(folder_.file("report.json")));
  for (const char* file : {"source", "response"}) EXPECT_TRUE(json[file].contains("shortfall"));
}

TEST_F(Program, DryRunDoesNotReadAPipeToItsEnd) {
  const std::string json = folder_.file("report.json");
  const std::string command = "head -c 40000000 /dev/zero | " + quoted(GPUCONV_PROGRAM) +
                              " render - " + quoted(room_) + " " + quoted(wet()) +
                              " --raw-rate 16000 --dry-run --json " + quoted(json) + " 2>" +
                              quoted(logs_.file("err"));
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_TRUE(says(read_bytes(logs_.file("err")), {"source    -: at least 16777216 samples"}));
  EXPECT_TRUE(nlohmann::json::parse(read_bytes(json))["source"]["has_more_samples"]);
}

TEST_F(Program, DryRunWritesNothing) {
  const Outcome outcome = render(source_, room_, {"--dry-run"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"source ", "response ", "method "}));
  EXPECT_TRUE(is_empty_of_output());
}

TEST_F(Program, DryRunNamesAllOutputs) {
  const Outcome outcome =
      render(source_, room_, {"--dry-run", "--late", "2", "--early", "2", "--json", "-"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"dry run   gpuconv wrote no output; it would write:\nwet       " +
                                     wet() + "\nearly     ",
                                 "wet.early.wav\nlate      ", "wet.late.wav\n"}));
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["outputs"].size(), 3u);
  EXPECT_TRUE(is_empty_of_output());
  write_bytes(folder_.file("scene.json"),
              R"({"voices": [{"input": "source.wav", "response": "room.wav", "id": "tom"}]})");
  EXPECT_TRUE(says(run({"scene", folder_.file("scene.json"), wet(), "--stems", "--dry-run"}).err,
                   {"wet       ", "\nstem 1    ", "wet.stem-tom.wav\n"}));
}

/// They may be anybody's, so gpuconv leaves them; but they do not go with the new OUTPUT.
TEST_F(Program, WarnsOfFurtherOutputsOfAnOlderRun) {
  const std::string early = folder_.file("wet.early.wav"), late = folder_.file("wet.late.wav");
  ASSERT_EQ(render(source_, room_, {"-q", "-g", "-40", "--early", "2", "--late", "2"}).err, "");
  const std::string bytes = read_bytes(late);
  const Outcome outcome =
      render(source_, room_, {"-q", "-g", "-40", "--early", "3", "--json", "-"});
  EXPECT_EQ(outcome.err, "warning: " + late +
                             ": is not of this run, which left it as it was; remove it if it "
                             "belongs to an older " +
                             wet() + "\n");
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["older_outputs"], std::vector<std::string>{late});
  EXPECT_EQ(read_bytes(late), bytes);
  // What the run reads is not left over.
  EXPECT_EQ(run({"render", early, room_, wet(), "-q", "-g", "-40", "--channel", "1", "--noise",
                 late, "--snr", "3"})
                .err,
            "");
  std::filesystem::remove(late);
  std::filesystem::remove(early);
  const auto scene = [&](const char* voices) {
    write_bytes(folder_.file("scene.json"), std::string("{\"voices\": [") + voices + "]}");
    return run({"scene", folder_.file("scene.json"), wet(), "-q", "-g", "-40", "--stems"}).err;
  };
  EXPECT_EQ(scene(R"({"input": "source.wav", "response": "room.wav", "id": "tom"},
                     {"input": "source.wav", "response": "room.wav", "id": "ann"})"),
            "");
  EXPECT_TRUE(says(scene(R"({"input": "source.wav", "response": "room.wav", "id": "ann"})"),
                   {"wet.stem-tom.wav: is not of this run"}));
  // Hundreds of them take one line.
  for (const char* const name : {"wet.stem-a.wav", "wet.stem-b.wav"}) {
    write_bytes(folder_.file(name), "");
  }
  EXPECT_TRUE(says(scene(R"({"input": "source.wav", "response": "room.wav", "id": "ann"})"),
                   {"wet.stem-a.wav and 2 more: are not of this run"}));
}

TEST_F(Program, ShowsItsProgressOnATerminalOnly) {
#ifdef GPUCONV_EMULATED
  constexpr int kMinutes = 3;  // under sanitizers
#else
  constexpr int kMinutes = 60;
#endif
  const std::string silence = folder_.file("silence.raw");  // which is no disk space
  write_bytes(silence, "");
  std::filesystem::resize_file(silence, 16'000 * 60 * kMinutes * 2);
  const Outcome piped = run({"render", silence, room_, "/dev/null", "--raw-rate", "16000"});
  EXPECT_EQ(piped.err.find(" left\x1b"), std::string::npos);
  // script(1) gives it a terminal.
  const auto on_terminal = [&](const std::string& more) {
    const std::string program = std::string(GPUCONV_PROGRAM) + " render " + silence + " " + room_ +
                                " /dev/null --raw-rate 16000 " + more;
    const std::string command =
        "script -qec " + quoted(program) + " /dev/null >" + quoted(logs_.file("out"));
    EXPECT_EQ(std::system(command.c_str()), 0);
    return read_bytes(logs_.file("out"));
  };
  EXPECT_TRUE(says(on_terminal(""), {"\r", " x real time, peak ", " left\x1b[K"}));
  EXPECT_EQ(on_terminal("-q").find(" left\x1b"), std::string::npos);
  EXPECT_EQ(on_terminal("--no-progress").find(" left\x1b"), std::string::npos);
}

}  // namespace
}  // namespace gpuconv::test
