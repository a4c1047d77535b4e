// batch_test.cpp - many jobs in one process: what one of them meets is no other's business
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <tuple>

#include "cuda/runtime/device.hpp"
#include "tests/support/filled_pipe.hpp"
#include "tests/support/program.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/specimens.hpp"

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
  /// All files but the journal and the results.
  std::vector<std::string> outputs() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(out_)) {
      const std::string name = entry.path().filename();
      if (name != ".gpuconv-batch" && name != "results.jsonl") paths.push_back(entry.path());
    }
    return paths;
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
  EXPECT_TRUE(says(outcome.err, {"error: ", "missing.wav", "cannot be opened"}));
  EXPECT_EQ(outputs().size(), 999u);
  const std::string alone = render_alone(other_, {"-m", "cpu-threads", "-g", "-40"});
  for (const int i : {0, 499, 501, 999}) {
    EXPECT_EQ(read_bytes(out(std::to_string(i) + ".wav")), alone) << i;
  }
}

TEST_F(BatchProgram, TellsOnceWhatIsWrongForAllLines) {
  const std::string list = "input\n" + source_ + "\n" + other_ + "\n";
  const auto refuses = [&](std::vector<std::string> options, int code, const char* part) {
    write_bytes(list_, list);
    options.insert(options.begin(), {"batch", list_});
    const Outcome outcome = run(options);
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_EQ(lines_of(outcome.err), 1) << outcome.err;
    EXPECT_TRUE(says(outcome.err, {"error: ", part}));
    EXPECT_FALSE(std::filesystem::exists(out_));
  };
  const std::string missing = folder_.file("missing.wav");
  refuses({"-o", out_, "--response", missing}, 2, "missing.wav: cannot be opened");
  refuses({"-o", out_, "--response", source_}, 2, "source.wav: has 1 channel");
  refuses({"-o", out_, "--response", room_, "--azimuth", "30"}, 1, "room.wav: --azimuth");
  refuses({"-o", room_, "--response", room_}, 2, "room.wav: is not a folder");
  refuses({"-o", "/dev/null/out", "--response", room_}, 2, "/dev/null/out: cannot be made");
  // A response that no line uses may be anything.
  write_bytes(list_, "input,response\n" + source_ + "," + room_ + "\n");
  EXPECT_EQ(run({"batch", list_, "-o", out_, "--response", missing, "-g", "-40"}).exit_code, 0);
}

TEST_F(BatchProgram, TellsWhatFailedAndHowManyWereDone) {
  const Outcome outcome =
      batch("input,azimuth\n" + source_ + ",\n" + other_ + ",30\n" + room_ + ",\n", {"-g", "-40"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err, {"error: ", "--azimuth", "error: ", "room.wav: has 2 channels",
                                 "list.csv: line 3: ", "list.csv: line 4: ",
                                 "batch     1 of 3 done, 2 failed"}));
}

TEST_F(BatchProgram, RefusesAWrongListOrOptionBeforeTheWork) {
  const std::string twice = "input,output\n" + source_ + ",a.wav\n" + other_ + ",a.wav\n";
  const std::string good = "input\n" + source_ + "\n";
  for (const auto& [outcome, code, part] :
       {std::tuple{batch(twice), 2, "line 3: has the output of line 2"},
        std::tuple{batch(good, {"-m", "gpu-magic"}), 1, "no such method"},
        std::tuple{batch(good, {"--device", "tpu"}), 1, "--device tpu"},
        std::tuple{batch(good, {"-m", "cpu-threads", "--device", "cuda"}), 1, "runs on the CPU"},
        std::tuple{batch(good, {"-m", "cpu-threads", "--device", "tpu"}), 1, "tpu"},
        std::tuple{batch(good, {"-b", "17"}), 1, "--bits: '17', expected 16|24|32"},
        std::tuple{batch(good, {"--predelay", "long"}), 1, "--predelay long"}}) {
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
  std::vector<std::string> careful = options;
  careful.insert(careful.end(), {"--no-clobber", "--fail-on-clip", "-q"});
  const Outcome kept = batch(list, careful);
  EXPECT_EQ(kept.exit_code, 0) << "no output depends on that";
  EXPECT_EQ(kept.err, "");
}

TEST_F(BatchProgram, ResumesNothingThatWasMadeFromSomethingElse) {
  const std::string head = folder_.file("head.sofa");
  write_bytes(head, sofa_specimen().bytes);
  const std::string list = "input,output,response,azimuth\n" + source_ + ",a.wav,,\n" + other_ +
                           ",b.wav," + head + ",0\n";
  std::vector<std::string> options{"-g", "-40", "--resume"};
  const auto expect_done = [&](const std::string& table, const char* totals) {
    EXPECT_TRUE(says(batch(table, options).err, {totals}));
    EXPECT_TRUE(says(batch(table, options).err, {"0 of 2 done, 2 complete before"})) << totals;
  };
  expect_done(list, "2 of 2 done;");
  options.insert(options.end(), {"-b", "24"});
  expect_done(list, "2 of 2 done;");
  options.insert(options.end(), {"--length", "same"});
  expect_done(list, "2 of 2 done;");
  write_bytes(source_, read_bytes(float_wav(folder_, "new.wav", 1, noise(2000, 9))));
  expect_done(list, "1 of 2 done, 1 complete before;");
  write_bytes(room_, read_bytes(float_wav(folder_, "new.wav", 2, noise(600, 9))));
  expect_done(list, "1 of 2 done, 1 complete before;");
  std::string turned = list;
  turned.replace(turned.rfind(",0\n"), 3, ",90\n");  // of as many taps
  expect_done(turned, "1 of 2 done, 1 complete before;");
}

TEST_F(BatchProgram, ReadsAPipeOnceAndNeverCallsItComplete) {
  const std::string list = "input,output\n/dev/stdin,a.wav\n";
  const std::string samples(2 * 5000, '\1');
  for (int time = 0; time < 2; ++time) {
    write_bytes(list_, list);
    const FilledPipe pipe(samples);
    const std::string path =
        fmt::format("/proc/{}/fd{}", ::getpid(), pipe.path().substr(pipe.path().rfind('/')));
    const Outcome outcome = run({"batch", list_, "-o", out_, "--response", room_, "-g", "-40",
                                 "--raw-rate", "16000", "--resume"},
                                "<" + path);
    EXPECT_TRUE(says(outcome.err, {"5299 frames", "1 of 1 done;"}));
  }
}

TEST_F(BatchProgram, DoesAgainWhatAJournalDoesNotKnow) {
  const std::string list = "input,output\n" + source_ + ",a.wav\n" + other_ + ",b.wav\n";
  EXPECT_EQ(batch(list, {"-q", "-g", "-40"}).exit_code, 0);
  const std::string journal = out(".gpuconv-batch");
  const std::string lines = read_bytes(journal);
  EXPECT_EQ(lines_of(lines), 3) << "how it began, and two jobs";
  write_bytes(journal, lines.substr(0, lines.size() - 10));  // killed while it wrote
  EXPECT_TRUE(says(batch(list, {"-g", "-40", "--resume"}).err, {"1 of 2 done, 1 complete before"}));
  const Outcome whole = batch(list, {"-g", "-40", "--resume"});
  EXPECT_TRUE(says(whole.err, {"0 of 2 done, 2 complete before"})) << "the torn line took another";
  std::filesystem::remove(journal);
  std::filesystem::create_directory(journal);
  const Outcome outcome = batch(list, {"-g", "-40", "--resume"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"2 of 2 done;", "warning: ", "no journal", "--resume"}));
}

TEST_F(BatchProgram, FallsBackToTheCpuWhereThereIsNoGpuIfAskedTo) {
  const std::string list = "input,output\n" + source_ + ",a.wav\n";
  std::vector<std::string> options{"-g", "-40", "--device", "cuda:7"};
  EXPECT_EQ(batch(list, options).exit_code, 3);
  options.insert(options.end(), {"--fallback", "cpu"});
  const Outcome outcome = batch(list, options);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"warning: ", "cuda:7", "done on the CPU", "1 of 1 done"}));
}

TEST_F(BatchProgram, WarnsOfADirectionThatWasNotMeasured) {
  const std::string head = folder_.file("head.sofa");
  write_bytes(head, sofa_specimen().bytes);
  const std::string columns = "input,response,azimuth\n";
  const Outcome outcome = batch(columns + source_ + "," + head + ",-90\n", {"-q", "-g", "-60"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"warning: ", "head.sofa: the nearest measurement is 90 degrees"}));
  // Of several, one line with the worst.
  const Outcome three = batch(columns + source_ + "," + head + ",-60\n" + other_ + "," + head +
                                  ",-90\n" + room_ + "," + room_ + ",\n",
                              {"-q", "-g", "-60", "--channel", "1"});
  EXPECT_EQ(three.exit_code, 0) << three.err;
  EXPECT_EQ(std::ranges::count(three.err, '\n'), 1) << three.err;
  EXPECT_TRUE(says(three.err, {"warning: 2 of 3 outputs have a measurement that is not near",
                               "head.sofa: the nearest measurement is 90 degrees away"}));
  const Outcome wrong = batch(columns + source_ + "," + head + ",400\n", {"-q"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_TRUE(says(wrong.err, {"list.csv: line 2: azimuth 400 (limit -360..360 degrees)"}));
}

TEST_F(BatchProgram, SuggestsWhereRelativePathsBeginIfNoInputIsThere) {
  // The tests run in another folder.
  const std::string name = std::filesystem::path(source_).filename();
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{}, {"--dry-run"}}) {
    const Outcome outcome = batch("input\n" + name + "\nmissing.wav\n", options);
    EXPECT_EQ(outcome.exit_code, 4);
    EXPECT_TRUE(says(outcome.err, {"warning: ", "no recording can be opened; ",
                                   name + " is there: use --paths list"}));
  }
  EXPECT_TRUE(says(batch("input\nmissing.wav\n").err,
                   {"their paths begin at the current folder, with --paths list at the folder of "
                    "the list"}));
  const Outcome some = batch("input\n" + source_ + "\nmissing.wav\n", {"-g", "-40"});
  EXPECT_EQ(some.err.find("no recording can be opened"), std::string::npos);
  EXPECT_EQ(batch("input\n/missing.wav\n").err.find("--paths"), std::string::npos);
}

TEST_F(BatchProgram, KeepsNoJournalInAFileThatALinkLeadsTo) {
  const std::string diary = folder_.file("diary");
  write_bytes(diary, "mine");
  std::filesystem::create_directories(out_);
  std::filesystem::create_symlink(diary, out(".gpuconv-batch"));
  const Outcome outcome = batch("input,output\n" + source_ + ",a.wav\n", {"-g", "-40"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"1 of 1 done;", "warning: ", "no journal"}));
  EXPECT_EQ(read_bytes(diary), "mine");
}

TEST_F(BatchProgram, AHundredThousandLinesTakeNoMoreMemoryThanTheirNames) {
#ifdef GPUCONV_EMULATED  // slow, and its sanitizer keeps what was freed
  constexpr int kLines = 1'000;
#else
  constexpr int kLines = 100'000;
#endif
  std::string list = "input,output\n";
  for (int i = 0; i < kLines; ++i) {
    list += "/nowhere/" + std::to_string(i) + ".wav," + std::to_string(i) + ".wav\n";
  }
  const Outcome outcome = batch(list, {"-m", "cpu-threads"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_EQ(lines_of(outcome.err), kLines + 1);
#ifndef GPUCONV_EMULATED
  EXPECT_LT(outcome.most_memory, 256 << 10);  // KiB
#endif
}

TEST_F(BatchProgram, FailsWithFiveIfOnlyClippingWasWrong) {
  const std::string list = "input\n" + source_ + "\n" + other_ + "\n";
  const Outcome outcome = batch(list, {"-b", "16", "-g", "40", "--fail-on-clip"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_TRUE(says(outcome.err, {"source.wav: ", " clipped", "other.wav: ", "2 of 2 done"}));
  const Outcome again = batch(list, {"-b", "16", "-g", "40", "--fail-on-clip", "--resume"});
  EXPECT_EQ(again.exit_code, 5) << "what was clipped before is clipped still";
  EXPECT_TRUE(says(again.err, {"2 complete before"}));
}

TEST_F(BatchProgram, LeavesAndCountsTheFurtherOutputsOfAnOlderBatch) {
  const std::string list =
      "input,output\n" + source_ + ",a.wav\n" + other_ + ",b.wav\n" + source_ + ",a.early.wav\n";
  ASSERT_EQ(batch("input,output\n" + source_ + ",a.wav\n" + other_ + ",b.wav\n",
                  {"-q", "-g", "-40", "--early", "2", "--late", "2"})
                .err,
            "");
  const std::string early = read_bytes(out("b.early.wav"));
  const Outcome outcome = batch(list, {"-q", "-g", "-40", "--late", "2"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err,
            "warning: 1 file of older batches with --early or --late stands beside new "
            "outputs, such as " +
                out("b.early.wav") + ": gpuconv left it as it was\n");
  EXPECT_EQ(read_bytes(out("b.early.wav")), early);
  EXPECT_EQ(batch(list, {"-q", "-g", "-40", "--late", "2", "--resume"}).err, "")
      << "nothing is new";
}

TEST_F(BatchProgram, WarnsOnceOfPartsThatHoldNothing) {
  const std::string list = "input,output\n" + source_ + ",a.wav\n" + other_ + ",b.wav\n";
  const Outcome outcome = batch(list, {"-q", "-g", "-40", "--late", "900"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"room.wav: --late 900: the response never sounds longer than"}));
  EXPECT_EQ(lines_of(outcome.err), 1);
}

TEST_F(BatchProgram, SumsUpWhatIsTooLoudAtItsEnd) {
  const std::string loud = float_wav(folder_, "loud.wav", 1, {0.5f, -1, 1});
  const std::string louder = float_wav(folder_, "louder.wav", 1, {4, 0.1f});
  const std::string quiet = float_wav(folder_, "quiet.wav", 1, {0.1f});
  const std::string unit = float_wav(folder_, "unit.wav", 2, {2, 1});
  const std::string list = "input,response\n" + loud + "," + unit + "\n" + louder + "," + unit +
                           "\n" + quiet + "," + unit + "\n";
  const auto warnings = [&](std::vector<std::string> options) {
    options.push_back("-q");
    return batch(list, options).err;
  };
  // 8 is 18.06 dB above full scale.
  EXPECT_EQ(warnings({"-b", "16"}), "warning: 2 of 3 outputs are clipped, most of all " + out_ +
                                        "/louder.wav; use --gain -18.1 or a float output\n");
  EXPECT_EQ(warnings({}), "warning: 2 of 3 outputs are above full scale, most of all " + out_ +
                              "/louder.wav: these files keep it, but players will clip; --gain "
                              "-18.1 avoids that\n");
  EXPECT_EQ(warnings({"-b", "16", "--gain", "-10"}),
            "warning: 1 of 3 outputs is clipped, most of all " + out_ +
                "/louder.wav; use --gain -18.1 or a float output\n");
  EXPECT_EQ(warnings({"-b", "16", "--gain", "-18.1"}), "");
}

TEST_F(BatchProgram, StopsAtASignalAndKeepsWhatIsDone) {
#ifdef GPUCONV_EMULATED
  constexpr double kSecondsOfWork = 6;  // sanitizers take long to read the list
#else
  constexpr double kSecondsOfWork = 2;
#endif
  std::string list = "input,output\n";
  for (int i = 0; i < 20'000; ++i) list += other_ + "," + std::to_string(i) + ".wav\n";
  write_bytes(list_, list);
  const Ended ended = run_program(
      {"batch", list_, "-o", out_, "--response", room_, "-g", "-40", "-m", "cpu-threads"}, {},
      {SIGINT, kSecondsOfWork});
  EXPECT_EQ(ended.exit_code, 130) << ended.err.substr(0, 1000);
  EXPECT_TRUE(says(ended.err, {"stopped by a signal", "left: --resume goes on"}));
  const std::string first = read_bytes(out("0.wav"));
  for (const std::string& path : outputs()) EXPECT_EQ(read_bytes(path), first) << path;
  EXPECT_GT(outputs().size(), 0u);
  EXPECT_LT(outputs().size(), 20'000u);
}

#ifdef GPUCONV_EMULATED  // which can be broken on purpose
// Of a name of its own, since tools/tests.sh runs Batch* in the plain build only.
class GpuBatchProgram : public BatchProgram {};

// What CUDA calls sticky: nothing succeeds any more, so a thousand errors would say no more than
// one.
TEST_F(GpuBatchProgram, StopsWhereTheGpuIsLostAndKeepsWhatIsDone) {
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
    if (!std::filesystem::exists(out_)) continue;
    for (const std::string& path : outputs()) EXPECT_EQ(read_bytes(path), bytes) << path;
    std::filesystem::remove_all(out_);
  }
  // Where the CPU may help, it does, and the batch says so once.
  std::vector<std::string> falling = arguments;
  falling.insert(falling.end(), {"--fallback", "cpu", "-q"});
  const Ended fallen = run_program(falling, {"GPUCONV_EMULATED_FAIL=60:700"});
  EXPECT_EQ(fallen.exit_code, 0) << fallen.err;
  EXPECT_EQ(outputs().size(), 5u);
  EXPECT_EQ(lines_of(fallen.err), 1) << fallen.err;
  // Memory that is short once is another matter.
  const Ended once = run_program(arguments, {"GPUCONV_EMULATED_FAIL=120:2"});
  EXPECT_EQ(once.exit_code, 4) << once.err;
  EXPECT_TRUE(says(once.err, {"out of memory", "batch     4 of 5 done, 1 failed"}));
}
#endif

}  // namespace
}  // namespace gpuconv::test
