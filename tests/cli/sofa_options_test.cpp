// sofa_options_test.cpp - options that choose among what a SOFA file holds, as people type them
#include <nlohmann/json.hpp>

#include "tests/support/program_fixture.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

class SofaProgram : public Program {
 protected:
  SofaProgram() {
    SyntheticHead head;
    head.azimuths_clockwise = true;
    write_sofa(head_, sofa_of(head));
  }

  const std::string head_ = folder_.file("head.sofa");
};

TEST_F(SofaProgram, AsksOnceAndTakesEachAnswer) {
  expect_refusal(render(source_, head_, {"--azimuth", "90"}), 2,
                 {"head.sofa: receiver 0", "--azimuths clockwise", "--receivers 1,0"});
  for (const std::vector<std::string>& answer :
       {std::vector<std::string>{"--azimuths", "clockwise"}, {"--receivers", "1,0"}}) {
    std::vector<std::string> options{"-q", "-g", "-40", "--azimuth", "90"};
    options.insert(options.end(), answer.begin(), answer.end());
    const Outcome outcome = render(source_, head_, options);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
  }
  const Outcome stored =
      render(source_, head_, {"-q", "-g", "-40", "--azimuth", "90", "--azimuths", "as-stored"});
  EXPECT_EQ(stored.exit_code, 0);
  EXPECT_TRUE(says(stored.err, {"warning: ", "asked for on the left", "12.0 dB quieter"}));
}

TEST_F(SofaProgram, TakesTwoReceiversAndNothingElse) {
  for (const char* const text : {"1", "1,", ",1", "a,b", "1;0", "1,0,2", "-1,0", "1, 0"}) {
    const Outcome outcome = render(source_, head_, {"--receivers", text});
    EXPECT_EQ(outcome.exit_code, 1) << text;
    EXPECT_TRUE(is_empty_of_output());
  }
  expect_refusal(render(source_, head_, {"--receivers", "0,2"}), 1,
                 {"--receivers 2", "has 2 receivers, 0 to 1"});
}

TEST_F(SofaProgram, DescribesListsAndWritesJson) {
  const Outcome lines = run({"info", head_, "--directions", "--azimuths", "clockwise"});
  EXPECT_EQ(lines.exit_code, 0);
  EXPECT_TRUE(says(lines.out, {"measurement,emitter,azimuth,elevation,distance\n0,0,"}));
  EXPECT_EQ(std::ranges::count(lines.out, '\n'), 25);
  const auto json = nlohmann::json::parse(run({"info", head_, "--json"}).out);
  EXPECT_EQ(json["container"], "SOFA");
  EXPECT_TRUE(json.contains("problem"));
  EXPECT_EQ(run({"info", room_, "--directions"}).exit_code, 1);
}

TEST_F(SofaProgram, TellsOfEachDirectionWhichEarHearsFirst) {
  const auto acoustics = [&](const std::string& azimuth) {
    return run(
        {"info", head_, "--acoustics", "--json", "--azimuths", "clockwise", "--azimuth", azimuth});
  };
  const auto left = nlohmann::json::parse(acoustics("90").out);
  const auto right = nlohmann::json::parse(acoustics("-90").out);
  EXPECT_GT(left["itd_s"].get<double>(), 0);
  EXPECT_GT(left["bands"][0]["ild_db"].get<double>(), 0);
  EXPECT_LT(right["itd_s"].get<double>(), 0);
  EXPECT_LT(right["bands"][0]["ild_db"].get<double>(), 0);
  const Outcome stored =
      run({"info", head_, "--acoustics", "--azimuths", "as-stored", "--azimuth", "90"});
  EXPECT_EQ(stored.exit_code, 0);
  EXPECT_TRUE(says(stored.out, {"right ear first"}));
  EXPECT_TRUE(says(stored.err, {"warning: ", "asked for on the left"}));
  EXPECT_EQ(run({"info", head_, "--acoustics"}).exit_code, 2);  // it asks which ears are which
  EXPECT_EQ(run({"info", head_, "--azimuth", "90"}).exit_code, 1);
  EXPECT_EQ(run({"info", head_, "--acoustics", "--directions"}).exit_code, 1);
  EXPECT_EQ(run({"info", source_, "--acoustics"}).exit_code, 0);  // one channel for both ears
  const Outcome plotted =
      run({"info", head_, "--plot", "-", "--azimuths", "as-stored", "--azimuth", "90"});
  EXPECT_EQ(plotted.exit_code, 0);
  EXPECT_TRUE(plotted.out.starts_with("<svg "));
  EXPECT_EQ(run({"info", source_, "--plot", source_}).exit_code, 1);  // ends in .wav
}

}  // namespace
}  // namespace gpuconv::test
