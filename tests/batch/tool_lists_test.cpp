// tool_lists_test.cpp - lists as NeMo, Lhotse and Kaldi write them, compressed ones too
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>

#include "host/batch/list.hpp"
#include "tests/support/cases.hpp"
#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string bytes(deflateBound(&stream, text.size()), '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

// Written by lhotse 1.33: RecordingSet and CutSet, to_file().
constexpr const char* kRecordings =
    R"({"id": "mono", "sources": [{"type": "file", "channels": [0], "source": "data/mono.wav"}], "sampling_rate": 16000, "num_samples": 16000, "duration": 1.0, "channel_ids": [0]}
{"id": "call", "sources": [{"type": "file", "channels": [0, 1], "source": "data/two.wav"}], "sampling_rate": 16000, "num_samples": 32000, "duration": 2.0, "channel_ids": [0, 1]}
)";
constexpr const char* kCuts =
    R"({"id": "mono-1", "start": 0.25, "duration": 0.5, "channel": 0, "supervisions": [{"id": "s1", "recording_id": "mono", "start": 0, "duration": 0.5, "channel": 0, "text": "hällo", "speaker": "A"}], "recording": {"id": "mono", "sources": [{"type": "file", "channels": [0], "source": "data/mono.wav"}], "sampling_rate": 16000, "num_samples": 16000, "duration": 1.0, "channel_ids": [0]}, "type": "MonoCut"}
{"id": "call-b", "start": 0, "duration": 2.0, "channel": 1, "supervisions": [], "recording": {"id": "call", "sources": [{"type": "file", "channels": [0, 1], "source": "data/two.wav"}], "sampling_rate": 16000, "num_samples": 32000, "duration": 2.0, "channel_ids": [0, 1]}, "custom": {"snr": 7}, "type": "MonoCut"}
)";
constexpr const char* kMixed =
    R"({"id": "f3da", "tracks": [{"cut": {"id": "mono-1", "start": 0.25}, "type": "MonoCut", "offset": 0.0, "is_snr_reference": true}], "type": "MixedCut"})";
constexpr const char* kSped =
    R"({"id": "mono-1_sp1.1", "start": 0.22725, "duration": 0.4545625, "channel": 0, "supervisions": [], "recording": {"id": "mono_sp1.1", "sources": [{"type": "file", "channels": [0], "source": "data/mono.wav"}], "sampling_rate": 16000, "num_samples": 14545, "duration": 0.9090625, "channel_ids": [0], "transforms": [{"name": "Speed", "kwargs": {"factor": 1.1}}]}, "type": "MonoCut"})";
constexpr const char* kMulti =
    R"({"id": "call", "start": 0.0, "duration": 2.0, "channel": [0, 1], "supervisions": [], "recording": {"id": "call", "sources": [{"type": "file", "channels": [0, 1], "source": "data/two.wav"}], "sampling_rate": 16000, "num_samples": 32000, "duration": 2.0, "channel_ids": [0, 1]}, "type": "MultiCut"})";
/// A recording with another source.
std::string recording_from(const std::string& source) {
  return R"({"id": "r", "sources": [)" + source +
         R"(], "sampling_rate": 16000, "num_samples": 16000, "duration": 1.0})";
}

class ToolListTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_bytes(folder_.file(name), bytes);
    return folder_.file(name);
  }
  JobList read(const std::string& name, const std::string& bytes) const {
    return read_list(write(name, bytes), options_);
  }
  void expect_refusal(const std::string& name, const std::string& bytes,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_TRUE(says(message_of<FileError>([&] { read(name, bytes); }), parts)) << bytes;
  }

  const Folder folder_;
  const std::string out_ = folder_.file("out");
  ListOptions options_{out_, "r.wav"};
};

// ---- gzip --------------------------------------------------------------------------------------

TEST_F(ToolListTest, AnyListMayBeCompressed) {
  EXPECT_EQ(read("a.csv.gz", gzipped("\xef\xbb\xbfinput\r\na.wav\r\n"))[0].input, "a.wav");
  EXPECT_EQ(read("a.jsonl.gz", gzipped(R"({"input": "a.wav"})"))[0].input, "a.wav");
  EXPECT_EQ(read("wav.scp.gz", gzipped("u a.wav\n"))[0].id, "u");
  EXPECT_EQ(read("no-name", gzipped("input\na.wav\n"))[0].input, "a.wav");
  // As `cat a.gz b.gz` and bgzip make them, and with the padding of tapes.
  const std::string several = gzipped("input\na.wav\n") + gzipped("b.wav") + gzipped("\nc.wav\n");
  const JobList jobs = read("a.csv.gz", several + std::string(512, '\0'));
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[1].input, "b.wav");
  EXPECT_EQ(jobs[2].line, 4);
}

TEST_F(ToolListTest, AGzipFileThatIsNotWholeIsRefusedAtAnyByte) {
  std::string text = "input,output\n";
  for (int i = 0; i < 100; ++i) text += fmt::format("a.wav,{}.wav\n", i);
  const std::string whole = gzipped(text);
  EXPECT_EQ(read("a.csv.gz", whole).size(), 100u);
  for (std::size_t bytes = 2; bytes < whole.size(); ++bytes) {
    expect_refusal("a.csv.gz", whole.substr(0, bytes),
                   {"a.csv.gz: line ", "the file is truncated"});
  }
  std::string damaged = whole;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  expect_refusal("a.csv.gz", damaged, {"is damaged gzip data"});
  expect_refusal("a.csv.gz", whole + "input", {"is followed by something else than gzip data"});
  expect_refusal("a.wav.gz", gzipped("RIFF" + std::string(100, '\0')), {"is sound and not a list"});
}

// ---- JSON --------------------------------------------------------------------------------------

TEST_F(ToolListTest, AJsonFileHoldsLinesObjectsOrAnArray) {
  const auto expect_two = [&](const std::string& text, int second_line) {
    const JobList jobs = read("a.json", text);
    ASSERT_EQ(jobs.size(), 2u) << text;
    EXPECT_EQ(jobs[0].input, "a{\"}.wav");
    EXPECT_EQ(jobs[1].input, "b.wav");
    EXPECT_EQ(jobs[1].line, second_line);
  };
  const std::string a = R"({"input": "a{\"}.wav"})", b = R"({"input": "b.wav", "x": [{}]})";
  expect_two(a + "\n" + b + "\n", 2);
  expect_two("\xef\xbb\xbf[" + a + ",\n" + b + "]", 2);
  expect_two("[\n " + a + "\n,\n\n" + b + "\n]\n\n", 5);
  expect_two(a + b, 1);
  expect_two("{\n\"input\":\n\"a{\\\"}.wav\"}\r\n" + b, 4);
}

TEST_F(ToolListTest, ADamagedJsonFileIsRefusedByItsLine) {
  const std::string a = R"({"input": "a.wav"})";
  expect_refusal("a.json", "[]", {"a.json: holds no jobs"});
  expect_refusal("a.json", "[" + a, {"line 1: ends within an array"});
  expect_refusal("a.json", "[" + a + ",\n]", {"line 2: is not a JSON object"});
  expect_refusal("a.json", "[" + a + "\n" + a + "]", {"line 2: has no comma or ]"});
  expect_refusal("a.json", "[" + a + "]\n" + a, {"line 2: stands after the end of the array"});
  expect_refusal("a.json", a + "\n{\"input\": \"b", {"line 2: begins an object that does not end"});
  expect_refusal("a.json", a + "\n\"b.wav\"", {"line 2: is not a JSON object"});
  expect_refusal("a.json", "[[" + a + "]]", {"line 1: is not a JSON object"});
  expect_refusal("a.json", "{\"input\": [}", {"line 1: begins an object that does not end"});
  expect_refusal("a.json", "{\"input\": }", {"line 1: is not a JSON object"});
  expect_refusal("a.json", std::string("{\"input\": \"\0\"}", 14), {"line 1: holds a zero byte"});
  expect_refusal("a.json", "{\"x\": \"" + std::string(2 << 20, 'x') + "\"}",
                 {"line 1: begins an object of more than 1048576 bytes"});
  expect_refusal("a.json", std::string(100'000, '[') + "\n", {"line 1: is not a JSON object"});
}

TEST_F(ToolListTest, OnlyKeysOfTheObjectItselfMustDiffer) {
  const JobList jobs = read(
      "a.jsonl", R"({"input": "a:\"{.wav", "x": {"y": 1, "z": {"y": ":"}}, "w": [{"y": 1}, ":"]})");
  EXPECT_EQ(jobs[0].input, "a:\"{.wav");
  EXPECT_EQ(jobs[0].extra, R"({"x":{"y":1,"z":{"y":":"}},"w":[{"y":1},":"]})");
  expect_refusal("a.jsonl", R"({"input": "a", "\u0069nput": "b"})", {"names 'input' twice"});
  expect_refusal("a.jsonl", R"({"input": "a", "id": "b", "ID": "c"})", {"names 'id' twice"});
  expect_refusal("a.jsonl", R"({"input": "a", "x": "\\", "x": 1})", {"names 'x' twice"});
}

// ---- NeMo --------------------------------------------------------------------------------------

TEST_F(ToolListTest, ManifestsOfNemoAreRelativeToTheirFolder) {
  const std::string text =
      R"({"audio_filepath": "x.wav", "duration": 0.3, "offset": 0.1, "text": "hello"}
{"audio_filepath": "/abs/y.wav", "duration": 1.25, "text": "", "offset": 0, "label": null}
{"audio_filepath": "z/z.wav", "duration": null, "azimuth": 30, "response": "h.sofa"}
)";
  for (const char* const name : {"manifest.json", "manifest.jsonl", "manifest"}) {
    const JobList jobs = read(name, text);
    ASSERT_EQ(jobs.size(), 3u);
    EXPECT_EQ(jobs[0].input, folder_.path() + "/x.wav");
    EXPECT_EQ(jobs[0].offset, 0.1);
    EXPECT_EQ(jobs[0].duration, 0.3);
    EXPECT_EQ(jobs[0].name, "x-0.1.wav");
    EXPECT_EQ(jobs[0].extra, R"({"text":"hello"})");
    EXPECT_EQ(jobs[1].input, "/abs/y.wav");
    EXPECT_EQ(jobs[1].name, "y.wav");
    EXPECT_EQ(jobs[1].extra, R"({"text":"","label":null})");
    EXPECT_EQ(jobs[2].response, folder_.path() + "/h.sofa");
    EXPECT_FALSE(jobs[2].duration);
    EXPECT_EQ(jobs.warnings.size(), 0u) << "every manifest of NeMo has a text";
  }
  ListOptions here = options_;
  here.paths = ListPaths::cwd;
  EXPECT_EQ(read_list(folder_.file("manifest.json"), here)[0].input, "x.wav");
}

TEST_F(ToolListTest, ManifestsOfNemoAreCheckedToo) {
  expect_refusal("a.json", R"({"audio_filepath": "a.wav", "duraton": 1})",
                 {"line 1: 'duraton' is not a column", "'duration'"});
  expect_refusal("a.json", R"({"audio_filepath": ["a.wav", "b.wav"]})",
                 {"line 1: audio_filepath is not text"});
  expect_refusal("a.json", "{\"audio_filepath\": \"a.wav\"}\n{\"text\": \"a\"}",
                 {"line 2: names no audio_filepath"});
  options_.format = ListFormat::nemo;
  expect_refusal("a.json", R"({"input": "a.wav"})", {"line 1: names 'input' where NeMo has audio"});
  options_.format = ListFormat::jsonl;
  expect_refusal("a.json", R"({"audio_filepath": "a.wav"})", {"line 1: names no input"});
}

// ---- Lhotse ------------------------------------------------------------------------------------

TEST_F(ToolListTest, RecordingsOfLhotse) {
  const JobList jobs = read("recordings.jsonl.gz", gzipped(kRecordings));
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].id, "mono");
  EXPECT_EQ(jobs[0].input, "data/mono.wav") << "relative to the current folder, as in Lhotse";
  EXPECT_EQ(jobs[0].name, "mono.wav");
  EXPECT_FALSE(jobs[0].channel || jobs[0].offset || jobs[0].duration);
  EXPECT_EQ(jobs[0].extra, "");
  EXPECT_EQ(jobs[1].input, "data/two.wav");
  EXPECT_FALSE(jobs[1].channel) << "--channel says which";
  EXPECT_TRUE(jobs.warnings.empty());
}

TEST_F(ToolListTest, CutsOfLhotse) {
  const JobList jobs = read("cuts.jsonl.gz", gzipped(kCuts));
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].id, "mono-1");
  EXPECT_EQ(jobs[0].channel, 1);
  EXPECT_EQ(jobs[0].offset, 0.25);
  EXPECT_EQ(jobs[0].duration, 0.5);
  EXPECT_TRUE(says(std::string(jobs[0].extra), {R"({"supervisions":[{"id":"s1")", "hällo"}));
  EXPECT_EQ(jobs[1].channel, 2);
  EXPECT_FALSE(jobs[1].offset || jobs[1].duration) << "all of it";
  EXPECT_EQ(jobs[1].extra, R"({"supervisions":[],"custom":{"snr":7}})");
}

TEST_F(ToolListTest, WhatAJobCannotExpressIsRefusedByItsId) {
  const auto refuses = [&](const std::string& object, std::string_view part) {
    expect_refusal("cuts.jsonl", object, {"line 1: ", part});
  };
  refuses(kMixed, "'f3da' is a mixture of cuts");
  refuses(kSped, "'mono-1_sp1.1' has transforms (Speed)");
  refuses(kMulti, "'call' has 2 channels, where a job reads one");
  refuses(R"({"id": "p", "duration": 2.5, "sampling_rate": 16000, "type": "PaddingCut"})",
          "'p' is padding");
  refuses(R"({"id": "c", "start": 0, "duration": 1, "channel": 0, "type": "MonoCut"})",
          "'c' has no recording");
  refuses(R"({"id": "s", "recording_id": "r", "start": 0, "duration": 1, "channel": 0})",
          "'s' is neither a recording nor a cut");
  refuses(R"({"sources": []})", "has no id");
  refuses(R"({"id": "r", "sources": []})", "'r' has no sources");
  const auto source = [](const char* type) {
    return fmt::format(R"({{"type": "{}", "channels": [0], "source": "x"}})", type);
  };
  for (const char* const type : {"url", "memory", "shar"}) {
    refuses(recording_from(source(type)), fmt::format("a source of type '{}'", type));
  }
  refuses(recording_from(source("file") + "," + source("file")), "'r' has 2 sources");
  refuses(recording_from(source("command")),
          "'r' is a command, which gpuconv runs only with --all");
  options_.allows_commands = true;
  EXPECT_TRUE(read("r.jsonl", recording_from(source("command")))[0].is_command);
  EXPECT_FALSE(read("r.jsonl", recording_from(source("file")))[0].is_command);
}

TEST_F(ToolListTest, ACutChoosesAmongTheFilesOfItsRecording) {
  const std::string cut =
      R"({"id": "c", "start": 0, "duration": 1, "channel": 3, "type": "MonoCut", "recording": )" +
      recording_from(R"({"type": "file", "channels": [0, 1], "source": "a.wav"},
                        {"type": "file", "channels": [2, 3], "source": "b.wav"})") +
      "}";
  const JobList jobs = read("cuts.json", cut);
  EXPECT_EQ(jobs[0].input, "b.wav");
  EXPECT_EQ(jobs[0].channel, 2);
  std::string other = cut;
  other.replace(other.find("\"channel\": 3"), 12, "\"channel\": 4");
  expect_refusal("cuts.json", other, {"'c' has no source with channel 4"});
}

// ---- Kaldi -------------------------------------------------------------------------------------

TEST_F(ToolListTest, KaldiNamesArchivesAndTheirBytes) {
  const JobList jobs = read("wav.scp", "a data/wav.1.ark:2\nb  data/wav.1.ark:32051 \nc d:e.wav\n");
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0].input, "data/wav.1.ark");
  EXPECT_EQ(jobs[0].archive_offset, 2);
  EXPECT_EQ(jobs[1].archive_offset, 32051);
  EXPECT_EQ(jobs[1].name, "b.wav");
  EXPECT_EQ(jobs[2].input, "d:e.wav");
  EXPECT_FALSE(jobs[2].archive_offset);
}

TEST_F(ToolListTest, KaldiNamesCommands) {
  const std::string scp = "a sox x.wav -t wav - |\nb\tcat y.wav| \nc z.wav\n";
  expect_refusal("wav.scp", scp, {"line 1: is a command", "--allow-commands"});
  options_.allows_commands = true;
  options_.paths = ListPaths::list;
  const JobList jobs = read("wav.scp", scp);
  EXPECT_EQ(jobs[0].input, "sox x.wav -t wav - |");
  EXPECT_TRUE(jobs[0].is_command);
  EXPECT_EQ(jobs[1].input, "cat y.wav|");
  EXPECT_FALSE(jobs[2].is_command);
  EXPECT_EQ(jobs[2].input, folder_.path() + "/z.wav");
}

TEST_F(ToolListTest, ChannelsStandBesideKaldisList) {
  write("reco2file_and_channel", "a call A\nb call B\nd call 3\n\n");
  options_.allows_commands = true;
  const JobList jobs = read("wav.scp", "a call.wav\nb call2.wav\nc x.wav\nd x.ark:7\nb2 cat x |\n");
  EXPECT_EQ(jobs[0].channel, 1);
  EXPECT_EQ(jobs[1].channel, 2);
  EXPECT_TRUE(jobs[1].channel_is_of_several);
  EXPECT_FALSE(jobs[2].channel);
  EXPECT_EQ(jobs[3].channel, 3);
  EXPECT_FALSE(jobs[4].channel);
  write("reco2file_and_channel", "a call A\nb call\n");
  expect_refusal("wav.scp", "a call.wav\n",
                 {"reco2file_and_channel: line 2: is not an ID, a file and a channel"});
}

// ---- which kind it is --------------------------------------------------------------------------

TEST_F(ToolListTest, TheOptionSaysWhatTheNameDoesNot) {
  const auto read_as = [&](ListFormat format, const std::string& text) {
    options_.format = format;
    return read("list", text);
  };
  EXPECT_EQ(read_as(ListFormat::kaldi, "a x.wav\n")[0].id, "a");
  EXPECT_EQ(read_as(ListFormat::csv, "input\n{a\n")[0].input, "{a");
  EXPECT_EQ(read_as(ListFormat::jsonl, R"({"input": "x"})")[0].input, "x");
  EXPECT_EQ(read_as(ListFormat::nemo, R"({"audio_filepath": "/x"})")[0].input, "/x");
  EXPECT_EQ(read_as(ListFormat::lhotse, kRecordings).size(), 2u);
  expect_refusal("list", R"({"input": "x"})", {"line 1: has no id"});
  options_.format.reset();
  EXPECT_EQ(read("list.txt", kRecordings)[0].input, "data/mono.wav");
  EXPECT_EQ(
      read("list",
           "  [" + recording_from(R"({"type": "file", "channels": [0], "source": "q"})") + "]")[0]
          .input,
      "q");
}

TEST(ListCase, OfColumnsThatAreNotOurs) {
  GPUCONV_TEST_CASE(path, "H27/metadata.csv");
  const JobList jobs = read_list(path, {"out", "h.wav"});
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].input, "x.wav");
  EXPECT_EQ(jobs[0].duration, 0.5);
  EXPECT_EQ(jobs[0].extra, R"({"speaker":"7","text":"hello, world"})");
}

TEST(ListCase, OfNemo) {
  GPUCONV_TEST_CASE(path, "H30/nemo_manifest.json");
  const JobList jobs = read_list(path, {"out", "h.wav"});
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].offset, 0.1);
  EXPECT_EQ(jobs[0].duration, 0.3);
}

TEST(ListCase, WithAChannelInEachLine) {
  GPUCONV_TEST_CASE(path, "H31/telephone.csv");
  const JobList jobs = read_list(path, {"out", "h.wav"});
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].channel, 1);
  EXPECT_EQ(jobs[1].channel, 2);
}

}  // namespace
}  // namespace gpuconv::test
