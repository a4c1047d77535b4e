// batch_lists_test.cpp - what the columns of a list do to the sound
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/child.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

class BatchLists : public Program {
 protected:
  Outcome batch(const std::string& name, const std::string& list,
                std::vector<std::string> options = {}) const {
    write_bytes(folder_.file(name), list);
    options.insert(options.begin(), {"batch", folder_.file(name), "-o", out_, "--response", room_,
                                     "-m", "cpu-threads", "-g", "-40"});
    return run(options);
  }
  std::string out(const std::string& name) const { return read_bytes(out_ + "/" + name); }

  /// What `render` makes of these samples.
  std::string rendered(const std::vector<float>& samples, const char* gain = "-40") const {
    const std::string dry = float_wav(folder_, "part.wav", 1, samples);
    EXPECT_EQ(render(dry, room_, {"-m", "cpu-threads", "-g", gain}).exit_code, 0);
    return read_bytes(wet());
  }
  std::vector<float> part(std::size_t begin, std::size_t end) const {
    return {sound_.begin() + static_cast<std::ptrdiff_t>(begin),
            sound_.begin() + static_cast<std::ptrdiff_t>(end)};
  }

  const std::string out_ = folder_.file("out");
  const std::vector<float> sound_ = noise(16'000, 4);
  const std::string call_ = float_wav(folder_, "call.wav", 1, sound_);
};

TEST_F(BatchLists, APartIsConvolvedAsAFileOfItsOwn) {
  const Outcome outcome =
      batch("list.csv", "input,offset,duration,gain,output\n" + call_ + ",0.25,0.125,,a.wav\n" +
                            call_ + ",0.5,,,b.wav\n" + call_ + ",,0.5,-20,c.wav\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(out("a.wav"), rendered(part(4000, 6000)));
  EXPECT_EQ(out("b.wav"), rendered(part(8000, 16'000)));
  EXPECT_EQ(out("c.wav"), rendered(part(0, 8000), "-60"));
}

TEST_F(BatchLists, AChannelIsChosenByItsLine) {
  std::vector<float> both;
  for (std::size_t n = 0; n < 1000; ++n) both.insert(both.end(), {sound_[n], sound_[n + 1000]});
  const std::string two = float_wav(folder_, "two.wav", 2, both);
  const Outcome outcome =
      batch("list.csv", "input,channel,id\n" + two + ",1,a\n" + two + ",2,b\n" + two + ",3,c\n");
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err, {"list.csv: line 4: ", "two.wav: has no channel 3 (limit 1..2)"}));
  EXPECT_EQ(out("a.wav"), rendered(part(0, 1000)));
  EXPECT_EQ(out("b.wav"), rendered(part(1000, 2000)));
}

TEST_F(BatchLists, APartBeyondTheEndFailsAlone) {
  const Outcome outcome =
      batch("a.json", R"({"audio_filepath": "call.wav", "offset": 7, "duration": 1}
{"audio_filepath": "call.wav", "offset": 0.5, "duration": 0.51}
{"audio_filepath": "call.wav", "offset": 0.75, "duration": 0.5}
)");
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err,
                   {"a.json: line 1: ", "offset 7 s is not before its end, 1 s", "a.json: line 3: ",
                    "offset 0.75 s and duration 0.5 s go beyond its end, 1 s", "1 of 3 done"}));
  EXPECT_EQ(out("call-0.5.wav"), rendered(part(8000, 16'000)));
}

TEST_F(BatchLists, KaldisArchivesAndCommands) {
  const std::string a = read_bytes(float_wav(folder_, "x.wav", 1, part(0, 3000)));
  const std::string b = read_bytes(float_wav(folder_, "x.wav", 1, part(3000, 5000)));
  const std::string ark = folder_.file("wav.ark");
  write_bytes(ark, "a " + a + "b " + b);
  const std::string archives =
      fmt::format("a {}:2\nb {}:{}\nno {}:3\n", ark, ark, 4 + a.size(), ark);
  const Outcome outcome = batch("wav.scp", archives);
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err, {"wav.scp: line 3: ", "wav.ark: no WAV begins at byte 3"}));
  EXPECT_EQ(out("a.wav"), rendered(part(0, 3000)));
  EXPECT_EQ(out("b.wav"), rendered(part(3000, 5000)));

  const std::string commands = "c cat " + call_ + " |\nd cat " + call_ + "; exit 7 |\n";
  EXPECT_EQ(batch("wav.scp", commands).exit_code, 2);
  const Outcome run = batch("wav.scp", commands, {"--allow-commands"});
  EXPECT_EQ(run.exit_code, 4);
  EXPECT_TRUE(says(run.err, {"wav.scp: line 2: ", "the command failed (exit code 7)"}));
  EXPECT_EQ(out("c.wav"), rendered(sound_));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/d.wav"));
}

TEST_F(BatchLists, ASignalEndsTheCommandThatSaysNothing) {
  const std::string pid_file = folder_.file("pid");
  write_bytes(folder_.file("wav.scp"), "u echo $$ >" + pid_file + "; sleep 100; echo |\n");
  for (const int signals : {1, 2}) {  // the second one leaves without the destructors
    std::filesystem::remove(pid_file);
    Child child(
        {"batch", folder_.file("wav.scp"), "-o", out_, "--response", room_, "--allow-commands"},
        logs_.file("err"));
    ASSERT_TRUE(eventually([&] { return read_bytes(pid_file).ends_with('\n'); }));
    const int command = std::stoi(read_bytes(pid_file));
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < signals; ++i) child.send(SIGTERM);
    EXPECT_EQ(child.wait(), 128 + SIGTERM);
    EXPECT_LT(seconds_since(start), 10);
    EXPECT_TRUE(eventually([&] {
      // Where nobody reaps orphans, one stays as a zombie.
      const std::string state = read_bytes("/proc/" + std::to_string(command) + "/stat");
      return state.empty() || state.find(") Z ") != state.npos;
    }));
  }
}

TEST_F(BatchLists, AListMayComeThroughAPipe) {
  write_bytes(folder_.file("list"), "u " + call_ + "\n");
  const Outcome outcome = run({"batch", "-", "-o", out_, "--response", room_, "--list-format",
                               "kaldi", "-g", "-40", "-m", "cpu-threads"},
                              "<" + folder_.file("list"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(out("u.wav"), rendered(sound_));
}

TEST_F(BatchLists, PathsBeginWhereTheOptionSays) {
  const std::string list = "input\ncall.wav\n";
  const Outcome here = batch("list.csv", list);
  EXPECT_EQ(here.exit_code, 4);
  EXPECT_TRUE(says(here.err, {"line 2: call.wav: cannot be opened"}));
  EXPECT_EQ(batch("list.csv", list, {"--paths", "list"}).exit_code, 0);
  EXPECT_EQ(out("call.wav"), rendered(sound_));
}

TEST_F(BatchLists, ResumeSeesEachChangeOfALine) {
  const auto expect_done = [&](const std::string& columns, const std::string& values, bool is_new) {
    const Outcome outcome =
        batch("list.csv", "input,output" + columns + "\n" + call_ + ",a.wav" + values + "\n",
              {"--resume"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {is_new ? "1 of 1 done;" : "0 of 1 done, 1 complete before"}))
        << columns << values;
  };
  expect_done("", "", true);
  expect_done("", "", false);
  for (const auto& [column, value] : {std::pair{"offset", "0.25"},
                                      {"offset", "0.5"},
                                      {"duration", "0.5"},
                                      {"gain", "-1"},
                                      {"channel", "1"}}) {
    expect_done(std::string(",") + column, std::string(",") + value, true);
    expect_done(std::string(",") + column, std::string(",") + value, false);
  }
  expect_done(",text", ",hello", true);
  expect_done(",text", ",bye", false);
}

TEST_F(BatchLists, NamesUnknownColumnsOnceAndRefusesAGainThatNormUndoes) {
  const std::string list = "input,text,speaker\n" + call_ + ",a,b\n" + source_ + ",c,d\n";
  const Outcome outcome = batch("list.csv", list, {"-q"});
  EXPECT_EQ(outcome.err, "warning: " + folder_.file("list.csv") +
                             ": gpuconv passes the columns text, speaker on to the results\n");
  write_bytes(folder_.file("list.csv"), "input,gain\n" + source_ + ",\n" + call_ + ",3\n");
  const Outcome norm =
      run({"batch", folder_.file("list.csv"), "-o", out_, "--response", room_, "--norm"});
  EXPECT_EQ(norm.exit_code, 2);
  EXPECT_TRUE(says(norm.err, {"line 3: has a gain, which --norm or --level would undo"}));
}

}  // namespace
}  // namespace gpuconv::test
