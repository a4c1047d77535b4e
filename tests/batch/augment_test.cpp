// augment_test.cpp - a batch that makes a data set: responses, directions and noise by seed
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "host/batch/draw.hpp"
#include "host/cli/batch.hpp"
#include "tests/support/heard.hpp"
#include "tests/support/program_fixture.hpp"
#include "tests/support/sofa_fixture.hpp"

namespace gpuconv::test {
namespace {

class BatchAugment : public Program {
 protected:
  BatchAugment() {
    std::filesystem::create_directory(rooms_);
    for (int i = 0; i < 5; ++i) {
      const std::string name = "rooms/" + std::to_string(i) + ".wav";
      float_wav(folder_, name, 2, noise(100, static_cast<std::uint64_t>(20 + i)));
    }
    std::string list = "input\n";
    for (int i = 0; i < 4; ++i) {
      const std::string name = std::to_string(i) + ".wav";
      list += float_wav(folder_, name, 1, noise(500, static_cast<std::uint64_t>(i))) + "\n";
    }
    write_bytes(list_, list);
  }

  Outcome batch(std::vector<std::string> options, const std::string& out) const {
    options.insert(options.begin(), {"batch", list_, "-o", out, "-g", "-40"});
    return run(options);
  }
  Outcome batch(const std::vector<std::string>& options) const { return batch(options, out_); }

  /// The bytes of all outputs, by their names.
  static std::map<std::string, std::string> bytes_in(const std::string& folder) {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with('.') && !name.ends_with(".jsonl")) all[name] = read_bytes(entry.path());
    }
    return all;
  }

  /// The number of the room with which `input` has become the file `output`; -1: none.
  int room_of(int input, const std::string& output) const {
    for (int room = 0; room < 5; ++room) {
      EXPECT_EQ(render(folder_.file(std::to_string(input) + ".wav"),
                       folder_.file("rooms/" + std::to_string(room) + ".wav"), {"-q", "-g", "-40"})
                    .exit_code,
                0);
      if (read_bytes(wet()) == read_bytes(output)) return room;
    }
    return -1;
  }

  const std::string list_ = folder_.file("list.csv");
  const std::string rooms_ = folder_.file("rooms");
  const std::string pattern_ = folder_.file("rooms/*.wav");
  const std::string out_ = folder_.file("out");
};

TEST_F(BatchAugment, DrawsTheSameInEveryOrderAndOtherwiseWithAnotherSeed) {
  ASSERT_EQ(batch({"--responses", pattern_, "--seed", "7", "--per-input", "3"}).exit_code, 0);
  const auto all = bytes_in(out_);
  ASSERT_EQ(all.size(), 12u);
  EXPECT_TRUE(all.contains("0-1.wav") && all.contains("3-3.wav"));
  std::set<int> rooms;
  for (const int copy : {1, 2, 3}) {
    for (const int input : {0, 1, 2, 3}) {
      const int room =
          room_of(input, out_ + "/" + std::to_string(input) + "-" + std::to_string(copy) + ".wav");
      EXPECT_GE(room, 0);
      rooms.insert(room);
    }
  }
  EXPECT_GT(rooms.size(), 1u);
  // Two of the lines, turned round.
  const std::string other = folder_.file("other");
  write_bytes(list_, "input\n" + folder_.file("3.wav") + "\n" + folder_.file("1.wav") + "\n");
  ASSERT_EQ(
      batch({"--responses", pattern_, "--seed", "7", "--per-input", "3", "--pair", "random"}, other)
          .exit_code,
      0);
  for (const auto& [name, bytes] : bytes_in(other)) EXPECT_TRUE(bytes == all.at(name)) << name;
  ASSERT_EQ(batch({"--responses", pattern_, "--seed", "8", "--per-input", "3"}, other).exit_code,
            0);
  std::size_t differ = 0;
  for (const auto& [name, bytes] : bytes_in(other)) differ += bytes != all.at(name) ? 1 : 0;
  EXPECT_GT(differ, 0u);
}

// The name without a number was taken for an output.
TEST_F(BatchAugment, MayWriteBesideTheRecordings) {
  const std::string before = read_bytes(folder_.file("0.wav"));
  const std::vector<std::string> options{"--responses", pattern_, "--per-input", "2"};
  const Outcome outcome = batch(options, folder_.path());
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(folder_.file("0-2.wav")));
  EXPECT_EQ(read_bytes(folder_.file("0.wav")), before);
  // Which are recordings now.
  write_bytes(list_, read_bytes(list_) + folder_.file("0-2.wav") + "\n");
  const Outcome reads = batch(options, folder_.path());
  EXPECT_EQ(reads.exit_code, 2);
  EXPECT_TRUE(says(reads.err, {"list.csv: line 6: reads ", "0-2.wav, an output of line 2"}));
  write_bytes(list_, "input\n" + source_ + "\n" + source_ + "\n");
  const Outcome twice = batch(options);
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_TRUE(says(twice.err, {"list.csv: line 3: writes ", "an output of line 2"}));
}

TEST_F(BatchAugment, ZipsAndMultiplies) {
  std::filesystem::remove(folder_.file("rooms/4.wav"));
  ASSERT_EQ(batch({"--responses", pattern_, "--pair", "zip"}).exit_code, 0);
  for (const int i : {0, 1, 2, 3}) {
    EXPECT_EQ(room_of(i, out_ + "/" + std::to_string(i) + ".wav"), i);
  }
  const std::string all = folder_.file("all");
  const Outcome product = batch({"--responses", pattern_, "--pair", "product"}, all);
  ASSERT_EQ(product.exit_code, 0);
  EXPECT_TRUE(says(product.err, {"16 of 16"}));
  EXPECT_EQ(bytes_in(all).size(), 16u);
  EXPECT_EQ(room_of(2, all + "/2-4.wav"), 3);
}

TEST_F(BatchAugment, DrawsOneOfTheMeasuredDirections) {
  const std::string head = folder_.file("head.sofa");
  write_sofa(head, four_directions());
  ASSERT_EQ(batch({"--response", head, "--directions", "random", "--per-input", "16"}).exit_code,
            0);
  std::set<int> taken;
  for (const auto& [name, bytes] : bytes_in(out_)) {
    int found = -1;
    for (int m = 0; m < 4; ++m) {
      const std::string input = folder_.file(name.substr(0, 1) + ".wav");
      ASSERT_EQ(
          render(input, head, {"-q", "-g", "-40", "--measurement", std::to_string(m)}).exit_code,
          0);
      if (read_bytes(wet()) == bytes) found = m;
    }
    EXPECT_GE(found, 0) << name;
    taken.insert(found);
  }
  EXPECT_EQ(taken.size(), 4u);
  // A line's own direction stays.
  write_bytes(list_, "input,azimuth\n" + folder_.file("0.wav") + ",90\n");
  ASSERT_EQ(batch({"--response", head, "--directions", "random"}).exit_code, 0);
  ASSERT_EQ(render(folder_.file("0.wav"), head, {"-q", "-g", "-40", "--azimuth", "90"}).exit_code,
            0);
  EXPECT_TRUE(read_bytes(out_ + "/0.wav") == read_bytes(wet()));
}

TEST_F(BatchAugment, DrawsNoiseItsBeginAndItsLevel) {
  const std::string hiss = float_wav(folder_, "hiss.wav", 1, noise(4000, 90));
  ASSERT_EQ(batch({"--response", room_, "--level", "rms=-30"}).exit_code, 1);  // with --gain
  const auto noisy = [&](const std::string& out, const std::string& snr) {
    return run({"batch", list_, "-o", out, "--response", room_, "--noise", hiss, "--snr", snr, "-q",
                "--per-input", "5"});
  };
  ASSERT_EQ(noisy(out_, "-3:12").exit_code, 0);
  std::set<long> ratios;
  for (const auto& [name, bytes] : bytes_in(out_)) {
    ASSERT_EQ(render(folder_.file(name.substr(0, 1) + ".wav"), room_, {"-q"}).exit_code, 0);
    const Heard clean = heard(wet());
    Heard added = heard(out_ + "/" + name);
    for (std::size_t c = 0; c < 2; ++c) {
      for (std::size_t n = 0; n < added.samples[c].size(); ++n) {
        added.samples[c][n] -= clean.samples[c][n];
      }
    }
    const double ratio = rms_db(clean) - rms_db(added);
    EXPECT_GE(ratio, -3.001);
    EXPECT_LE(ratio, 12.001);
    ratios.insert(std::lround(100 * ratio));
    // A piece of the file that does not wrap.
    const Heard whole = heard(hiss);
    const std::vector<float>& y = added.samples[0];
    int places = 0;
    for (std::size_t start = 0; start + y.size() <= whole.samples[0].size(); ++start) {
      const double factor = double{y[0]} / double{whole.samples[0][start]};
      bool is_here = true;
      for (std::size_t n = 0; n < y.size() && is_here; ++n) {
        is_here = std::abs(factor * whole.samples[0][start + n] - double{y[n]}) < 2e-4;
      }
      places += is_here ? 1 : 0;
    }
    EXPECT_EQ(places, 1) << name;
  }
  EXPECT_GT(ratios.size(), 10u);
}

TEST_F(BatchAugment, ResumesOnlyWhatHasChanged) {
  const std::string hiss = float_wav(folder_, "hiss.wav", 1, noise(4000, 90));
  const std::vector<std::string> options{
      "--responses", pattern_,   "--noise",  hiss,   "--snr",       "0:10", "--early",
      "5",           "--resume", "--length", "same", "--per-input", "2"};
  ASSERT_EQ(batch(options).exit_code, 0);
  const auto before = bytes_in(out_);
  EXPECT_EQ(before.size(), 16u);
  EXPECT_TRUE(says(batch(options).err, {"batch     0 of 8 done, 8 complete before"}));
  std::filesystem::remove(out_ + "/2-1.early.wav");
  EXPECT_TRUE(says(batch(options).err, {"batch     1 of 8 done, 7 complete before"}));
  write_bytes(out_ + "/1-2.early.wav", "other");
  EXPECT_TRUE(says(batch(options).err, {"batch     1 of 8 done, 7 complete before"}));
  EXPECT_TRUE(bytes_in(out_) == before);
  float_wav(folder_, "hiss.wav", 1, noise(4001, 90));
  EXPECT_TRUE(says(batch(options).err, {"batch     8 of 8 done"}));
}

TEST_F(BatchAugment, ReportsWhatWasDrawn) {
  const std::string hiss = float_wav(folder_, "hiss.wav", 1, noise(4000, 90));
  int jobs = 0;
  BatchWatch watch;
  watch.done = [&](const ListedJob& job, const std::string& text) {
    const auto json = nlohmann::json::parse(text);
    const Draws draws(7, {.input = job.input}, 1 + jobs % 2);
    EXPECT_EQ(json["draw"]["seed"], 7);
    EXPECT_EQ(json["draw"]["copy"], 1 + jobs % 2);
    EXPECT_EQ(json["draw"]["key"], fmt::format("{:016x}", draws.key()));
    EXPECT_EQ(json["response"]["file"], job.response);
    EXPECT_EQ(json["response"]["file"],
              folder_.file(fmt::format("rooms/{}.wav", draws.index(Purpose::response, 5))));
    EXPECT_EQ(json["noise"]["file"], hiss);
    EXPECT_DOUBLE_EQ(json["noise"]["snr_db"].get<double>(), 3 + 6 * draws.fraction(Purpose::snr));
    // 500 + 49 frames of 4000: the last start is 3451.
    EXPECT_NEAR(json["noise"]["start_seconds"].get<double>() * 16'000,
                std::floor(3452 * draws.fraction(Purpose::noise_start)), 1e-6);
    ++jobs;
  };
  run_batch({"--responses", pattern_, "--seed", "7", "--per-input", "2", "--noise", hiss, "--snr",
             "3:9", "--output", out_, list_},
            watch);
  EXPECT_EQ(jobs, 8);
}

TEST_F(BatchAugment, RefusesWhatCannotWorkBeforeTheWork) {
  const auto refuses = [&](const std::vector<std::string>& options, int code,
                           std::initializer_list<std::string_view> parts) {
    const Outcome outcome = batch(options);
    EXPECT_EQ(outcome.exit_code, code) << outcome.err;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
    EXPECT_TRUE(says(outcome.err, parts));
    EXPECT_FALSE(std::filesystem::exists(out_));
  };
  refuses({"--responses", pattern_, "--pair", "zip"}, 1, {"4 lines name no response", "has 5"});
  refuses({"--responses", folder_.file("*.none")}, 2, {"*.none: matches no file"});
  refuses({"--responses", pattern_, "--response", room_}, 1, {"cannot be combined with"});
  refuses({"--responses", pattern_, "--pair", "product", "--per-input", "2"}, 1, {"--per-input"});
  refuses({"--response", room_, "--pair", "zip"}, 1, {"--pair", "--responses"});
  refuses({"--response", room_, "--noise", room_}, 1, {"--snr"});
  refuses({"--response", room_, "--noise", room_, "--snr", "9:3"}, 1,
          {"--snr 9:3: expected LOW:HIGH"});
  refuses({"--response", room_, "--noise", room_, "--snr", "loud"}, 1, {"--snr loud"});
  refuses({"--response", room_, "--directions", "random", "--azimuth", "3"}, 1,
          {"cannot be combined with"});
  refuses({"--response", room_, "--per-input", "0"}, 1, {"from 1 to"});
  refuses({"--response", room_, "--seed", "-1"}, 1, {"--seed"});
  // Names that two jobs would have.
  write_bytes(list_, "input,output,response\n" + source_ + ",a.wav,\n" + source_ + ",a-2.wav," +
                         room_ + "\n");
  refuses({"--responses", pattern_, "--pair", "product"}, 2,
          {"list.csv: line 3: writes ", "a-2.wav, an output of line 2"});
}

TEST_F(BatchAugment, RefusesAnEarlyOutputThatIsAnotherFile) {
  write_bytes(list_, "input,output\n" + source_ + ",a.wav\n" + source_ + ",a.early.wav\n");
  const Outcome outcome = batch({"--response", room_, "--early", "50"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(says(outcome.err, {"list.csv: line 3: writes ", "a.early.wav, an output of line 2"}));
  std::filesystem::create_directory(out_);
  const std::string input = float_wav(folder_, "out/b.early.wav", 1, noise(100, 1));
  write_bytes(list_, "input,output\n" + source_ + ",b.wav\n" + input + ",c.wav\n");
  EXPECT_TRUE(says(batch({"--response", room_, "--early", "50"}).err,
                   {"list.csv: line 3: reads ", "b.early.wav, an output of line 2"}));
}

TEST_F(BatchAugment, WarnsOfLinesThatDrawTheSame) {
  write_bytes(list_, "input,output\n" + source_ + ",a.wav\n" + source_ + ",b.wav\n");
  const Outcome outcome = batch({"--responses", pattern_, "-q"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(says(outcome.err, {"warning: ", "list.csv: 1 line has", "draws the same"}));
  EXPECT_TRUE(read_bytes(out_ + "/a.wav") == read_bytes(out_ + "/b.wav"));
  EXPECT_EQ(batch({"--response", room_, "-q"}).err, "");
}

TEST_F(BatchAugment, DrawsByTheInputAsTheListHasItHoweverTheListIsNamed) {
  std::string list;
  for (int i = 0; i < 4; ++i) list += "{\"audio_filepath\": \"" + std::to_string(i) + ".wav\"}\n";
  write_bytes(folder_.file("m.json"), list);
  std::filesystem::create_directory(folder_.file("sub"));
  const auto responses = [&](const std::string& path, const std::string& out) {
    EXPECT_EQ(run({"batch", path, "-o", out, "-g", "-40", "--responses", pattern_, "--seed", "3"})
                  .exit_code,
              0);
    std::string drawn;
    std::istringstream text(read_bytes(out + "/results.jsonl"));
    for (std::string line; std::getline(text, line);) {
      drawn += nlohmann::json::parse(line)["response"].get<std::string>() + " ";
    }
    return drawn;
  };
  const std::string first = responses(folder_.file("m.json"), folder_.file("o1"));
  EXPECT_EQ(responses(folder_.file("sub/../m.json"), folder_.file("o2")), first);
}

TEST_F(BatchAugment, NeverReplacesAResponseThatNoJobHasDrawn) {
  write_bytes(list_, "input,output\n" + folder_.file("0.wav") + ",1.wav\n");
  for (int seed = 0; seed < 5; ++seed) {
    const Outcome outcome =
        batch({"--responses", pattern_, "--seed", std::to_string(seed)}, rooms_);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_TRUE(says(outcome.err, {"rooms/1.wav, an output of line 2"}));
  }
}

}  // namespace
}  // namespace gpuconv::test
