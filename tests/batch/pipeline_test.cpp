// pipeline_test.cpp - several jobs at a time, shares, results: the bytes stay those of one process
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/program.hpp"
#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

using Json = nlohmann::json;

class BatchPipeline : public Program {
 protected:
  BatchPipeline() {
    // Lengths on both sides of those at which methods plan anew, two responses, two folders.
    std::string list = "input,response,output\n";
    for (int i = 0; i < kJobs; ++i) {
      const std::size_t samples = i == 7 ? 300'000 : 500 + 777 * static_cast<std::size_t>(i);
      const std::string name = fmt::format("{}.wav", i);
      list += float_wav(folder_, "in" + name, 1, noise(samples, static_cast<std::uint64_t>(i))) +
              "," + (i % 2 == 0 ? room_ : hall_) + "," + std::to_string(i % 3) + "/" + name + "\n";
    }
    write_bytes(list_, list);
  }

  std::string out(const std::string& folder) const { return folder_.file(folder); }
  Outcome batch(const std::string& folder, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"batch", list_, "-o", out(folder)});
    return run(options);
  }
  std::string bytes(const std::string& folder, int job) const {
    const std::string path = fmt::format("{}/{}/{}.wav", out(folder), job % 3, job);
    return std::filesystem::exists(path) ? read_bytes(path) : "missing";
  }
  void expect_same(const std::string& folder, const std::string& other) const {
    for (int i = 0; i < kJobs; ++i) {
      EXPECT_TRUE(bytes(folder, i) == bytes(other, i)) << folder << " " << i;
    }
  }
  std::vector<Json> results(const std::string& folder,
                            const std::string& name = "results.jsonl") const {
    std::vector<Json> lines;
    std::istringstream text(read_bytes(out(folder) + "/" + name));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  bool exists(const std::string& folder, const std::string& name) const {
    return std::filesystem::exists(out(folder) + "/" + name);
  }

  static constexpr int kJobs = 14;
  const std::string hall_ = float_wav(folder_, "hall.wav", 2, noise(9'000, 5));
  const std::string list_ = folder_.file("list.csv");
};

TEST_F(BatchPipeline, GivesTheSameBytesWithAnyNumberOfJobsAtATimeAndInShares) {
  ASSERT_EQ(batch("one", {"-j", "1"}).exit_code, 0);
  for (const char* const jobs : {"2", "5", "40"}) {
    ASSERT_EQ(batch("many", {"-j", jobs}).exit_code, 0);
    expect_same("many", "one");
  }
  for (int i = 0; i < 3; ++i) {
    const Outcome share = batch("shares", {"--shard", fmt::format("{}/3", i)});
    EXPECT_EQ(share.exit_code, 0) << share.err;
    EXPECT_TRUE(says(share.err, {fmt::format("share     {} of 3: ", i), "of 14 jobs"}));
  }
  expect_same("shares", "one");
  for (const char* const method : {"cpu-threads", "cpu-hybrid"}) {
    ASSERT_EQ(batch("a", {"-j", "1", "-m", method}).exit_code, 0);
    ASSERT_EQ(batch("b", {"-j", "6", "-m", method}).exit_code, 0);
    expect_same("a", "b");
  }
}

TEST_F(BatchPipeline, WritesResultsInTheOrderOfTheList) {
  std::string list = read_bytes(list_);
  list += folder_.file("missing.wav") + "," + room_ + ",last.wav\n";
  write_bytes(list_, list);
  EXPECT_EQ(batch("out", {"-j", "4", "-q", "-b", "16", "-g", "20"}).exit_code, 4);
  const std::vector<Json> lines = results("out");
  ASSERT_EQ(lines.size(), kJobs + 1u);
  for (int i = 0; i < kJobs; ++i) {
    const Json& line = lines[static_cast<std::size_t>(i)];
    EXPECT_EQ(line["id"], fmt::format("{}/{}", i % 3, i));
    EXPECT_EQ(line["line"], i + 2);
    EXPECT_EQ(line["status"], "done");
    EXPECT_EQ(line["rate"], 16000);
    EXPECT_EQ(line["frames"], line["samples"].get<int>() + line["taps"].get<int>() - 1);
    EXPECT_EQ(line["taps"], i % 2 == 0 ? 300 : 4500);
    EXPECT_EQ(line["response_xxh64"].get<std::string>().size(), 16u);
    EXPECT_EQ(line["response_xxh64"] == lines[0]["response_xxh64"], i % 2 == 0);
    EXPECT_EQ(line["gain_db"], 20);
    EXPECT_GT(line["clipped"], 0);
    EXPECT_GT(line["peak_left_dbfs"], 0);
    EXPECT_FALSE(line["method"].get<std::string>().empty());
  }
  EXPECT_EQ(lines.back()["status"], "failed");
  EXPECT_TRUE(says(lines.back()["error"].get<std::string>(), {"missing.wav", "cannot be opened"}));
  // Resumed, they are the same, from the journal.
  const std::string before = read_bytes(out("out") + "/results.jsonl");
  EXPECT_EQ(batch("out", {"-q", "-b", "16", "-g", "20", "--resume"}).exit_code, 4);
  EXPECT_EQ(read_bytes(out("out") + "/results.jsonl"), before);
}

TEST_F(BatchPipeline, LeavesAFileAloneThatOnlyHasTheNameOfTheResults) {
  std::filesystem::create_directories(out("out"));
  write_bytes(out("out") + "/results.jsonl", "{\"mine\": 1}\n");
  const Outcome outcome = batch("out");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(says(outcome.err, {"results.jsonl", "holds something else"}));
  EXPECT_EQ(read_bytes(out("out") + "/results.jsonl"), "{\"mine\": 1}\n");
  std::filesystem::copy(list_, folder_.file("results.csv"));
  EXPECT_FALSE(exists("out", "0/0.wav"));
}

TEST_F(BatchPipeline, MergesSharesAndRefusesGapsAndMixtures) {
  ASSERT_EQ(batch("one").exit_code, 0);
  const auto refuses = [&](std::initializer_list<std::string_view> parts) {
    const Outcome outcome = batch("shares", {"--merge"});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_TRUE(says(outcome.err, parts));
    EXPECT_FALSE(exists("shares", "results.jsonl"));
  };
  const auto share = [&](const std::string& shard, std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--shard", shard, "-q"});
    EXPECT_EQ(batch("shares", options).exit_code, 0) << shard;
  };
  std::filesystem::create_directories(out("shares"));
  refuses({"holds no shares"});
  share("0/3");
  share("2/3");
  refuses({"results.1-of-3.jsonl: is missing", "--resume"});
  share("1/3", {"-m", "cpu-threads"});
  refuses({"share 1 with cpu-threads"});
  share("1/3", {"-b", "24"});
  refuses({"different options"});
  const std::string list = read_bytes(list_);
  write_bytes(list_, list + list_ + "," + room_ + ",more.wav\n");
  share("1/3");
  write_bytes(list_, list);
  refuses({"another list"});
  share("1/3");
  for (const char* const name : {"results.0-of-2.jsonl", ".gpuconv-batch.0-of-2"}) {
    write_bytes(out("shares") + "/" + name, "");
  }
  refuses({"shares of 2 and of 3"});
  std::filesystem::remove(out("shares") + "/results.0-of-2.jsonl");
  std::filesystem::remove(out("shares") + "/.gpuconv-batch.0-of-2");
  std::filesystem::rename(out("shares") + "/1/1.wav", folder_.file("kept"));
  refuses({"1.wav done, which is gone"});
  std::filesystem::rename(folder_.file("kept"), out("shares") + "/1/1.wav");

  const Outcome merged = batch("shares", {"--merge"});
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_TRUE(says(merged.err, {"merged    3 shares, 14 jobs"}));
  EXPECT_FALSE(exists("shares", "results.1-of-3.jsonl"));
  EXPECT_FALSE(exists("shares", ".gpuconv-batch.1-of-3"));
  std::vector<Json> one = results("one");
  std::vector<Json> all = results("shares");
  ASSERT_EQ(all.size(), one.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    for (Json* const line : {&one[i], &all[i]}) {
      line->erase("seconds");
      line->erase("output");
    }
    EXPECT_EQ(all[i], one[i]);
  }
  // The journal is one, too.
  EXPECT_TRUE(says(batch("shares", {"--resume"}).err, {"0 of 14 done, 14 complete before"}));
}

TEST_F(BatchPipeline, MergesSharesThatHadNothingToDo) {
  write_bytes(list_, "input,response\n" + source_ + "," + room_ + "\n");
  for (const char* const share : {"0/2", "1/2"}) {
    EXPECT_EQ(batch("few", {"--shard", share, "-g", "-40"}).exit_code, 0);
  }
  const Outcome merged = batch("few", {"--merge"});
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(results("few").size(), 1u);
  for (const char* const other : {"--resume", "--shard=0/2", "--dry-run"}) {
    EXPECT_EQ(batch("few", {"--merge", other}).exit_code, 1) << other;
  }
}

TEST_F(BatchPipeline, ResultsOfAResumedBatchSayWhatTheListSaysNow) {
  const auto write = [&](const std::string& before, const std::string& text) {
    write_bytes(list_, before + "input,response,output,id,words\n" + source_ + "," + room_ +
                           ",a.wav," + text + "\n");
  };
  write("", "first,helo");
  EXPECT_EQ(batch("one", {"-g", "-40"}).exit_code, 0);
  std::filesystem::rename(out("one"), out("two"));
  write("# corrected\n", "second,hello");
  EXPECT_TRUE(says(batch("two", {"-g", "-40", "--resume"}).err, {"1 complete before"}));
  const Json result = results("two").at(0);
  EXPECT_EQ(result["id"], "second");
  EXPECT_EQ(result["line"], 3);
  EXPECT_EQ(result["output"], out("two") + "/a.wav");
  EXPECT_EQ(result["extra"]["words"], "hello");
  EXPECT_EQ(result["status"], "done");
  EXPECT_GT(result["frames"], 0);
}

TEST_F(BatchPipeline, RefusesAPipeForSeveralJobs) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  write_bytes(list_, "input,output\n" + source_ + ",a.wav\n" + source_ + ",b.wav\n");
  const Outcome outcome = batch("piped", {"--response", pipe});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(says(outcome.err, {"pipe: can be read only once"}));
}

TEST_F(BatchPipeline, RemembersThatASecondOutputHasClipped) {
  // The early part clips, its echo takes away from the whole.
  const std::string room = float_wav(folder_, "neg.wav", 2, {4, 4, -4, -4});
  write_bytes(list_, "input,response,output\n" +
                         float_wav(folder_, "dc.wav", 1, Signal(1000, 0.5f)) + "," + room +
                         ",a.wav\n");
  const std::vector<std::string> options{"--early", "0", "-b", "16", "--fail-on-clip"};
  const int first = batch("loud", options).exit_code;
  EXPECT_EQ(first, 5);
  std::vector<std::string> again = options;
  again.push_back("--resume");
  EXPECT_EQ(batch("loud", again).exit_code, 5);
  EXPECT_GT(results("loud").at(0)["clipped"], 900);
}

TEST_F(BatchPipeline, TakesTheMethodThatTheJournalHasRecorded) {
  ASSERT_EQ(batch("out", {"-q"}).exit_code, 0);
  const std::string journal = out("out") + "/.gpuconv-batch";
  std::string text = read_bytes(journal);
  const std::string begin = "# method cpu-";
  ASSERT_EQ(text.substr(0, begin.size()), begin) << text.substr(0, 100);
  text.replace(begin.size(), text.find(" settings") - begin.size(), "threads");
  write_bytes(journal, text);
  // A share begins with it as well; a batch without --resume chooses anew.
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--resume"}, {"--shard", "0/2"}}) {
    EXPECT_EQ(batch("out", options).exit_code, 0);
    const std::string name = options.size() == 1 ? "results.jsonl" : "results.0-of-2.jsonl";
    EXPECT_EQ(results("out", name).front()["method"], "cpu-threads");
  }
  text.replace(begin.size(), 7, "magical");
  write_bytes(journal, text);
  const Outcome outcome = batch("out", {"--resume"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(says(outcome.err, {"the journal says", "cpu-magical"}));
}

TEST_F(BatchPipeline, TellsThePlanWithoutWork) {
  const Outcome outcome = batch("out", {"--dry-run"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(says(outcome.out, {"jobs      14 of 14", "sound     ", "outputs   ", "method    cpu-",
                                 "time      ", "memory    "}));
  EXPECT_FALSE(std::filesystem::exists(out("out")));
  const Outcome all = batch("out", {"--dry-run", "--early", "2", "--manifest", out("wet.csv")});
  EXPECT_TRUE(says(all.out, {"results   " + out("out") + "/results.jsonl\n",
                             "journal   " + out("out") + "/.gpuconv-batch\n",
                             "manifest  " + out("wet.csv") + "\n", "output    " + out("out") + "/",
                             "early     " + out("out") + "/"}));
  // Of what these jobs need, not of all that caches may hold.
  const std::string memory = "memory    up to ";
  const double megabytes = std::stod(outcome.out.substr(outcome.out.find(memory) + memory.size()));
  EXPECT_GT(megabytes, 10);
  EXPECT_LT(megabytes, 200);
  write_bytes(list_, read_bytes(list_) + list_ + "," + room_ + ",more.wav\n");
  const Outcome bad = batch("out", {"--dry-run"});
  EXPECT_EQ(bad.exit_code, 4);
  EXPECT_TRUE(says(bad.out, {"jobs      14 of 15"}));
  EXPECT_TRUE(says(bad.err, {"error: ", "list.csv: line 16: "}));
}

TEST_F(BatchPipeline, AsksForRoomBeforeTheWork) {
  // 2^28 taps at 8 kHz more than fill any disk: each of 4,000 jobs needs 2 GiB.
  std::string list = "input,output\n";
  const std::string raw = folder_.file("long.raw");
  write_bytes(raw, "");
  std::filesystem::resize_file(raw, std::uintmax_t{1} << 34);  // holes
  for (int i = 0; i < 4'000; ++i) list += raw + "," + std::to_string(i) + ".wav\n";
  write_bytes(list_, list);
  const Outcome outcome = run({"batch", list_, "-o", out("out"), "--response", room_, "--raw-rate",
                               "16000", "-m", "cpu-vectorised"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_TRUE(says(outcome.err, {"the outputs need ", "bytes where", "are free"}));
  EXPECT_FALSE(std::filesystem::exists(out("out")));
}

#ifdef GPUCONV_EMULATED
// Of a name of its own, since tools/tests.sh runs Batch* in the plain build only.
class GpuBatch : public BatchPipeline {
 protected:
  const std::string& rendered(int job) const { return rendered_[static_cast<std::size_t>(job)]; }

  std::vector<std::string> rendered_;
};

TEST_F(GpuBatch, OnTwoGpusGivesTheBytesOfOne) {
  ::setenv("GPUCONV_EMULATED_DEVICES", "2", 1);
  ASSERT_EQ(batch("one", {"-m", "gpu-fourstep", "--device", "cuda:0"}).exit_code, 0);
  const Outcome two = batch("two", {"-m", "gpu-fourstep", "--device", "cuda:0,1"});
  const Outcome twice = batch("no", {"-m", "gpu-fourstep", "--device", "cuda:1,1"});
  const Outcome third = batch("no", {"-m", "gpu-fourstep", "--device", "cuda:0,2"});
  ::unsetenv("GPUCONV_EMULATED_DEVICES");
  EXPECT_EQ(two.exit_code, 0) << two.err;
  EXPECT_TRUE(says(two.err, {"on cuda:0"}));
  EXPECT_TRUE(says(two.err, {"on cuda:1"}));
  expect_same("two", "one");
  EXPECT_EQ(twice.exit_code, 1) << twice.err;
  EXPECT_EQ(third.exit_code, 3) << third.err;
}

TEST_F(GpuBatch, GivesEachClipTheBytesThatRenderGivesIt) {
  const auto expect_rendered = [&](const std::string& folder) {
    for (int i = 0; i < kJobs; ++i) EXPECT_TRUE(bytes(folder, i) == rendered(i)) << folder << i;
  };
  for (int i = 0; i < kJobs; ++i) {
    ASSERT_EQ(render(folder_.file(fmt::format("in{}.wav", i)), i % 2 == 0 ? room_ : hall_,
                     {"-m", "gpu-fused"})
                  .exit_code,
              0);
    rendered_.push_back(read_bytes(wet()));
  }
  ::setenv("GPUCONV_EMULATED_DEVICES", "2", 1);
  const std::vector<std::string> options{"-m", "gpu-fused", "-q"};
  const auto with = [&](std::initializer_list<std::string> more) {
    std::vector<std::string> all = options;
    all.insert(all.end(), more);
    return all;
  };
  EXPECT_EQ(batch("groups", options).exit_code, 0);
  expect_rendered("groups");
  EXPECT_EQ(batch("two", with({"--device", "cuda:0,1", "-j", "7"})).exit_code, 0);
  expect_rendered("two");
  for (const char* const share : {"0/3", "1/3", "2/3"}) {
    EXPECT_EQ(batch("shares", with({"--shard", share})).exit_code, 0);
  }
  expect_rendered("shares");
  for (const int i : {0, 3, 4, 11}) {
    write_bytes(fmt::format("{}/{}/{}.wav", out("two"), i % 3, i), "spoiled");
  }
  EXPECT_EQ(batch("two", with({"--resume", "-j", "1"})).exit_code, 0);
  expect_rendered("two");
  // The other way round.
  std::istringstream text(read_bytes(list_));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line + "\n");
  std::string reversed = lines.front();
  for (std::size_t i = lines.size() - 1; i > 0; --i) reversed += lines[i];
  write_bytes(list_, reversed);
  EXPECT_EQ(batch("reversed", options).exit_code, 0);
  expect_rendered("reversed");
  EXPECT_EQ(results("reversed").front()["output"], out("reversed") + "/1/13.wav");
  ::unsetenv("GPUCONV_EMULATED_DEVICES");
}

TEST_F(GpuBatch, OneClipThatFailsTakesNoOtherWithIt) {
  ASSERT_EQ(batch("whole", {"-m", "gpu-fused"}).exit_code, 0);
  Signal ends_in_nan = noise(3'000, 7);
  ends_in_nan.back() = std::numeric_limits<float>::quiet_NaN();
  float_wav(folder_, "in2.wav", 1, ends_in_nan);
  Signal overflows(3'000, 3e38F);
  float_wav(folder_, "in4.wav", 1, overflows);
  const std::string cut = folder_.file("in6.wav");
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - 1'000);
  const Outcome outcome = batch("some", {"-m", "gpu-fused"});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(says(outcome.err, {"in2.wav", "11 of 14 done, 3 failed"}));
  for (int i = 0; i < kJobs; ++i) {
    const bool has_failed = i == 2 || i == 4 || i == 6;
    EXPECT_TRUE(bytes("some", i) == (has_failed ? "missing" : bytes("whole", i))) << i;
  }
  // Fewer samples than the head says: the plan is that of the head, as in a render.
  ASSERT_EQ(batch("some", {"-m", "gpu-fused", "--truncated", "accept"}).exit_code, 4);
  ASSERT_EQ(render(cut, room_, {"-m", "gpu-fused", "--truncated", "accept"}).exit_code, 0);
  EXPECT_TRUE(bytes("some", 6) == read_bytes(wet()));
}

TEST_F(GpuBatch, DoesAllThatARenderDoes) {
  const std::string hum = float_wav(folder_, "hum.wav", 1, noise(9'000, 8));
  std::string list = "input,response,output\n";
  for (const int i : {0, 2, 3}) {
    list +=
        fmt::format("{},{},{}/{}.wav\n", folder_.file(fmt::format("in{}.wav", i)), room_, i % 3, i);
  }
  write_bytes(list_, list);
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
           {"--level", "rms=-30"},
           {"--early", "5", "--norm=-1"},
           {"--align", "direct", "--length", "same", "-b", "16"},
           {"--verify", "--channels", "mono", "--predelay", "2ms"},
           {"--snr", "10", "--noise", hum}}) {
    SCOPED_TRACE(options.front());
    std::vector<std::string> all = options;
    all.insert(all.end(), {"-m", "gpu-fused"});
    EXPECT_EQ(batch("all", all).exit_code, 0);
    if (options.front() == "--snr") {  // a batch draws where its noise begins
      EXPECT_EQ(results("all").at(0)["snr_db"], 10);
      continue;
    }
    for (const int i : {0, 2, 3}) {
      ASSERT_EQ(render(folder_.file(fmt::format("in{}.wav", i)), room_, all).exit_code, 0);
      EXPECT_TRUE(bytes("all", i) == read_bytes(wet())) << i;
    }
  }
}
#endif

}  // namespace
}  // namespace gpuconv::test
