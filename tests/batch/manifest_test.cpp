// manifest_test.cpp - lists of outputs: in the form that came, and to be read again
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/program_fixture.hpp"

namespace gpuconv::test {
namespace {

using Json = nlohmann::json;

class BatchManifest : public Program {
 protected:
  BatchManifest() {
    for (const char* const name : {"a", "b"}) {
      float_wav(folder_, fmt::format("{}.wav", name), 1, noise(800, 1));
    }
  }

  /// Of the batch of this list, whose outputs have one channel; the manifest is a list, too.
  std::string manifest_of(const std::string& list, const std::string& text,
                          const std::string& manifest) {
    write_bytes(folder_.file(list), text);
    const Outcome first = run({"batch", folder_.file(list), "-o", out_, "--response", room_, "-g",
                               "-40", "--channels", "mono", "--manifest", folder_.file(manifest)});
    EXPECT_EQ(first.exit_code, expected_) << first.err;
    const Outcome second = run({"batch", folder_.file(manifest), "-o", folder_.file("again"),
                                "--response", room_, "-g", "-40"});
    EXPECT_EQ(second.exit_code, 0) << second.err;
    return read_bytes(folder_.file(manifest));
  }
  std::string in(const char* name) const { return folder_.file(name); }

  const std::string out_ = folder_.file("out");
  int expected_ = 0;
};

TEST_F(BatchManifest, OfATableHasItsOtherColumns) {
  EXPECT_EQ(manifest_of("list.csv",
                        "input;offset;words\n" + in("a.wav") + ";0.01;\"one, \"\"two\"\"\"\n" +
                            in("b.wav") + ";;three\n",
                        "wet.csv"),
            "input,id,words\n" + out_ + "/a-0.01.wav,a-0.01,\"one, \"\"two\"\"\"\n" + out_ +
                "/b.wav,b,three\n");
}

TEST_F(BatchManifest, OfObjectsHasTheirOtherKeys) {
  const std::string text = manifest_of(
      "list.jsonl", R"({"input": ")" + in("a.wav") + R"(", "id": "x", "tags": [1, {"k": null}]})",
      "wet.jsonl");
  EXPECT_EQ(text, R"({"input":")" + out_ + R"(/x.wav","id":"x","tags":[1,{"k":null}]})" + "\n");
}

TEST_F(BatchManifest, OfNeMoIsRelativeToItsFolder) {
  std::filesystem::create_directory(folder_.file("lists"));
  const std::string text = manifest_of(
      "lists/train.json", R"({"audio_filepath": "../a.wav", "duration": 0.02, "text": "hello"})",
      "lists/wet.json");
  const Json json = Json::parse(text);
  EXPECT_EQ(json["audio_filepath"], "../out/a.wav");
  EXPECT_EQ(json["text"], "hello");
  const Json result = Json::parse(read_bytes(out_ + "/results.jsonl"));
  EXPECT_DOUBLE_EQ(json["duration"], result["frames"].get<double>() / 16'000);
  EXPECT_FALSE(json.contains("offset"));
}

TEST_F(BatchManifest, OfLhotseIsRecordings) {
  const std::string text = manifest_of(
      "recordings.jsonl",
      R"({"id": "r", "sources": [{"type": "file", "channels": [0], "source": ")" + in("a.wav") +
          R"("}], "sampling_rate": 16000, "num_samples": 800, "duration": 0.05})",
      "wet.jsonl");
  const Json json = Json::parse(text);
  EXPECT_EQ(json["id"], "r");
  EXPECT_EQ(json["sources"][0]["source"], out_ + "/r.wav");
  EXPECT_EQ(json["sources"][0]["channels"], Json::array({0}));
  EXPECT_EQ(json["sampling_rate"], 16'000);
  EXPECT_GT(json["num_samples"], 800);
}

TEST_F(BatchManifest, OfKaldiLeavesOutWhatFailed) {
  expected_ = 4;
  EXPECT_EQ(
      manifest_of("wav.scp", "u1 " + in("a.wav") + "\nu2 " + in("missing.wav") + "\n", "wet.scp"),
      "u1 " + out_ + "/u1.wav\n");
}

TEST_F(BatchManifest, OfSharesIsThatOfTheWhole) {
  const std::string whole = manifest_of(
      "list.csv", "input,words\n" + in("a.wav") + ",one\n" + in("b.wav") + ",two\n", "whole.csv");
  std::filesystem::remove_all(out_);
  const std::vector<std::string> batch{"batch", in("list.csv"), "-o",  out_,         "--response",
                                       room_,   "-g",           "-40", "--channels", "mono"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), batch.begin(), batch.end());
    return run(more).exit_code;
  };
  EXPECT_EQ(with({"--shard", "0/2", "--manifest", in("no.csv")}), 1);
  EXPECT_EQ(with({"--shard", "0/2"}), 0);
  EXPECT_EQ(with({"--shard", "1/2"}), 0);
  EXPECT_EQ(with({"--merge", "--manifest", in("merged.csv")}), 0);
  EXPECT_EQ(read_bytes(in("merged.csv")), whole);
}

TEST_F(BatchManifest, ReplacesNothingThatTheBatchReadsOrWrites) {
  write_bytes(in("list.csv"), "input\n" + in("a.wav") + "\n");
  for (const std::string& path : {in("list.csv"), in("a.wav"), room_, out_ + "/a.wav"}) {
    const Outcome outcome =
        run({"batch", in("list.csv"), "-o", out_, "--response", room_, "--manifest", path});
    EXPECT_EQ(outcome.exit_code, 2) << path;
    EXPECT_TRUE(says(outcome.err, {"the manifest would replace it"}));
  }
  EXPECT_EQ(
      run({"batch", in("list.csv"), "-o", out_, "--response", room_, "--manifest", in("m.csv.gz")})
          .exit_code,
      1);
}

}  // namespace
}  // namespace gpuconv::test
