// batch_test.cpp - many jobs in one process: what one of them meets is no other's business
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <tuple>

#include "cuda/runtime/device.hpp"
#include "tests/support/program.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

class BatchProgram : public Program {
 protected:
  Outcome batch(const std::string& table, std::vector<std::string> options = {}) const {
    write_bytes(list_, table);
    options.insert(options.begin(), {"batch", list_, "-o", out_, "--response", room_});
    return run(options);
  }
  std::string out(const std::string& name) const { return out_ + "/" + name; }
  std::string render_alone(const std::string& input, std::vector<std::string> options = {}) const {
    std::filesystem::remove(wet());
    EXPECT_EQ(render(input, room_, std::move(options)).exit_code, 0);
    return read_bytes(wet());
  }
  static std::int64_t lines_of(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  }

  const std::string list_ = folder_.file("list.csv");
  const std::string out_ = folder_.file("out/of/it");
  const std::string other_ = float_wav(folder_, "other.wav", 1, noise(777, 3));
};

TEST_F(BatchProgram, GivesTheBytesOfJobsDoneAlone) {
  for (const char* const method : {"cpu-vectorised", "gpu-fourstep", "gpu-tiled"}) {
    if (std::string_view(method).starts_with("gpu") && query_devices().list.empty()) continue;
    const std::string list =
        "input,output\n" + source_ + ",a.wav\n" + other_ + ",sub/b.wav\n" + source_ + ",c.flac\n";
    const Outcome outcome = batch(list, {"-m", method, "-g", "-30"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(says(outcome.err, {"1 of 3", "a.wav: 2299 frames", "3 of 3", method,
                                   "batch     3 of 3 done;", "x real time"}));
    EXPECT_EQ(read_bytes(out("a.wav")), render_alone(source_, {"-m", method, "-g", "-30"}));
    EXPECT_EQ(read_bytes(out("sub/b.wav")), render_alone(other_, {"-m", method, "-g", "-30"}));
    EXPECT_EQ(read_bytes(out("c.flac")).substr(0, 4), "fLaC");
  }
}

TEST_F(BatchProgram, OneBadFileOfAThousandIsOneLineAndExitCodeFour) {
  std::string list = "input,output\n";
  for (int i = 0; i < 1000; ++i) {
    list += (i == 500 ? folder_.file("missing.wav") : other_) + "," + std::to_string(i) + ".wav\n";
  }
  const Outcome outcome = batch(list, {"-q", "-m", "cpu-threads", "-g", "-40"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(lines_of(outcome.err), 1);
  EXPECT_TRUE(says(outcome.err, {"error: ", "missing.wav", "can not be opened"}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(out_), {}), 999);
  const std::string alone = render_alone(other_, {"-m", "cpu-threads", "-g", "-40"});
  for (const int i : {0, 499, 501, 999}) {
    EXPECT_EQ(read_bytes(out(std::to_string(i) + ".wav")), alone) << i;
  }
}

TEST_F(BatchProgram, TellsWhatFailedAndHowManyWereDone) {
  const Outcome outcome =
      batch("input,azimuth\n" + source_ + ",\n" + other_ + ",30\n" + room_ + ",\n", {"-g", "-40"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err, {"error: ", "--azimuth", "error: ", "room.wav: has 2 channels",
                                 "batch     1 of 3 done, 2 failed"}));
}

TEST_F(BatchProgram, RefusesAWrongListOrOptionBeforeTheWork) {
  const std::string twice = "input,output\n" + source_ + ",a.wav\n" + other_ + ",a.wav\n";
  const std::string good = "input\n" + source_ + "\n";
  for (const auto& [outcome, code, part] :
       {std::tuple{batch(twice), 2, "line 3: has the output of line 2"},
        std::tuple{batch(good, {"-m", "gpu-magic"}), 1, "no such method"},
        std::tuple{batch(good, {"--device", "tpu"}), 1, "--device tpu"}}) {
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_EQ(lines_of(outcome.err), 1) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"error: ", part}));
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

TEST_F(BatchProgram, ResumesWhatIsMissingOrNotWhole) {
  const std::vector<std::string> options{"-m", "cpu-threads", "-g", "-40", "--resume"};
  std::string list = "input,output\n";
  for (const char* const name : {"a.wav", "b.flac", "c.wav", "d.wav"}) {
    list += source_ + "," + name + "\n";
  }
  EXPECT_EQ(batch(list, options).exit_code, 0);
  const std::string whole = read_bytes(out("a.wav"));

  write_bytes(out("a.wav"), whole.substr(0, 5000));  // cut off
  const std::string flac = read_bytes(out("b.flac"));
  std::filesystem::remove(out("c.wav"));
  std::filesystem::copy(room_, out("d.wav"), std::filesystem::copy_options::overwrite_existing);
  const Outcome outcome = batch(list, options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"b.flac: complete", "batch     3 of 4 done, 1 complete before"}));
  for (const char* const name : {"a.wav", "c.wav", "d.wav"}) {
    EXPECT_EQ(read_bytes(out(name)), whole) << name;
  }
  EXPECT_EQ(read_bytes(out("b.flac")), flac);
  const Outcome again = batch(list, options);
  EXPECT_TRUE(says(again.err, {"batch     0 of 4 done, 4 complete before\n"}));
}

TEST_F(BatchProgram, ResumesNothingInAnotherFormatOrOfAnotherLength) {
  const std::string list = "input,output\n" + source_ + ",a.wav\n";
  EXPECT_EQ(batch(list, {"-q", "-g", "-40"}).exit_code, 0);
  const std::vector<std::vector<std::string>> changes{{"-b", "24"},
                                                      {"-b", "16", "--length", "same"}};
  for (const std::vector<std::string>& changed : changes) {
    std::vector<std::string> options{"-g", "-40", "--resume"};
    options.insert(options.end(), changed.begin(), changed.end());
    EXPECT_TRUE(says(batch(list, options).err, {"1 of 1 done;"})) << changed[1];
    EXPECT_TRUE(says(batch(list, options).err, {"0 of 1 done, 1 complete"})) << changed[1];
  }
}

TEST_F(BatchProgram, AHundredThousandLinesTakeNoMoreMemoryThanTheirNames) {
  std::string list = "input,output\n";
  for (int i = 0; i < 100'000; ++i) {
    list += "/nowhere/" + std::to_string(i) + ".wav," + std::to_string(i) + ".wav\n";
  }
  const Outcome outcome = batch(list, {"-m", "cpu-threads"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(lines_of(outcome.err), 100'001);
#ifndef GPUCONV_EMULATED  // a sanitizer keeps what was freed
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  EXPECT_LT(children.ru_maxrss, 256 << 10);  // KiB
#endif
}

TEST_F(BatchProgram, FailsWithFiveIfOnlyClippingWasWrong) {
  const std::string list = "input\n" + source_ + "\n" + other_ + "\n";
  const Outcome outcome = batch(list, {"-b", "16", "-g", "40", "--fail-on-clip"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_TRUE(says(outcome.err, {"source.wav: ", "clipped", "other.wav: ", "2 of 2 done"}));
}

TEST_F(BatchProgram, StopsAtASignalAndKeepsWhatIsDone) {
  std::string list = "input,output\n";
  for (int i = 0; i < 20'000; ++i) list += other_ + "," + std::to_string(i) + ".wav\n";
  write_bytes(list_, list);
  const Ended ended = run_program(
      {"batch", list_, "-o", out_, "--response", room_, "-g", "-40", "-m", "cpu-threads"}, {},
      {SIGINT, 1.0});
  EXPECT_EQ(ended.exit_code, 130) << ended.err.substr(0, 1000);
  EXPECT_TRUE(says(ended.err, {"stopped by a signal", "left: --resume goes on"}));
  const std::string first = read_bytes(out("0.wav"));
  std::int64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(out_)) {
    ++files;
    EXPECT_EQ(read_bytes(entry.path()), first) << entry.path();
  }
  EXPECT_GT(files, 0);
  EXPECT_LT(files, 20'000);
}

#ifdef GPUCONV_EMULATED  // which can be broken on purpose
// What CUDA calls sticky: nothing succeeds any more, so a thousand errors would say no more than
// one.
TEST_F(BatchProgram, StopsWhereTheGpuIsLostAndKeepsWhatIsDone) {
  std::string list = "input,output\n";
  for (int i = 0; i < 5; ++i) list += other_ + "," + std::to_string(i) + ".wav\n";
  write_bytes(list_, list);
  const std::vector<std::string> arguments{"batch", list_, "-o",  out_, "--response",
                                           room_,   "-g",  "-40", "-m", "gpu-direct"};
  const Ended whole = run_program(arguments);
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const std::string bytes = read_bytes(out("0.wav"));
  std::filesystem::remove_all(out_);
  for (const int call : {60, 120, 200}) {
    const Ended ended = run_program(arguments, {fmt::format("GPUCONV_EMULATED_FAIL={}:700", call)});
    EXPECT_EQ(ended.exit_code, 3) << ended.err;
    EXPECT_TRUE(says(ended.err, {"illegal address", "1 failed", "left: --resume goes on"}));
    for (const auto& entry : std::filesystem::directory_iterator(out_)) {
      EXPECT_EQ(read_bytes(entry.path()), bytes) << entry.path();
    }
    std::filesystem::remove_all(out_);
  }
  // Memory that is short once is another matter.
  const Ended once = run_program(arguments, {"GPUCONV_EMULATED_FAIL=120:2"});
  EXPECT_EQ(once.exit_code, 4) << once.err;
  EXPECT_TRUE(says(once.err, {"out of memory", "batch     4 of 5 done, 1 failed"}));
}
#endif

}  // namespace
}  // namespace gpuconv::test
