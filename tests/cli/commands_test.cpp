// commands_test.cpp - the commands beside render
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/methods/method.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

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
  // U+009B is what ESC [ is; U+00E4 and U+0120 are letters.
  expect_refusal(render(folder_.file("\xc2\x9b"
                                     "31m\xc3\xa4\xc4\xa0.wav"),
                        room_),
                 2,
                 {"/\\u009b"
                  "31m\xc3\xa4\xc4\xa0.wav"});
}

TEST_F(Program, DescribesAFile) {
  const Outcome outcome = run({"info", room_});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.out, {"16000", "300"}));
}

TEST_F(Program, TellsTheSmallestArcThatHoldsAllAzimuths) {
  const auto arc = [&](double first, double second) {
    SofaContents contents = small_sofa();
    contents["SourcePosition"].values = {first, 0, 1, second, 0, 1};
    write_sofa(folder_.file("head.sofa"), contents);
    return run({"info", folder_.file("head.sofa")}).out;
  };
  EXPECT_TRUE(says(arc(0, 90), {"azimuth    0.0 to 90.0 degrees, counter-clockwise"}));
  EXPECT_TRUE(says(arc(270, 90.5), {"azimuth    90.5 to 270.0 degrees, counter-clockwise"}));
  EXPECT_TRUE(says(arc(20, 350), {"azimuth    350.0 to 20.0 degrees through 0, counter"}));
  EXPECT_TRUE(says(arc(-30, 30), {"azimuth    -30.0 to 30.0 degrees, counter"}));
  EXPECT_TRUE(says(arc(-170, 170), {"azimuth    170.0 to 190.0 degrees, counter"}));
}

TEST_F(Program, HelpsAndTellsItsVersion) {
  EXPECT_TRUE(
      says(run({"--help"}).out, {"render", "methods", "devices", "info", "bench", "Exit codes"}));
  EXPECT_TRUE(says(run({"render", "--help"}).out, {"INPUT", "--azimuth", "--gain"}));
  EXPECT_EQ(run({"--version"}).exit_code, 0);
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_EQ(run({"help", "render"}).out, run({"render", "--help"}).out);
  EXPECT_EQ(run({"version"}).out, run({"--version"}).out);
}

TEST_F(Program, MeasuresAndWritesJsonAndMarkdown) {
  const Outcome outcome = run({"bench", "-m", "cpu-naive", "-m", "cpu-vectorised", "-s", "300x40",
                               "-s", "50x7x3", "--tiny", "--json", folder_.file("b.json")});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.out + outcome.err, "");
  const auto json = nlohmann::json::parse(read_bytes(folder_.file("b.json")));
  EXPECT_EQ(json["rows"].size(), 4u);
  for (const auto& row : json["rows"]) EXPECT_TRUE(row["is_right"]) << row;
  const Outcome one = run({"bench", "ladder", "--problem", "head", "-m", "cpu-naive", "--tiny"});
  EXPECT_TRUE(says(one.out, {"| 40x70: 40 x 70 ", "cores"}));
  EXPECT_EQ(one.out.find("head"), std::string::npos);
  const Outcome scaling = run({"bench", "scaling", "-m", "cpu-naive", "--tiny"});
  EXPECT_EQ(scaling.out.find("| 40x7: "), scaling.out.rfind("| 40x7: "));  // once
  const Outcome table = run({"bench", "-m", "cpu-naive", "-s", "300x40", "--tiny"});
  EXPECT_TRUE(says(table.out, {"| 300x40: 300 x 40 "}));
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
  refuses({"-m", "auto", "-s", "9x9"}, {"--method auto: ", "there are cpu-naive, "});
  refuses({"-s", "9x9", "--seconds", "0"}, {"--seconds"});
  refuses({"-s", "9x9", "--report", folder_.file("b"), "--json", folder_.file("b/index.html")},
          {"--report", "taken"});
  // Before the work, which may take minutes.
  expect_refusal(run({"bench", "ladder", "--report", "/dev/null/x"}), 2, {"/dev/null/x", "folder"});
  expect_refusal(run({"bench", "ladder", "--json", folder_.file("no/b.json")}), 2,
                 {"b.json", "folder"});
  expect_refusal(run({"bench", "-s", "9x9", "-m", "gpu-fused", "--device", "cpu"}), 3,
                 {"gpu-fused", "none takes part"});
}

}  // namespace
}  // namespace gpuconv::test
