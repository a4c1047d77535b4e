// cli_test.cpp - the program as people meet it: what it prints, its exit codes, what it leaves
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "cuda/runtime/device.hpp"
#include "host/audio/levels.hpp"
#include "host/audio/response.hpp"
#include "host/methods/method.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"

namespace gpuconv::test {
namespace {

struct Outcome {
  int exit_code;
  std::string out;
  std::string err;
};

std::string quoted(const std::string& argument) {
  std::string text(1, '\'');
  return text.append(argument).append(1, '\'');
}

class Program : public ::testing::Test {
 protected:
  /// `redirected` is what a shell understands; what it does not mention goes into a file.
  Outcome run(const std::vector<std::string>& arguments, const std::string& redirected = "") const {
    std::string command = quoted(GPUCONV_PROGRAM);
    for (const std::string& argument : arguments) command.append(" ").append(quoted(argument));
    command.append(" >").append(quoted(logs_.file("out")));
    command.append(" 2>").append(quoted(logs_.file("err")));
    const int status = std::system(command.append(" ").append(redirected).c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_bytes(logs_.file("out")),
            read_bytes(logs_.file("err"))};
  }

  Outcome render(const std::string& input, const std::string& response,
                 std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"render", input, response, wet()});
    return run(options);
  }

  std::string wet() const { return folder_.file("wet.wav"); }
  bool is_empty_of_output() const { return !std::filesystem::exists(wet()); }

  /// One error line that contains all parts, the exit code, and no output file, not even a
  /// temporary one.
  void expect_refusal(const Outcome& outcome, int exit_code,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("error: ", 0), 0u) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_TRUE(says(outcome.err, parts));
    EXPECT_EQ(outcome.out, "");
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      EXPECT_EQ(entry.path().filename().string().find("wet"), std::string::npos);
    }
  }

  const Folder folder_;
  const Folder logs_;
  const std::string source_ = float_wav(folder_, "source.wav", 1, noise(2000, 1));
  const std::string room_ = float_wav(folder_, "room.wav", 2, noise(600, 2));
};

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

TEST_F(Program, WritesAJsonReport) {
  const Outcome outcome = render(source_, room_, {"--json", "-", "-q", "-m", "cpu-threads"});
  EXPECT_EQ(outcome.exit_code, 0);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["method"]["name"], "cpu-threads");
  EXPECT_EQ(json["source"]["samples"], 2000);
  EXPECT_EQ(json["response"]["taps"], 300);
  EXPECT_EQ(json["output"]["frames"], 2299);
  EXPECT_EQ(json["device"]["place"], "cpu");
  EXPECT_GT(json["left"]["peak"], 0);
  EXPECT_EQ(json["left"]["clipped"], 0);
  EXPECT_GT(json["seconds"], 0);
  EXPECT_TRUE(json["stage_seconds"].contains("read"));
  EXPECT_FALSE(json.contains("gpu_start_seconds"));
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

TEST_F(Program, RefusesAJsonReportInThePlaceOfAnotherFileBeforeTheWork) {
  for (const std::string& file : {source_, room_}) {
    expect_refusal(render(source_, room_, {"--json", file}), 1, {"--json", "would replace"});
  }
  expect_refusal(render(source_, room_, {"--json", wet()}), 1, {"--json", "is taken by OUTPUT"});
  expect_refusal(render(source_, room_, {"--json", folder_.file("no/report")}), 2, {"no"});
}

/// Spans of a trace by the name of their row.
std::map<std::string, std::vector<nlohmann::json>> spans_by_row(const nlohmann::json& trace) {
  std::map<std::pair<int, int>, std::string> rows;
  std::map<std::string, std::vector<nlohmann::json>> spans;
  for (const auto& event : trace.at("traceEvents")) {
    const std::pair<int, int> place{event.at("pid"), event.at("tid")};
    if (event.at("name") == "thread_name") rows[place] = event.at("args").at("name");
    if (event.at("ph") == "X") spans[rows.at(place)].push_back(event);
  }
  return spans;
}

TEST_F(Program, TracesWhatEachThreadDid) {
  const std::string file = folder_.file("trace.json");
  EXPECT_EQ(render(source_, room_, {"-m", "cpu-threads", "--trace", file, "-q"}).exit_code, 0);
  const auto spans = spans_by_row(nlohmann::json::parse(read_bytes(file)));
  std::map<std::string, nlohmann::json> main;
  for (const auto& span : spans.at("thread 1")) {
    EXPECT_GE(span.at("ts"), 0);
    EXPECT_GE(span.at("dur"), 0);
    main.emplace(span.at("name"), span);  // the first: whether there is more is read later
  }
  const auto end = [&](const char* name) {
    return main.at(name).at("ts").get<double>() + main.at(name).at("dur").get<double>();
  };
  // In their order, one after the other.
  EXPECT_LE(end("plan"), main.at("read").at("ts").get<double>());
  EXPECT_LE(end("read"), main.at("convolve left").at("ts").get<double>());
  EXPECT_LE(end("convolve left"), main.at("convolve right").at("ts").get<double>());
  EXPECT_LE(end("convolve right"), main.at("write").at("ts").get<double>());
  for (const auto& [row, of_row] : spans) EXPECT_EQ(row.rfind("thread ", 0), 0u) << row;
}

TEST_F(Program, TracesStreamsAndWhatTheyWaitedFor) {
  const Devices devices = query_devices();
  if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  const std::string file = folder_.file("trace.json");
  EXPECT_EQ(render(source_, room_, {"-m", "gpu-radix2", "--trace", file, "-q"}).exit_code, 0);
  const auto trace = nlohmann::json::parse(read_bytes(file));
  const auto spans = spans_by_row(trace);
  const auto only = [&](const std::string& row, const std::string& name) {
    for (const auto& span : spans.at("stream: " + row)) {
      if (span.at("name") == name) return span;
    }
    throw std::runtime_error(row + ": no " + name);
  };
  const auto start = [](const nlohmann::json& span) { return span.at("ts").get<double>(); };
  const auto end = [&](const nlohmann::json& span) {
    return start(span) + span.at("dur").get<double>();
  };
  // Microseconds; a device's clock counts in halves.
  constexpr double kTick = 1;
  const auto ready = end(only("upload", "transform source"));
  for (const std::string ear : {"left", "right"}) {
    EXPECT_GE(start(only(ear, "convolve")) + kTick, ready) << ear;
    EXPECT_GE(start(only("download " + ear, "download")) + kTick, end(only(ear, "convolve")))
        << ear;
  }
  std::ptrdiff_t arrows[2] = {0, 0};
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") == "s") ++arrows[0];
    if (event.at("ph") == "f") ++arrows[1];
  }
  EXPECT_EQ(arrows[0], 4);  // source to each ear, each ear to its download
  EXPECT_EQ(arrows[1], 4);
}

TEST_F(Program, RefusesATraceInThePlaceOfAnotherFile) {
  for (const std::string& file : {source_, room_}) {
    expect_refusal(render(source_, room_, {"--trace", file}), 1, {"--trace", "would replace"});
  }
  expect_refusal(render(source_, room_, {"--trace", wet()}), 1, {"--trace", "is taken by OUTPUT"});
}

TEST_F(Program, RefusesToWriteTwoThingsIntoOnePlace) {
  const std::string x = folder_.file("x");
  expect_refusal(render(source_, room_, {"--json", x, "--trace", x}), 1, {"--trace", "--json"});
  EXPECT_FALSE(std::filesystem::exists(x));
  const auto into = [&](const std::string& output, std::vector<std::string> more) {
    more.insert(more.begin(), {"render", source_, room_, output});
    return run(more);
  };
  expect_refusal(into("-", {"--json", "-"}), 1, {"--json -", "OUTPUT -"});
  expect_refusal(into("-", {"--json", "/dev/stdout"}), 1, {"--json /dev/stdout", "OUTPUT -"});
  expect_refusal(into("/dev/stdout", {"--json", "-"}), 1, {"--json -", "OUTPUT /dev/stdout"});
  expect_refusal(into("-", {"--trace", "/dev/stdout"}), 1, {"--trace /dev/stdout", "OUTPUT -"});
  const std::string link = folder_.file("link");
  std::filesystem::create_symlink("soon.wav", link);
  expect_refusal(into(folder_.file("soon.wav"), {"--json", link}), 1, {"link", "OUTPUT"});
  write_bytes(wet(), "old");
  std::filesystem::create_hard_link(wet(), x);
  EXPECT_EQ(render(source_, room_, {"--json", x}).exit_code, 1);
  EXPECT_EQ(into("/dev/null", {"--json", "/dev/null", "-q"}).exit_code, 0);
  EXPECT_EQ(
      run({"render", source_, room_, "/dev/null", "--json", "-", "-q"}, ">/dev/null").exit_code, 0);
}

TEST_F(Program, WritesNothingIntoTheFilesThatStandWhereAStreamWasClosed) {
  const std::string json = folder_.file("report.json");
  const Outcome no_out = run({"render", source_, room_, "-", "--json", json}, ">&-");
  EXPECT_EQ(no_out.exit_code, 2);
  EXPECT_TRUE(says(no_out.err, {"error: standard output"}));
  EXPECT_FALSE(std::filesystem::exists(json));
  EXPECT_EQ(render(source_, room_).exit_code, 0);
  const std::string expected = read_bytes(wet());
  const std::vector<std::string> job{"render", source_, room_, wet(), "--json", json, "--progress"};
  EXPECT_EQ(run(job, ">&- 2>&-").exit_code, 0);
  EXPECT_EQ(read_bytes(wet()), expected);
  EXPECT_EQ(nlohmann::json::parse(read_bytes(json))["output"]["frames"], 2299);
  const Outcome no_in = run({"render", "-", room_, wet()}, "<&-");
  EXPECT_EQ(no_in.exit_code, 2);
  EXPECT_TRUE(says(no_in.err, {"error: standard input"}));
}

TEST_F(Program, GoesOnWhereNobodyHearsItsMessages) {
  EXPECT_EQ(run({"render", source_, room_, wet()}, "2>/dev/full").exit_code, 0);
  EXPECT_EQ(run({"render", folder_.file("no.wav"), room_, wet()}, "2>/dev/full").exit_code, 2);
}

TEST_F(Program, FailsWhereItsOutputCanNotBePrinted) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"info", source_},
           {"methods"},
           {"devices"},
           {"--help"},
           {"--version"},
           {"render", source_, room_, wet(), "-q", "--json", "-"}}) {
    const Outcome outcome = run(words, ">/dev/full");
    EXPECT_EQ(outcome.exit_code, 2) << words.front();
    EXPECT_TRUE(says(outcome.err, {"error: standard output: No space left"})) << words.front();
  }
}

TEST_F(Program, StartsNoGpuForACpuMethod) {
  const Outcome outcome = render(source_, room_, {"--device", "cpu", "-v"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"CPU, "}));
}

TEST_F(Program, WritesToAPipe) {
  const std::string command = quoted(GPUCONV_PROGRAM) + " render " + quoted(source_) + " " +
                              quoted(room_) + " /dev/stdout -q -g -40 | wc -c >" +
                              quoted(logs_.file("out"));
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_GT(std::stol(read_bytes(logs_.file("out"))), 2299 * 8);
}

TEST_F(Program, RefusesNamesThatAreTooLong) {
  const std::string name(300, 'x');
  expect_refusal(render(source_, folder_.file(name + ".wav")), 2, {"too long"});
  expect_refusal(run({"render", source_, room_, folder_.file(name + ".wav")}), 2, {"too long"});
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
  EXPECT_TRUE(says(outcome.err, {"norm ", " dB to both ears"}));
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
  expect_refusal(run({"render", "-", room_, "/dev/null", "--norm"}), 1, {"--norm", "pipe"});
  expect_refusal(render(source_, room_, {"--norm=loud"}), 1, {"loud"});
  const Outcome loud = render(source_, room_, {"--norm=6"});
  EXPECT_EQ(loud.exit_code, 0);
  EXPECT_TRUE(says(loud.err, {"players will clip; --norm avoids that"}));
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

TEST_F(Program, RefusesBadInputInOneLineWithoutOutput) {
  const std::string nothing = folder_.file("nothing.wav");
  expect_refusal(render(nothing, room_), 2, {"nothing.wav", "No such file"});
  expect_refusal(render(source_, nothing), 2, {"nothing.wav", "No such file"});
  write_bytes(nothing, "");
  expect_refusal(render(nothing, room_), 2, {"nothing.wav"});
  write_bytes(nothing, "this is no sound, however long the text may be and whoever reads it");
  expect_refusal(render(nothing, room_), 2, {"nothing.wav"});
  const std::string whole = read_bytes(source_);
  write_bytes(nothing, whole.substr(0, whole.size() / 2));
  expect_refusal(render(nothing, room_), 2, {"nothing.wav"});
  expect_refusal(render(room_, room_), 2, {"room.wav", "2 channels", "--channel"});
  expect_refusal(render(source_, source_), 2, {"source.wav", "1 channel"});
  float_wav(folder_, "nothing.wav", 1, {});
  expect_refusal(render(nothing, room_), 2, {"nothing.wav"});
  float_wav(folder_, "nothing.wav", 1, {0, 1, NAN, 0});
  expect_refusal(render(nothing, room_), 2, {"nothing.wav", "frame 2"});
  float_wav(folder_, "nothing.wav", 1, {0, INFINITY});
  expect_refusal(render(nothing, room_), 2, {"nothing.wav", "frame 1"});
  float_wav(folder_, "nothing.wav", 1, {0, 1}, 2'000'000'000);
  expect_refusal(render(nothing, room_), 2, {"nothing.wav", "2000000000"});
  expect_refusal(render(folder_.path(), room_), 2, {"is a folder"});
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

TEST_F(Program, RefusesBadUsageWithExitCodeOne) {
  expect_refusal(run({}), 1, {"--help"});
  expect_refusal(run({"rendre"}), 1, {"rendre"});
  expect_refusal(run({"render", source_}), 1, {"RESPONSE"});
  expect_refusal(render(source_, room_, {"--gian", "3"}), 1, {"--gian"});
  expect_refusal(render(source_, room_, {"--gain"}), 1, {"--gain"});
  expect_refusal(render(source_, room_, {"--gain", "loud"}), 1, {"--gain"});
  expect_refusal(render(source_, room_, {"--gain", "nan"}), 1, {"--gain"});
  expect_refusal(render(source_, room_, {"--bits", "17"}), 1, {"17"});
  expect_refusal(render(source_, room_, {"--length", "half"}), 1, {"half", "full|same"});
  expect_refusal(render(source_, room_, {"-m", "gpu-fast"}), 1, {"gpu-fast", "cpu-vectorised"});
  expect_refusal(render(source_, room_, {"--azimuth", "30"}), 1, {"azimuth"});
  expect_refusal(render(source_, room_, {"--channel", "2"}), 2, {"channel"});
  expect_refusal(render(source_, room_, {"--channel", "0"}), 1, {"--channel"});
  for (const char* size :
       {"-1", "0", "99999999999999999999", "much", "5 parsecs", "5i", "5MM", "nan", "inf"}) {
    expect_refusal(render(source_, room_, {"--max-gpu-mem", size}), 1, {"--max-gpu-mem", size});
  }
  expect_refusal(run({"render", source_, room_, folder_.file("wet.xyz")}), 1, {"xyz"});
  for (const char* size : {"1.5 GiB", "2G", "500M", "2Gi", "70000000", "80000kB", "90000000 b"}) {
    EXPECT_EQ(run({"render", source_, room_, "/dev/null", "--max-gpu-mem", size, "-q"}).exit_code,
              0)
        << size;
  }
}

TEST_F(Program, RefusesToWriteOverItsInputOrIntoNowhere) {
  const std::string before = read_bytes(source_);
  expect_refusal(run({"render", source_, room_, source_}), 2, {"source.wav"});
  EXPECT_EQ(read_bytes(source_), before);
  expect_refusal(run({"render", source_, room_, folder_.file("no/wet.wav")}), 2, {"no"});
  write_bytes(folder_.file("kept.wav"), "kept");
  expect_refusal(run({"render", source_, room_, folder_.file("kept.wav"), "--no-clobber"}), 2,
                 {"kept.wav"});
  EXPECT_EQ(read_bytes(folder_.file("kept.wav")), "kept");
}

TEST_F(Program, ReportsAFullDiskInOneLine) {
  const Outcome outcome = run({"render", source_, room_, "/dev/full"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"error: /dev/full", "No space left"}));
}

TEST_F(Program, RefusesWhatTheDiskHasNoRoomFor) {
  // A sparse file of 8 TiB: 2^43 samples, of which nothing is stored.
  const std::string huge = folder_.file("huge.raw");
  write_bytes(huge, "");
  std::error_code error;
  std::filesystem::resize_file(huge, std::uint64_t{1} << 43, error);
  if (error) GTEST_SKIP() << "no sparse file of 8 TiB can be made here (" << error.message() << ")";
  expect_refusal(render(huge, room_, {"--raw-rate", "48000", "--raw-format", "u8"}), 2,
                 {"wet.wav: needs 703687", " bytes where ", " are free"});
}

// Only the output itself was counted: the disk was full when the frames beside it were written.
TEST_F(Program, CountsTheFramesThatNormalisingKeepsOnTheDisk) {
  struct statvfs disk {};
  ASSERT_EQ(::statvfs(folder_.path().c_str(), &disk), 0);
  const double room = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  if (room == 0) GTEST_SKIP() << "this disk does not count";
  const std::string source = folder_.file("long.raw");
  write_bytes(source, "");
  const auto dry_run = [&](double share, const char* name, std::vector<std::string> options = {}) {
    std::filesystem::resize_file(source, static_cast<std::uintmax_t>(share * room / 8));
    options.insert(options.end(), {"--raw-rate", "48000", "--raw-format", "u8", "--dry-run", "-q"});
    options.insert(options.begin(), {"render", source, room_, folder_.file(name)});
    return run(options);
  };
  EXPECT_EQ(dry_run(0.7, "wet.wav").exit_code, 0);
  expect_refusal(dry_run(0.7, "wet.wav", {"--norm"}), 2, {"wet.wav: needs", "bytes where"});
  EXPECT_EQ(dry_run(1.4, "wet.flac").exit_code, 0) << "of silence it would be small";
  expect_refusal(dry_run(1.4, "wet.flac", {"--norm"}), 2, {"wet.flac: needs", "bytes where"});
}

TEST_F(Program, RefusesMoreThanAContainerHoldsBeforeTheWork) {
  const std::string source = folder_.file("long.raw");
  write_bytes(source, "");
  std::filesystem::resize_file(source, 600'000'000);
  expect_refusal(run({"render", source, room_, folder_.file("wet.aiff"), "--raw-rate", "48000",
                      "--raw-format", "u8", "--dry-run"}),
                 2, {"wet.aiff: AIFF can not hold 48000", "4294901760 bytes"});
}

TEST_F(Program, RefusesHopelessJobsWithTheEstimatedTime) {
  const std::string longer = float_wav(folder_, "long.wav", 1, noise(400'000, 1));
  expect_refusal(render(longer, room_, {"-m", "cpu-dft"}), 1,
                 {"cpu-dft", "would take about", "--force-slow"});
}

TEST_F(Program, ListsMethodsAndDevices) {
  const Outcome listed = run({"methods"});
  EXPECT_EQ(listed.exit_code, 0);
  for (const Method& method : methods()) {
    EXPECT_TRUE(says(listed.out, {method.name, method.complexity, method.idea}));
  }
  const Outcome devices = run({"devices"});
  EXPECT_EQ(devices.exit_code, 0);
  EXPECT_TRUE(devices.out.find("cuda:0") != std::string::npos ||
              devices.out.find("no GPU: ") != std::string::npos);
}

TEST_F(Program, PrintsControlCharactersOfANameAsWhatTheyAre) {
  const Outcome outcome = render(folder_.file("two\nlines\x1b[31m.wav"), room_);
  expect_refusal(outcome, 2, {"two\\x0alines\\x1b[31m.wav"});
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

TEST_F(Program, DescribesAFile) {
  const Outcome outcome = run({"info", room_});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.out, {"16000", "300"}));
}

TEST_F(Program, HelpsAndTellsItsVersion) {
  EXPECT_TRUE(
      says(run({"--help"}).out, {"render", "methods", "devices", "info", "bench", "Exit codes"}));
  EXPECT_TRUE(says(run({"render", "--help"}).out, {"INPUT", "--azimuth", "--gain"}));
  EXPECT_EQ(run({"--version"}).exit_code, 0);
}

TEST_F(Program, MeasuresAndWritesJsonCsvAndMarkdown) {
  const Outcome outcome =
      run({"bench", "-m", "cpu-naive", "-m", "cpu-vectorised", "-s", "300x40", "-s", "50x7x3",
           "--tiny", "--json", folder_.file("b.json"), "--csv", folder_.file("b.csv")});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const auto json = nlohmann::json::parse(read_bytes(folder_.file("b.json")));
  EXPECT_EQ(json["rows"].size(), 4u);
  for (const auto& row : json["rows"]) EXPECT_TRUE(row["is_right"]) << row;
  EXPECT_TRUE(says(read_bytes(folder_.file("b.csv")), {"problem,samples", "cpu-vectorised"}));
  const Outcome one = run({"bench", "ladder", "--problem", "head", "-m", "cpu-naive", "--tiny"});
  EXPECT_TRUE(says(one.out, {"| head: "}));
  EXPECT_EQ(one.out.find("notebook"), std::string::npos);
  const Outcome table = run({"bench", "-m", "cpu-naive", "-s", "300x40", "--tiny"});
  EXPECT_TRUE(says(table.out, {"| problem |", "`cpu-naive`", "The timer: "}));
}

TEST_F(Program, RefusesToMeasureWhatDoesNotExist) {
  const auto refuses = [&](std::vector<std::string> arguments,
                           std::initializer_list<std::string_view> parts) {
    arguments.insert(arguments.begin(), "bench");
    expect_refusal(run(arguments), 1, parts);
  };
  refuses({}, {"nothing to measure"});
  refuses({"speed"}, {"bench speed", "ladder", "peers"});
  refuses({"ladder", "--problem", "heads"}, {"--problem heads", "ladder"});
  refuses({"-s", "12"}, {"--size 12", "SAMPLESxTAPS"});
  refuses({"-s", "9x9", "-m", "cpu-fast"}, {"cpu-fast", "cpu-vectorised"});
  refuses({"-s", "9x9", "--seconds", "0"}, {"--seconds"});
  expect_refusal(run({"bench", "-s", "9x9", "-m", "gpu-fused", "--device", "cpu"}), 3,
                 {"gpu-fused", "none takes part"});
}

}  // namespace
}  // namespace gpuconv::test
