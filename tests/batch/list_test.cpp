// list_test.cpp - lists of jobs as people write them
#include "host/batch/list.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/files.hpp"
#include "tests/support/nobody.hpp"

namespace gpuconv::test {
namespace {

class ListTest : public ::testing::Test {
 protected:
  JobList read(const std::string& name, const std::string& text,
               const std::string& response = "") const {
    write_bytes(folder_.file(name), text);
    return read_list(folder_.file(name), {out_, response});
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
                 {"line 1: must name the columns (input, response, output, id, azimuth, elevation, "
                  "distance, channel, offset, duration, gain); 'voice.wav' is none"});
  expect_refusal("a.csv", "response\nroom.wav\n", {"line 1", "no column 'input'"});
  expect_refusal("a.csv", "input,Trajectory\na.wav,walk.csv\n",
                 {"line 1", "trajectory: a batch moves no source"});
  expect_refusal("a.csv", "input,input\n", {"line 1", "'input' twice"});
  expect_refusal("a.csv", "input,output\na.wav\n", {"line 2: has 1 field where line 1 names 2"});
  expect_refusal("a.csv", "\ninput\n\na.wav,b\n", {"line 4: has 2 fields where line 2 names 1"});
  expect_refusal("a.csv", "input,text,text\n", {"line 1", "'text' twice"});
  expect_refusal("a.csv", "input, INPUT\n", {"line 1", "'INPUT' twice"});
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
  expect_refusal("a.jsonl", "{\"name\": \"a\"}\n", {"line 1", "names no input"});
  expect_refusal("a.jsonl", std::string(60'000, '[') + "\n", {"line 1", "nested too deeply"});
  expect_refusal("a.jsonl", "{\"input\": \"" + std::string(1 << 20, 'x') + "\"}\n",
                 {"line 1: is longer than 1048576 bytes"});
  expect_refusal("a.csv", "input\nx\"2\".wav\n", {"line 2", "quote within"});
  expect_refusal("a.csv", "input\n\"a.wav\"b\n", {"line 2", "goes on after a quote"});
  expect_refusal("a.csv", std::string("input\na\0b.wav\n", 13), {"line 2", "zero byte"});
  expect_refusal("a.jsonl", R"({"input": "a\u0000.wav"})", {"line 1", "zero byte"});
  expect_refusal("a.jsonl", R"({"input": "a.wav", "input": "b.wav"})", {"line 1", "'input' twice"});
  expect_refusal("a.jsonl", R"({"input": 1.50})", {"line 1", "input is not text"});
  expect_refusal("a.jsonl", R"({"input": "a", "azimuth": true})",
                 {"line 1", "azimuth is not a number"});
  expect_refusal("a.scp", "alone\n", {"line 1", "is not an ID and a path"});
  expect_refusal("a.scp", "a sox b.wav -t wav - |\n", {"line 1", "command", "--allow-commands"});
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
                     read_list(out_ + "/list.wav", {out_, "r"});
                   }),
                   {"list.wav: line 2: output ", "/list.wav is this list"}));
}

TEST_F(ListTest, TheJournalIsNoOutput) {
  expect_refusal("a.csv", "input,output\na,.gpuconv-batch\n", {"line 2", "has no extension"});
  std::filesystem::create_directory(out_);
  std::filesystem::create_symlink(".gpuconv-batch", out_ + "/one.wav");
  expect_refusal("a.csv", "input,output\na,one.wav\n", {"line 2", "/one.wav' is the journal"});
}

// "link/.." is the folder above the one that the link leads to.
TEST_F(ListTest, TheFolderIsTakenAsItIs) {
  write_bytes(folder_.file("a.csv"), "input\ndry/v.wav\n");
  for (const std::string folder : {".", "link/..", "../wet/"}) {
    const auto jobs = read_list(folder_.file("a.csv"), {folder, "r"});
    EXPECT_EQ(jobs[0].output, folder + (folder.ends_with('/') ? "" : "/") + "v.wav");
    EXPECT_EQ(jobs[0].name, "v.wav");
  }
}

TEST_F(ListTest, AnOutputStaysWithinTheFolder) {
  for (const char* const output : {"../a.wav", "/tmp/a.wav", "x/../../a.wav", "sub/", ".", ".."}) {
    expect_refusal("a.csv", std::string("input,output\nv.wav,") + output + "\n",
                   {"line 2: output '", "not a file within the folder"});
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
  EXPECT_EQ(jobs[99'999].output, out_ + "/wet-99999.wav");
  EXPECT_EQ(jobs[99'999].line, 100'001);
}

TEST_F(ListTest, HasNoMoreLinesThanCanBeCounted) {
  const std::string lines(10'000'001, '\n');  // empty ones, as from a loop that has no end
  const std::string said = message_of<FileError>([&] { read("a.csv", lines); });
  EXPECT_TRUE(says(said, {"line 10000001: is one too many (limit 10000000 lines)"}));
}

TEST_F(ListTest, AListThatIsNotThereIsNamed) {
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     read_list(folder_.file("no"), {out_, "r"});
                   }),
                   {"no", "cannot be opened"}));
}

// ---- how tables differ -------------------------------------------------------------------------

TEST_F(ListTest, SemicolonsAndTabsSeparateColumnsToo) {
  for (const char delimiter : {';', '\t', ','}) {
    std::string text = "input;azimuth;text\na, b.wav;30;\"x; y\"\n";
    if (delimiter == ',') text.replace(text.find("a, b"), 4, "a b");
    std::ranges::replace(text, ';', delimiter);
    const auto jobs = read("list.csv", text, "r");
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].input, delimiter == ',' ? "a b.wav" : "a, b.wav");
    EXPECT_EQ(jobs[0].azimuth, 30);
    const std::string text_of_it = delimiter == '\t' ? "x\\t y" : fmt::format("x{} y", delimiter);
    EXPECT_EQ(jobs[0].extra, "{\"text\":\"" + text_of_it + "\"}");
  }
  expect_refusal("a.csv", "input;azimuth\na;30,5\n",
                 {"line 2: azimuth '30,5' is not a number", "0.5"});
}

TEST_F(ListTest, ColumnNamesMayHaveCapitalsAndBlanksAroundThem) {
  const auto jobs = read("list.csv", "Input , AZIMUTH,  Output\t\na.wav,5,b.wav\n", "r");
  EXPECT_EQ(jobs[0].input, "a.wav");
  EXPECT_EQ(jobs[0].azimuth, 5);
  EXPECT_EQ(jobs[0].name, "b.wav");
}

TEST_F(ListTest, LinesThatBeginWithAHashAreComments) {
  const auto jobs = read("list.csv", "# \"voices\ninput\n#a.wav\n\"#b.wav\"\n", "r");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].input, "#b.wav");
  EXPECT_EQ(jobs[0].line, 4);
}

TEST_F(ListTest, AFieldInQuotesMayHoldEndsOfLines) {
  const auto jobs =
      read("list.csv", "input,text\r\na.wav,\"one\r\n\r\n# two\"\r\nb.wav,three\r\n", "r");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].extra, R"({"text":"one\n\n# two"})");
  EXPECT_EQ(jobs[0].line, 2);
  EXPECT_EQ(jobs[1].line, 5);
  expect_refusal(
      "a.csv",
      "input,text\na.wav,\"" + std::string(40'000, 'x') + "\n" + std::string(40'000, 'x') + "\"\n",
      {"line 2: has a quote that is not closed"});
}

// ---- columns -----------------------------------------------------------------------------------

TEST_F(ListTest, EveryColumnIsANumberOfAJob) {
  const auto jobs = read("list.csv",
                         "input,id,channel,offset,duration,gain,azimuth,elevation,distance\n"
                         "a.wav,x/7,2,1.5,0.25,-3,-30,10,1.4\nb.wav,,,,,,,,\n",
                         "r");
  EXPECT_EQ(jobs[0].id, "x/7");
  EXPECT_EQ(jobs[0].name, "x/7.wav");
  EXPECT_EQ(jobs[0].channel, 2);
  EXPECT_EQ(jobs[0].offset, 1.5);
  EXPECT_EQ(jobs[0].duration, 0.25);
  EXPECT_EQ(jobs[0].gain, -3);
  EXPECT_EQ(jobs[0].azimuth, -30);
  EXPECT_EQ(jobs[0].elevation, 10);
  EXPECT_EQ(jobs[0].distance, 1.4);
  EXPECT_FALSE(jobs[1].channel || jobs[1].offset || jobs[1].duration || jobs[1].gain ||
               jobs[1].azimuth || jobs[1].elevation || jobs[1].distance);
  EXPECT_EQ(jobs[1].id, "");
  EXPECT_EQ(jobs[1].extra, "");
  EXPECT_EQ(read("a.jsonl", R"({"input": "a", "id": 7, "channel": 1})", "r")[0].name, "7.wav");
}

TEST_F(ListTest, NumbersHaveLimits) {
  const auto refuses = [&](const char* column, const char* value, const char* part) {
    expect_refusal("a.csv", fmt::format("input,{}\na,{}\n", column, value), {"line 2: ", part});
    expect_refusal("a.jsonl", fmt::format("{{\"input\": \"a\", \"{}\": {}}}", column, value),
                   {"line 1: ", part});
  };
  refuses("azimuth", "400", "azimuth 400 (limit -360..360 degrees)");
  refuses("elevation", "-90.5", "elevation -90.5 (limit -90..90 degrees)");
  refuses("distance", "-1", "distance -1 (limit 0..1000000 m)");
  refuses("channel", "0", "channel 0 (limit 1..1024)");
  refuses("channel", "1.5", "channel '1.5' is not a whole number");
  refuses("offset", "-0.1", "offset -0.1 (limit 0..");
  refuses("duration", "0", "duration 0 is nothing to read");
  refuses("gain", "201", "gain 201 (limit -200..200 dB)");
}

TEST_F(ListTest, APartOfARecordingHasItsOwnDefaultName) {
  const auto jobs =
      read("list.csv", "input,offset,channel\nd/a.wav,0,\nd/a.wav,12.5,\nd/a.wav,12.5,2\n", "r");
  EXPECT_EQ(jobs[0].name, "a.wav");
  EXPECT_EQ(jobs[1].name, "a-12.5.wav");
  EXPECT_EQ(jobs[2].name, "a-ch2-12.5.wav");
}

TEST_F(ListTest, UnknownColumnsPassThroughAndAreNamedOnce) {
  const auto jobs =
      read("list.csv", "input,speaker,text\na.wav,7,\"say \"\"a\"\"\"\nb.wav,8,\n", "r");
  EXPECT_EQ(jobs[0].extra, R"({"speaker":"7","text":"say \"a\""})");
  EXPECT_EQ(jobs[1].extra, R"({"speaker":"8","text":""})");
  ASSERT_EQ(jobs.warnings.size(), 1u);
  EXPECT_TRUE(says(jobs.warnings[0],
                   {"list.csv: gpuconv passes the columns speaker, text on to the results"}));
  // Names that other programs have for what gpuconv has another word for.
  EXPECT_TRUE(
      says(read("list.csv", "input,start,End,snr\na.wav,1,2,3\n", "r").warnings.at(0),
           {"the columns start, End, snr on to the results; a part of a recording begins at "
            "its offset, a part of a recording has a duration, both in seconds, --noise "
            "and --snr add noise"}));
  const auto objects = read("a.jsonl",
                            R"({"z": [1, {"a": null}], "input": "a.wav", "n": 1.5})"
                            "\n"
                            R"({"input": "b.wav", "n": 2})",
                            "r");
  EXPECT_EQ(objects[0].extra, R"({"z":[1,{"a":null}],"n":1.5})");
  EXPECT_EQ(objects[1].extra, R"({"n":2})");
  ASSERT_EQ(objects.warnings.size(), 1u);
  EXPECT_TRUE(says(objects.warnings[0], {"columns z, n"}));
  EXPECT_TRUE(read("list.csv", "input\na.wav\n", "r").warnings.empty());
  expect_refusal("a.csv", "input,text\na,\xff\n", {"line 2: is not UTF-8"});
}

TEST_F(ListTest, AThousandUnknownNamesMakeAShortWarning) {
  std::string text = R"({"input": "a.wav")";
  for (int i = 0; i < 1000; ++i) text += fmt::format(", \"k{}\": 1", i);
  const auto jobs = read("a.jsonl", text + "}", "r");
  EXPECT_TRUE(says(jobs.warnings.at(0), {"k0, k1, ", "k19 and others"}));
  EXPECT_LT(jobs.warnings[0].size(), 300u);
}

TEST_F(ListTest, ANameThatIsAlmostKnownIsAnError) {
  for (const auto& [name, known] : {std::pair{"azimut", "azimuth"},
                                    {"azimuhth", "azimuth"},
                                    {"azmiuth", "azimuth"},
                                    {"Responce", "response"},
                                    {"outputs", "output"},
                                    {"chanel", "channel"},
                                    {"inptu", "input"},
                                    {"ofset", "offset"},
                                    {"gian", "gain"}}) {
    const std::string part = fmt::format("'{}' is not a column of a list; if '{}' is", name, known);
    expect_refusal("a.csv", fmt::format("input,{}\na,1\n", name), {"line 1: ", part});
    expect_refusal("a.jsonl", fmt::format(R"({{"input": "a", "{}": 1}})", name),
                   {"line 1: ", part});
  }
  // Words of their own.
  EXPECT_EQ(read("a.csv", "input,idx,text,train,main_speaker\na,1,2,3,4\n", "r").size(), 1u);
}

TEST_F(ListTest, AnOutputIsOfAKindThatIsWritten) {
  expect_refusal("a.csv", "input,output\na,b.mp3\n",
                 {"line 2: ", "b.mp3: unknown extension '.mp3'"});
  expect_refusal("a.csv", "input,output\na,b.wav\na,b\n", {"line 3: output 'b' has no extension"});
  expect_refusal("a.csv", "input,output\na,d.wav/b\n",
                 {"line 2: output 'd.wav/b' has no extension"});
  write_bytes(folder_.file("a.csv"), "input,output\na,b.wav\na,b.flac\n");
  const ListOptions options{out_, "r", {Encoding::ieee_float, 32}};
  EXPECT_TRUE(says(message_of<FileError>([&] { read_list(folder_.file("a.csv"), options); }),
                   {"line 3: ", "b.flac: FLAC holds 16- or 24-bit PCM"}));
}

// ---- where paths begin -------------------------------------------------------------------------

TEST_F(ListTest, PathsAreRelativeToTheCurrentFolderOrToTheList) {
  const std::string list = folder_.file("a.csv");
  write_bytes(list, "input,response\nx/a.wav,/abs/h.wav\n/abs/b.wav,\n");
  ListOptions options{out_, "r.wav"};
  options.paths = ListPaths::list;
  const JobList jobs = read_list(list, options);
  EXPECT_EQ(jobs[0].input, folder_.path() + "/x/a.wav");
  EXPECT_EQ(jobs[0].response, "/abs/h.wav");
  EXPECT_EQ(jobs[1].input, "/abs/b.wav");
  EXPECT_EQ(jobs[1].response, "r.wav") << "an option, not a word of the list";
  options.paths = ListPaths::cwd;
  EXPECT_EQ(read_list(list, options)[0].input, "x/a.wav");
}

// ---- links -------------------------------------------------------------------------------------

TEST_F(ListTest, TwoLinksToOnePlaceAreOneOutput) {
  std::filesystem::create_directory(out_);
  const std::string outside = folder_.file("outside.wav");
  std::filesystem::create_symlink(outside, out_ + "/one.wav");
  std::filesystem::create_symlink(outside, out_ + "/two.wav");
  const std::string table = "input,output\na,one.wav\nb,two.wav\n";
  expect_refusal("a.csv", table, {"line 3: has the output of line 2"});
  const std::string reads = "input,output\na,one.wav\n" + outside + ",three.wav\n";
  expect_refusal("a.csv", reads, {"line 3: reads ", "the output of line 2"});
  write_bytes(outside, "x");
  expect_refusal("a.csv", table, {"line 3: has the output of line 2"});
}

TEST_F(ListTest, TwoHardLinksAreOneOutput) {
  std::filesystem::create_directories(out_ + "/sub");
  write_bytes(out_ + "/one.wav", "x");
  std::filesystem::create_hard_link(out_ + "/one.wav", out_ + "/sub/two.wav");
  expect_refusal("a.csv", "input,output\na,sub/two.wav\nb,x.wav\nc,one.wav\n",
                 {"line 4: has the output of line 2"});
  write_bytes(out_ + "/sub/three.wav", "x");
  EXPECT_EQ(read("a.csv", "input,output\na,sub/two.wav\nb,sub/three.wav\n", "r").size(), 2u);
}

TEST(NobodysList, AFolderThatCannotBeListedHidesNoLink) {
  const AsNobody nobody;
  if (!nobody) GTEST_SKIP() << "root may read everything";
  const Folder folder;
  const std::string out = folder.file("out"), list = folder.file("a.csv");
  std::filesystem::create_directory(out);
  std::filesystem::create_symlink("one.wav", out + "/two.wav");
  std::filesystem::permissions(out, std::filesystem::perms::owner_exec);
  write_bytes(list, "input,output\na,one.wav\nb,two.wav\n");
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     read_list(list, {out, "r"});
                   }),
                   {"line 3: has the output of line 2"}));
  std::filesystem::permissions(out, std::filesystem::perms::owner_all);
}

TEST_F(ListTest, AMillionJobsAreSmall) {
#ifdef GPUCONV_EMULATED  // its sanitizer keeps what was freed
  constexpr int kJobs = 10'000;
#else
  constexpr int kJobs = 1'000'000;
#endif
  std::string text = "input,response,output,azimuth\n";
  for (int i = 0; i < kJobs; ++i) {
    text += fmt::format("clips/{}.wav,rooms/{}.wav,out/{:07}.wav,{}\n", i % 100, i / 100 % 20, i,
                        i % 72 * 5);
  }
  write_bytes(folder_.file("list.csv"), text);
  std::string().swap(text);
  const auto resident = [] {
    std::ifstream statm("/proc/self/statm");
    long all = 0, present = 0;
    statm >> all >> present;
    return present * ::sysconf(_SC_PAGESIZE);
  };
  [[maybe_unused]] const long before = resident();
  const JobList jobs = read_list(folder_.file("list.csv"), {out_, ""});
#ifndef GPUCONV_EMULATED
  EXPECT_LT(resident() - before, 150L << 20);  // with the long name of the folder in each output
#endif
  ASSERT_EQ(jobs.size(), std::size_t{kJobs});
  for (const int i : {0, 1, kJobs / 2, kJobs - 1}) {
    const ListedJob job = jobs[static_cast<std::size_t>(i)];
    EXPECT_EQ(job.line, i + 2);
    EXPECT_EQ(job.input, fmt::format("clips/{}.wav", i % 100));
    EXPECT_EQ(job.response, fmt::format("rooms/{}.wav", i / 100 % 20));
    EXPECT_EQ(job.name, fmt::format("out/{:07}.wav", i));
    EXPECT_EQ(job.output, out_ + "/" + std::string(job.name));
    EXPECT_EQ(job.azimuth, i % 72 * 5);
  }
  EXPECT_EQ(jobs[0].input.data(), jobs[100].input.data()) << "kept once";
}

}  // namespace
}  // namespace gpuconv::test
