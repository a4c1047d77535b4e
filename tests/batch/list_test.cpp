// list_test.cpp - lists of jobs as people write them
#include "host/batch/list.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

class ListTest : public ::testing::Test {
 protected:
  std::vector<ListedJob> read(const std::string& name, const std::string& text,
                              const std::string& response = "") const {
    write_bytes(folder_.file(name), text);
    return read_list(folder_.file(name), out_, response);
  }

  void expect_refusal(const std::string& name, const std::string& text,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_TRUE(says(message_of<FileError>([&] { read(name, text, "r.wav"); }), parts)) << text;
  }

  const Folder folder_;
  const std::string out_ = folder_.file("out");
};

TEST_F(ListTest, ATableNamesItsColumnsInAnyOrder) {
  const auto jobs = read("list.csv",
                         "response,input,azimuth,output\n"
                         "a room.wav,one.wav,-30.5,sub/first.flac\n"
                         "head.sofa,dir/two.wav,,\n");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].line, 2);
  EXPECT_EQ(jobs[0].input, "one.wav");
  EXPECT_EQ(jobs[0].response, "a room.wav");
  EXPECT_EQ(jobs[0].output, out_ + "/sub/first.flac");
  EXPECT_EQ(jobs[0].azimuth, -30.5);
  EXPECT_FALSE(jobs[0].elevation);
  EXPECT_EQ(jobs[1].line, 3);
  EXPECT_EQ(jobs[1].output, out_ + "/two.wav");
  EXPECT_FALSE(jobs[1].azimuth);
}

TEST_F(ListTest, FieldsInQuotesHoldCommasAndQuotes) {
  const auto jobs = read("list.csv", "input,output\n\"a, \"\"b\"\".wav\",\"\"\"c\"\".wav\"\n", "r");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].input, "a, \"b\".wav");
  EXPECT_EQ(jobs[0].output, out_ + "/\"c\".wav");
}

TEST_F(ListTest, EmptyLinesCarriageReturnsAndAByteOrderMarkAreSkipped) {
  const auto jobs = read("list.csv",
                         "\xef\xbb\xbf"
                         "input,response\r\n\r\n  \nvoice.wav,room.wav\r\n\n");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].line, 4);
  EXPECT_EQ(jobs[0].input, "voice.wav");
  EXPECT_EQ(jobs[0].response, "room.wav");
}

TEST_F(ListTest, TheLastLineNeedsNoEnd) {
  EXPECT_EQ(read("list.csv", "input\nvoice.wav", "room.wav").size(), 1u);
}

TEST_F(ListTest, ObjectsHaveTheSameKeys) {
  const auto jobs = read("list.jsonl",
                         R"({"input": "one.wav", "response": "h.sofa", "azimuth": 90})"
                         "\n"
                         R"({"output": "b.wav", "input": "two\u00e4.wav", "elevation": "-5"})"
                         "\n",
                         "room.wav");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].azimuth, 90);
  EXPECT_EQ(jobs[0].response, "h.sofa");
  EXPECT_EQ(jobs[1].input, "two\xc3\xa4.wav");
  EXPECT_EQ(jobs[1].response, "room.wav");
  EXPECT_EQ(jobs[1].output, out_ + "/b.wav");
  EXPECT_EQ(jobs[1].elevation, -5);
}

TEST_F(ListTest, KaldiNamesAnIdAndAPath) {
  const auto jobs = read("wav.scp", "utt-1  data/a b.wav \nutt-2\tdata/c.flac\n", "room.wav");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].input, "data/a b.wav");
  EXPECT_EQ(jobs[0].output, out_ + "/utt-1.wav");
  EXPECT_EQ(jobs[1].input, "data/c.flac");
  EXPECT_EQ(jobs[1].output, out_ + "/utt-2.wav");
}

TEST_F(ListTest, WhatCanNotBeUnderstoodIsRefusedByItsLine) {
  expect_refusal("a.csv", "", {"a.csv", "is empty"});
  expect_refusal("a.csv", "\n\n", {"a.csv", "holds no jobs"});
  expect_refusal("a.csv", "input\n", {"a.csv", "holds no jobs"});
  expect_refusal("a.csv", "voice.wav,room.wav\n",
                 {"line 1: must name the columns (input, response, output, azimuth, elevation); "
                  "'voice.wav' is none"});
  expect_refusal("a.csv", "input,angle\n",
                 {"line 1: 'angle' is not a column", "known: input, resp"});
  expect_refusal("a.csv", "response\nroom.wav\n", {"line 1", "no column 'input'"});
  expect_refusal("a.csv", "input,input\n", {"line 1", "'input' twice"});
  expect_refusal("a.csv", "input,output\na.wav\n", {"line 2: has 1 field where line 1 names 2"});
  expect_refusal("a.csv", "\ninput\n\na.wav,b\n", {"line 4: has 2 fields where line 2 names 1"});
  expect_refusal("a.csv", "# voices\ninput\n", {"line 1", "(comments are not known in lists)"});
  expect_refusal("a.csv", "input,output\n# a \"b\"\n", {"line 2", "quote", "(comments are"});
  expect_refusal("a.csv", "input\n\"a.wav\n", {"line 2", "quote"});
  expect_refusal("a.csv", "input,azimuth\na.wav,left\n",
                 {"line 2", "azimuth 'left' is not a number"});
  expect_refusal("a.csv", "input,azimuth\na.wav,nan\n", {"line 2", "not a number"});
  expect_refusal("a.csv", "input,azimuth\na.wav,1e999\n", {"line 2", "not a number"});
  expect_refusal("a.csv", "input,azimuth\na.wav,30 \n", {"line 2", "not a number"});
  expect_refusal("a.csv", "input\n-\n", {"line 2", "standard input"});
  expect_refusal("a.csv", "input,output\n,b.wav\n", {"line 2", "no input"});
  expect_refusal("a.csv", "input\na.wav\n" + std::string(70'000, 'x') + "\n", {"line 3", "65536"});
  expect_refusal("a.jsonl", "[1]\n", {"line 1", "not a JSON object"});
  expect_refusal("a.jsonl", "{\"input\": \"a\"}\n{\"input\"\n", {"line 2", "not a JSON object"});
  expect_refusal("a.jsonl", "{\"input\": [1]}\n", {"line 1", "input is not text"});
  expect_refusal("a.jsonl", "{\"inputs\": \"a\"}\n", {"line 1", "'inputs' is not a column"});
  expect_refusal("a.jsonl", std::string(60'000, '[') + "\n", {"line 1", "not a JSON object"});
  expect_refusal("a.csv", "input\nx\"2\".wav\n", {"line 2", "quote within"});
  expect_refusal("a.csv", "input\n\"a.wav\"b\n", {"line 2", "goes on after a quote"});
  expect_refusal("a.csv", std::string("input\na\0b.wav\n", 13), {"line 2", "zero byte"});
  expect_refusal("a.jsonl", R"({"input": "a\u0000.wav"})", {"line 1", "zero byte"});
  expect_refusal("a.jsonl", R"({"input": "a.wav", "input": "b.wav"})", {"line 1", "'input' twice"});
  expect_refusal("a.jsonl", R"({"input": 1.50})", {"line 1", "input is not text"});
  expect_refusal("a.jsonl", R"({"input": "a", "azimuth": true})",
                 {"line 1", "azimuth is not a number"});
  expect_refusal("a.scp", "alone\n", {"line 1", "is not an ID and a path"});
  expect_refusal("a.scp", "a sox b.wav -t wav - |\n", {"line 1", "command"});
}

TEST_F(ListTest, WhatIsNoTextInUtf8IsRefused) {
  using namespace std::string_literals;
  expect_refusal("a.csv", "\xff\xfei\0n\0"s, {"line 1: is UTF-16; save the list as UTF-8"});
  expect_refusal("a.csv", "\xfe\xff\0i\0n"s, {"line 1: is UTF-16"});
  expect_refusal("a.csv", "in\0put\nx\n"s, {"line 1: holds a zero byte"});
  expect_refusal("a.jsonl", "{\"input\": \"a\0.wav\"}"s, {"line 1: holds a zero byte"});
  expect_refusal("a.scp", "a \0.wav"s, {"line 1: holds a zero byte"});
}

TEST_F(ListTest, SoundAndResponsesAreNoLists) {
  for (const char* const magic : {"RIFF", "RF64", "fLaC", "OggS", "FORM", "caff", ".snd", "riff"}) {
    expect_refusal("a.wav", magic + std::string(70'000, '\0'), {"a.wav: is sound and not a list"});
  }
  expect_refusal("a.csv", "\x89HDF\r\n\x1a\n", {"a.csv: is a SOFA file and not a list"});
  expect_refusal("a.json", "[]",
                 {"a.json: gpuconv does not read .json; write one object per line"});
}

TEST_F(ListTest, AResponseIsNeeded) {
  EXPECT_TRUE(says(message_of<FileError>([&] { read("a.csv", "input\na.wav\n"); }),
                   {"line 2", "--response"}));
}

TEST_F(ListTest, TwoJobsWithOneOutputAreRefused) {
  expect_refusal("a.csv", "input\nx/a.wav\nb.wav\ny/a.wav\n", {"line 4", "output of line 2"});
  expect_refusal("a.csv", "input,output\na,o.wav\nb,./s/../o.wav\n", {"line 3", "of line 2"});
  // One file with two names.
  std::filesystem::create_directory(out_);
  write_bytes(out_ + "/one.wav", "x");
  std::filesystem::create_symlink("one.wav", out_ + "/other.wav");
  expect_refusal("a.csv", "input,output\na,one.wav\nb,other.wav\n", {"line 3", "of line 2"});
}

TEST_F(ListTest, OnePlaceWithTwoNamesIsOneOutputAlsoBeforeItIsThere) {
  std::filesystem::create_directories(out_ + "/real");
  std::filesystem::create_symlink("real", out_ + "/link");
  expect_refusal("a.csv", "input,output\na,real/x.wav\nb,link/x.wav\n", {"line 3", "of line 2"});
  std::filesystem::create_symlink("t.wav", out_ + "/one.wav");
  std::filesystem::create_symlink("real/../t.wav", out_ + "/two.wav");
  expect_refusal("a.csv", "input,output\na,one.wav\nb,two.wav\n", {"line 3", "of line 2"});
  const std::string read = "input,output\na,real/y.wav\n" + out_ + "/link/y.wav,z.wav\n";
  expect_refusal("a.csv", read, {"line 3", "output of line 2"});
}

TEST_F(ListTest, TheListItselfIsNoOutput) {
  std::filesystem::create_directory(out_);
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     write_bytes(out_ + "/list.wav", "input,output\na,list.wav\n");
                     read_list(out_ + "/list.wav", out_, "r");
                   }),
                   {"list.wav: line 2: output ", "/list.wav is this list"}));
}

TEST_F(ListTest, TheJournalIsNoOutput) {
  expect_refusal("a.csv", "input,output\na,.gpuconv-batch\n", {"line 2", "is the journal"});
  std::filesystem::create_directory(out_);
  std::filesystem::create_symlink(".gpuconv-batch", out_ + "/one.wav");
  expect_refusal("a.csv", "input,output\na,one.wav\n", {"line 2", "/one.wav' is the journal"});
}

// "link/.." is the folder above the one that the link leads to.
TEST_F(ListTest, TheFolderIsTakenAsItIs) {
  write_bytes(folder_.file("a.csv"), "input\ndry/v.wav\n");
  for (const std::string folder : {".", "link/..", "../wet/"}) {
    const auto jobs = read_list(folder_.file("a.csv"), folder, "r");
    EXPECT_EQ(jobs.at(0).output, folder + (folder.ends_with('/') ? "" : "/") + "v.wav");
    EXPECT_EQ(jobs.at(0).name, "v.wav");
  }
}

TEST_F(ListTest, AnOutputStaysWithinTheFolder) {
  for (const char* const output : {"../a.wav", "/tmp/a.wav", "x/../../a.wav", "sub/", ".", ".."}) {
    expect_refusal("a.csv", std::string("input,output\nv.wav,") + output + "\n",
                   {"line 2", "not a file within the folder"});
  }
  expect_refusal("a.scp", "../utt a.wav\n", {"line 1", "not a file within"});
}

TEST_F(ListTest, AnOutputThatAnyJobReadsIsRefused) {
  // Also if it is not there yet: its bytes must not depend on the order of jobs.
  const std::string later = "input,output\na.wav,b.wav\n" + out_ + "/b.wav,c.wav\n";
  expect_refusal("a.csv", later, {"line 3", "output of line 2"});
  const std::string earlier = "input,output\n" + out_ + "/./c.wav,b.wav\na.wav,c.wav\n";
  expect_refusal("a.csv", earlier, {"line 2", "output of line 3"});
  // By another name.
  std::filesystem::create_directory(out_);
  write_bytes(out_ + "/wet.wav", "x");
  std::filesystem::create_hard_link(out_ + "/wet.wav", folder_.file("dry.wav"));
  const std::string linked = "input,output\n" + folder_.file("dry.wav") + ",wet.wav\n";
  expect_refusal("a.csv", linked, {"line 2", "output of line 2"});
}

TEST_F(ListTest, AHundredThousandLinesAreReadInOrder) {
  std::string text = "input,output\n";
  for (int i = 0; i < 100'000; ++i) {
    text += "voice.wav,wet-" + std::to_string(i) + ".wav\n";
  }
  const auto jobs = read("list.csv", text, "room.wav");
  ASSERT_EQ(jobs.size(), 100'000u);
  EXPECT_EQ(jobs.back().output, out_ + "/wet-99999.wav");
  EXPECT_EQ(jobs.back().line, 100'001);
}

TEST_F(ListTest, HasNoMoreLinesThanCanBeCounted) {
  const std::string lines(10'000'001, '\n');  // empty ones, as from a loop that has no end
  const std::string said = message_of<FileError>([&] { read("a.csv", lines); });
  EXPECT_TRUE(says(said, {"line 10000001: is one too many (limit 10000000 lines)"}));
}

TEST_F(ListTest, AListThatIsNotThereIsNamed) {
  EXPECT_TRUE(says(message_of<FileError>([&] { read_list(folder_.file("no"), out_, "r"); }),
                   {"no", "cannot be opened"}));
}

}  // namespace
}  // namespace gpuconv::test
