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

TEST_F(Program, RefusesNamesThatAreTooLong) {
  const std::string name(300, 'x');
  expect_refusal(render(source_, folder_.file(name + ".wav")), 2, {"too long"});
  expect_refusal(run({"render", source_, room_, folder_.file(name + ".wav")}), 2, {"too long"});
}

}  // namespace
}  // namespace gpuconv::test
