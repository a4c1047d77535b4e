// refusals_test.cpp - what the program refuses, in one line and without an output
#include <gtest/gtest.h>
#include <sys/statvfs.h>

#include <cmath>

#include "tests/support/noise.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

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
  expect_refusal(render(source_, room_, {"-m", "cpu-threads", "--device", "cuda"}), 1,
                 {"cpu-threads runs on the CPU", "--device cuda asks for a GPU"});
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

TEST_F(Program, TakesDecimalNumbersOnly) {
  const auto numbers = [&](const std::string& option, std::initializer_list<const char*> values,
                           const char* expected) {
    for (const char* const value : values) {
      expect_refusal(render(source_, room_, {option, value}), 1, {option, value, expected});
    }
  };
  numbers("--raw-rate", {"0x10", "1e4", "16000.0", "16 000", "0", "99999999999999999999"},
          "whole number");
  numbers("--channel", {"0x1", "-1", "1.5", "one"}, "whole number");
  numbers("--gain", {"0x3", "inf", "-nan", "3dB", " 3", "+-3", "1e400", "201"},
          "dB from -200 to 200");
  numbers("--azimuth", {"0x1e", "361", "1e400", "left"}, "degrees from -360 to 360");
  numbers("--max-gpu-mem", {"0x10000000", "0x5MB"}, "500MB");
  numbers("--predelay", {"0x10ms", "1e-400s", "nanms", "5"}, "20ms");
  expect_refusal(run({"bench", "--seconds", "nan"}), 1, {"--seconds", "nan"});
  // What begins with 0 is no octal number.
  expect_refusal(render(source_, room_, {"--channel", "010"}), 2, {"has no channel 10 "});
  const std::string raw = folder_.file("samples.raw");
  write_bytes(raw, std::string(2000, '\1'));
  const Outcome outcome = render(raw, room_, {"--raw-rate", "016000", "-g", "+0010"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {" at 16000 Hz"}));
}

TEST_F(Program, RefusesEmptyValues) {
  for (const char* const option : {"--azimuth", "--json", "--method", "--predelay", "--bits"}) {
    expect_refusal(render(source_, room_, {option, ""}), 1, {option});
  }
  expect_refusal(render(source_, room_, {"--json", ""}), 1, {"--json: is empty"});
  expect_refusal(render(source_, room_, {"--norm="}), 1, {"--norm=: is empty"});
  expect_refusal(run({"render", source_, room_, ""}), 1, {"OUTPUT: is empty"});
  expect_refusal(run({"render", "", room_, wet()}), 1, {"INPUT: is empty"});
  expect_refusal(run({""}), 1, {"unknown command ''"});
}

TEST_F(Program, NamesWhatIsWrongWithACommandLine) {
  const auto refuses = [&](std::vector<std::string> more,
                           std::initializer_list<std::string_view> parts) {
    expect_refusal(render(source_, room_, std::move(more)), 1, parts);
  };
  refuses({"--azimut", "3"}, {"--azimut; did you mean --azimuth?", "'gpuconv render --help'"});
  refuses({"-gain", "3"}, {"-gain: did you mean --gain?"});
  for (const std::string norm : {"--norm", "--norm=-3"}) {
    refuses({"--gain", "3", norm}, {" cannot be combined with ", "--gain", "--norm"});
    refuses({norm, "-g", "0"}, {" cannot be combined with ", "--gain", "--norm"});
  }
  refuses({"--norm", "-1"}, {"--norm takes its level with '=': --norm=-1"});
  refuses({"more.wav"}, {"'more.wav' is one too many", "INPUT is '", "OUTPUT is '"});
  refuses({"--gain"}, {"--gain: its value is missing"});
  refuses({"--gain", "1", "--gain", "2"}, {"--gain: is given more than once"});
  refuses({"--tiny"}, {"render has no option --tiny; bench has"});
  refuses({"-qx"}, {"render has no option -x"});
  refuses({"--", "-q"}, {"-q stands after '--', where only files may"});
  expect_refusal(run({"render", source_, room_, "-wet.wav"}), 1,
                 {"no option -wet.wav; a file of that name is ./-wet.wav"});
  expect_refusal(run({"--quiet", "render", source_, room_, wet()}), 1,
                 {"--quiet belongs after the command: gpuconv render --quiet"});
  expect_refusal(run({"--gain=3", "render", source_, room_, wet()}), 1,
                 {"gpuconv render --gain=3"});
  expect_refusal(run({"--tiny", "render", source_}), 1, {"unknown option --tiny before a command"});
  expect_refusal(run({"info", source_, room_}), 1, {"room.wav' is one too many: FILE is '"});
  expect_refusal(run({}), 1, {"a command is missing: render, batch"});
  expect_refusal(run({"help", "rendre"}), 1, {"unknown command 'rendre' (commands: render"});
}

TEST_F(Program, SaysWhichFileIsInTheWrongPlace) {
  expect_refusal(run({"render", folder_.file("head.sofa"), room_, wet()}), 2,
                 {"head.sofa: is a SOFA file, a response, which comes second"});
  expect_refusal(run({"render", source_, room_, room_}), 2,
                 {"room.wav: is the same file as the response '"});
  expect_refusal(run({"render", source_, room_, folder_.file("out")}), 1,
                 {"out: has no extension, such as .wav"});
  expect_refusal(run({"render", source_, room_, folder_.file("out.wav/")}), 1,
                 {"out.wav/: names a folder"});
  const std::string slow = float_wav(folder_, "slow.wav", 2, {1, 1}, 1);
  expect_refusal(render(source_, slow), 2, {"slow.wav: sample rates 1 and 16000 Hz are too far"});
  expect_refusal(run({"render", "-", room_, "-", "--norm"}), 1,
                 {"--norm cannot go from standard input to standard output: give one"});
  expect_refusal(render(source_, room_, {"--device", "cuda:x"}), 1, {"cuda:x", "a number N"});
}

TEST_F(Program, RefusesToWriteOverItsInputOrIntoNowhere) {
  const std::string before = read_bytes(source_);
  expect_refusal(run({"render", source_, room_, source_}), 2, {"source.wav"});
  EXPECT_EQ(read_bytes(source_), before);
  expect_refusal(run({"render", source_, room_, folder_.file("no/wet.wav")}), 2,
                 {"wet.wav: folder '", "/no' does not exist"});
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
                 2, {"wet.aiff: AIFF cannot hold 48000", "4294901760 bytes"});
}

TEST_F(Program, RefusesHopelessJobsWithTheEstimatedTime) {
  const std::string longer = float_wav(folder_, "long.wav", 1, noise(400'000, 1));
  expect_refusal(render(longer, room_, {"-m", "cpu-dft"}), 1,
                 {"cpu-dft", "would take about", "--force-slow"});
}

TEST_F(Program, RefusesNamesThatAreTooLong) {
  const std::string name(300, 'x');
  expect_refusal(render(source_, folder_.file(name + ".wav")), 2, {"too long"});
  expect_refusal(run({"render", source_, room_, folder_.file(name + ".wav")}), 2, {"too long"});
}

}  // namespace
}  // namespace gpuconv::test
