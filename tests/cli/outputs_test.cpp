// outputs_test.cpp - what the program writes besides the wet file, and where
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cuda/runtime/device.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

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
  expect_refusal(into("-", {"--json", "-"}), 1, {"--json -: standard output is already OUTPUT"});
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

TEST_F(Program, WritesToAPipe) {
  const std::string command = quoted(GPUCONV_PROGRAM) + " render " + quoted(source_) + " " +
                              quoted(room_) + " /dev/stdout -q -g -40 | wc -c >" +
                              quoted(logs_.file("out"));
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_GT(std::stol(read_bytes(logs_.file("out"))), 2299 * 8);
}

}  // namespace
}  // namespace gpuconv::test
