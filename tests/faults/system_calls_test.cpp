// system_calls_test.cpp - every allocation and every call for a file fails once, and for ever
//
// As in SQLite's tests: call number n fails, n = 1, 2, 3, ... The program runs whole, with
// preloaded.cpp between it and the system. A share of the calls here; GPUCONV_LONG=1 for all.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/problem.hpp"
#include "tests/support/program.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

constexpr long kShare = 12;  // calls of a kind that fail, for each workload

/// What the program does while a call fails.
struct Workload {
  const char* name;
  const char* response;  ///< "room.wav", "room.sofa" or "slow.wav", at another rate
  const char* output;
  std::vector<std::string> options;
};

const Workload kWorkloads[] = {
    {"float_WAV", "room.wav", "wet.wav", {}},
    {"FLAC_of_a_converted_response", "slow.wav", "wet.flac", {"-g", "-40"}},
    {"Ogg_whose_serial_number_is_set", "room.wav", "wet.ogg", {"-g", "-40"}},
    {"RF64_of_a_SOFA_file", "room.sofa", "wet.rf64", {"-b", "16", "-g", "-40"}},
    {"one_thread_at_a_time", "room.wav", "wet.aiff", {"-m", "cpu-cooley-tukey"}},
    {"normalised_verified_and_reported", "room.wav", "wet.wav", {"--norm", "--verify", "--json"}},
    {"with_converted_noise_and_a_loudness",
     "room.wav",
     "wet.wav",
     {"--level", "lufs=-30", "--channels", "mono", "--snr", "5", "--noise"}},
};

class SystemCalls : public ::testing::TestWithParam<Workload> {
 protected:
  static constexpr const char* kOld = "what was there before";

  void SetUp() override {
    if (!std::filesystem::exists(GPUCONV_PRELOADED)) GTEST_SKIP() << "no " GPUCONV_PRELOADED;
    float_wav(files_, "source.wav", 1, noise(6200, 1));  // enough for a loudness
    float_wav(files_, "room.wav", 2, noise(600, 2));
    float_wav(files_, "slow.wav", 2, noise(600, 2), 8'000);
    write_bytes(files_.file("room.sofa"), sofa_specimen().bytes);
    const Ended ended = render("", {"GPUCONV_FAULT_COUNT=" + files_.file("counts")});
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
    right_ = read_bytes(output());
    std::istringstream lines(read_bytes(files_.file("counts")));
    for (std::string name; lines >> name >> calls_[name];) {
    }
  }

  std::string output() const { return wet_.file(GetParam().output); }
  std::string report() const { return reports_.file("report.json"); }

  Ended render(const std::string& fault, std::vector<std::string> variables = {}) const {
    write_bytes(output(), kOld);
    std::vector<std::string> words{"render", files_.file("source.wav"),
                                   files_.file(GetParam().response), output()};
    words.insert(words.end(), GetParam().options.begin(), GetParam().options.end());
    if (words.back() == "--json") words.push_back(report());
    if (words.back() == "--noise") words.push_back(files_.file("slow.wav"));
    words.insert(words.end(), {"--device", "cpu", "-q"});
    variables.insert(variables.end(), {"LD_PRELOAD=" GPUCONV_PRELOADED, "GPUCONV_FAULT=" + fault});
    return run_program(words, variables);
  }

  /// Success and the whole output, or one sentence and the old file: nothing between. (Memory may
  /// also run out while the report is put into words, after the output has taken its place.)
  void judge(const Ended& ended) {
    ASSERT_EQ(ended.signal, 0) << strsignal(ended.signal) << ": " << ended.err;
    const bool is_done = ended.exit_code == 0;
    const std::string seen = read_bytes(output());
    EXPECT_TRUE(seen == right_ || (!is_done && seen == kOld)) << ended.err;
    if (!is_done) {
      EXPECT_TRUE(ended.exit_code == 2 || ended.exit_code == 3) << ended.err;
      EXPECT_EQ(ended.err.rfind("error: ", 0), 0u) << ended.err;
      EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
    }
    if (std::filesystem::exists(report())) {
      EXPECT_TRUE(nlohmann::json::accept(read_bytes(report())));
    }
    for (const auto& entry : std::filesystem::directory_iterator(reports_.path())) {
      std::filesystem::remove(
          entry);  // also a report that is complete and could not take its place
    }
    for (const auto& entry : std::filesystem::directory_iterator(wet_.path())) {
      const std::string path = entry.path().string();
      if (path == output()) continue;
      // Only a result that is complete and could not take its place may be left.
      EXPECT_TRUE(says(ended.err, {"the result is complete in '" + path + "'"}));
      EXPECT_TRUE(read_bytes(path) == right_);
      std::filesystem::remove(path);
    }
  }

  void fail_each(const std::string& function, int code,
                 const std::vector<std::string>& lastings = {"", ":persistent"}) {
    const long calls = calls_.at(function);
    const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
    int runs = 0;
    int failed = 0;
    for (const std::string& lasting : lastings) {
      const long step = all ? 1 : std::max(1L, calls / kShare);
      for (long n = 1; n <= calls; n += step, ++runs) {
        const std::string fault =
            function + ":" + std::to_string(n) + ":" + std::to_string(code) + lasting;
        SCOPED_TRACE(fault);
        const Ended ended = render(fault);
        judge(ended);
        failed += ended.exit_code != 0;
        if (HasFatalFailure()) return;
      }
    }
    std::printf("%s: %s fails with %s: %d runs (%ld calls), %d refusals\n", GetParam().name,
                function.c_str(), code == 0 ? "half" : std::strerror(code), runs, calls, failed);
    // What is interrupted or half done can be done again; all else has to be noticed.
    EXPECT_TRUE(failed > 0 || code == 0 || code == EINTR) << "was anything made to fail?";
    // The next job knows nothing of all this.
    const Ended ended = render("");
    EXPECT_EQ(ended.exit_code, 0);
    EXPECT_TRUE(read_bytes(output()) == right_);
  }

  const Folder files_;
  const Folder wet_;
  const Folder reports_;
  std::string right_;
  std::map<std::string, long> calls_;
};

TEST_P(SystemCalls, MayFindNoMemory) { fail_each("malloc", ENOMEM); }

TEST_P(SystemCalls, MayFailToOpen) {
  fail_each("open", EACCES);
  fail_each("open", EMFILE);
}

TEST_P(SystemCalls, MayFailToRead) {
  fail_each("read", EIO);
  fail_each("read", EINTR, {""});  // for ever is for ever
  fail_each("read", 0, {""});
}

TEST_P(SystemCalls, MayFailToWrite) {
  fail_each("write", ENOSPC);
  fail_each("write", EDQUOT);
  fail_each("write", 0);
  fail_each("write", EINTR, {""});
}

TEST_P(SystemCalls, MayFailToComplete) {
  fail_each("fsync", EIO);
  fail_each("rename", EXDEV);
  fail_each("close", EIO);
}

INSTANTIATE_TEST_SUITE_P(, SystemCalls, ::testing::ValuesIn(kWorkloads),
                         [](const auto& parameter) { return parameter.param.name; });

/// As on NFS, which knows no rename that spares what is there.
TEST(NoClobber, FindsAnotherWayWhereRenamingCanNotSpareAFile) {
  if (!std::filesystem::exists(GPUCONV_PRELOADED)) GTEST_SKIP() << "no " GPUCONV_PRELOADED;
  const Folder files;
  const Folder wet;
  const std::string output = wet.file("wet.wav");
  const auto render = [&](const std::string& fault) {
    return run_program({"render", float_wav(files, "source.wav", 1, noise(3000, 1)),
                        float_wav(files, "room.wav", 2, noise(600, 2)), output, "--no-clobber",
                        "--device", "cpu", "-q", "-g", "-40"},
                       {"LD_PRELOAD=" GPUCONV_PRELOADED, "GPUCONV_FAULT=" + fault});
  };
  ASSERT_EQ(render("").exit_code, 0);
  const std::string right = read_bytes(output);
  std::filesystem::remove(output);
  const Ended ended = render(fmt::format("rename:1:{}", EINVAL));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_TRUE(read_bytes(output) == right);
  EXPECT_EQ(wet.count(), 1);
}

/// What fails in one job of a batch is no matter of the others, and can be done again.
TEST(BatchSystemCalls, MayFailOnceInOneJob) {
  if (!std::filesystem::exists(GPUCONV_PRELOADED)) GTEST_SKIP() << "no " GPUCONV_PRELOADED;
  const Folder files;
  const Folder wet;
  const std::vector<std::string> names{"a.wav", "b.flac", "c.wav"};
  std::string list = "input,output\n";
  const std::string source = float_wav(files, "source.wav", 1, noise(3000, 1));
  for (const std::string& name : names) list.append(source).append(",").append(name).append("\n");
  write_bytes(files.file("list.csv"), list);
  const auto batch = [&](const std::string& variable, const std::vector<std::string>& options) {
    std::vector<std::string> words{"batch",      files.file("list.csv"),
                                   "-o",         wet.path(),
                                   "--response", float_wav(files, "room.wav", 2, noise(600, 2)),
                                   "--device",   "cpu",
                                   "-q",         "-g",
                                   "-40"};
    words.insert(words.end(), options.begin(), options.end());
    return run_program(words, {"LD_PRELOAD=" GPUCONV_PRELOADED, variable});
  };
  ASSERT_EQ(batch("GPUCONV_FAULT_COUNT=" + files.file("counts"), {}).exit_code, 0);
  std::vector<std::string> right;
  for (const std::string& name : names) right.push_back(read_bytes(wet.file(name)));
  std::map<std::string, long> calls;
  std::istringstream lines(read_bytes(files.file("counts")));
  for (std::string name; lines >> name >> calls[name];) {
  }

  const bool all = number_from_environment("GPUCONV_LONG", 0) != 0;
  std::map<int, int> ends;
  for (const auto& [function, code] :
       {std::pair{"malloc", ENOMEM}, std::pair{"open", EACCES}, std::pair{"read", EIO},
        std::pair{"write", ENOSPC}, std::pair{"fsync", EIO}, std::pair{"rename", EXDEV}}) {
    const long step = all ? 1 : std::max(1L, calls.at(function) / kShare);
    for (long n = 1; n <= calls.at(function); n += step) {
      const std::string fault =
          std::string(function) + ":" + std::to_string(n) + ":" + std::to_string(code);
      SCOPED_TRACE(fault);
      for (const auto& entry : std::filesystem::directory_iterator(wet.path())) {
        std::filesystem::remove(entry);
      }
      const Ended ended = batch("GPUCONV_FAULT=" + fault, {});
      ++ends[ended.exit_code];
      ASSERT_TRUE(ended.exit_code == 0 || (ended.exit_code >= 2 && ended.exit_code <= 4))
          << ended.exit_code << ": " << ended.err;
      std::size_t there = 0;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (!std::filesystem::exists(wet.file(names[i]))) continue;
        ++there;
        ASSERT_TRUE(read_bytes(wet.file(names[i])) == right[i]) << names[i] << ": " << ended.err;
      }
      if (ended.exit_code == 0) {
        ASSERT_EQ(there, names.size());
      }
      if (ended.exit_code == 4) {
        // All of them if memory ran out while a job was told of.
        ASSERT_GE(there, names.size() - 1) << ended.err;
        EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
      }
      const Ended again = batch("GPUCONV_FAULT=", {"--resume"});
      ASSERT_EQ(again.exit_code, 0) << again.err;
      for (std::size_t i = 0; i < names.size(); ++i) {
        ASSERT_TRUE(read_bytes(wet.file(names[i])) == right[i]) << names[i];
      }
    }
  }
  for (const auto& [code, count] : ends)
    std::printf("a batch of three: %d ends with %d\n", count, code);
  EXPECT_GT(ends[4], 0);
}

/// What a power cut can lose is not in the journal: data on the disk, then the name, then the name
/// on the disk, then the line.
TEST(BatchSystemCalls, BringsEachOutputToTheDiskBeforeTheJournalNamesIt) {
  if (!std::filesystem::exists(GPUCONV_PRELOADED)) GTEST_SKIP() << "no " GPUCONV_PRELOADED;
  constexpr int kJobs = 150;  // three groups
  const Folder folder;
  const std::string out = (std::filesystem::canonical(folder.path()) / "out").string();
  const std::string log = folder.file("log");
  const std::string source = float_wav(folder, "source.wav", 1, noise(3000, 1));
  std::string list = "input,output\n";
  for (int i = 0; i < kJobs; ++i) list += source + fmt::format(",{}/{}.wav\n", i % 2, i);
  write_bytes(folder.file("list.csv"), list);
  const Ended ended =
      run_program({"batch", folder.file("list.csv"), "-o", out, "--response",
                   float_wav(folder, "room.wav", 2, noise(600, 2)), "-q", "-g", "-40"},
                  {"LD_PRELOAD=" GPUCONV_PRELOADED, "GPUCONV_CALL_LOG=" + log});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;

  std::istringstream lines(read_bytes(log));
  std::map<std::string, long> synced, renamed;  // where each path was, last
  std::vector<std::string> waiting;             // outputs that no line names yet
  long place = 0;
  long claims = 0;
  for (std::string what, path; lines >> what >> path; ++place) {
    if (what == "fsync") synced[path] = place;
    if (what == "rename" && path.starts_with(out) && path.ends_with(".wav")) {
      const std::string name = std::filesystem::path(path).filename();
      const std::string temporary = "/." + name + ".gpuconv-";
      EXPECT_TRUE(std::ranges::any_of(synced, [&](const auto& one) {
        return one.first.find(temporary) != std::string::npos;
      })) << path;
      renamed[path] = place;
      waiting.push_back(path);
    }
    if (what != "write" || !path.ends_with("/.gpuconv-batch")) continue;
    claims += waiting.empty() ? 0 : 1;
    for (const std::string& output : waiting) {
      const std::string inside = std::filesystem::path(output).parent_path();
      EXPECT_GT(synced[inside], renamed[output]) << output;
      EXPECT_GT(synced[out], 0) << "the folder that was made";
    }
    waiting.clear();
  }
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(renamed.size(), std::size_t{kJobs});
  EXPECT_GE(claims, 3);
  EXPECT_LT(claims, 20) << "a group is more than one job";
}

}  // namespace
}  // namespace gpuconv::test
