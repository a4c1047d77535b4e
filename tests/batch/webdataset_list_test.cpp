// webdataset_list_test.cpp - tars of recordings, as WebDataset and the program tar make them
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sndfile.h>

#include <cstdlib>
#include <filesystem>

#include "host/batch/list.hpp"
#include "host/read/source.hpp"
#include "tests/support/files.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/recordings.hpp"

namespace gpuconv::test {
namespace {

/// A member as POSIX has it.
std::string member(const std::string& name, const std::string& bytes, char kind = '0') {
  std::string header = name;
  header.resize(100);
  header += "0000644" + std::string(1, '\0') + "0000000" + std::string(1, '\0') + "0000000" +
            std::string(1, '\0') + fmt::format("{:011o}", bytes.size()) + std::string(1, '\0') +
            "00000000000" + std::string(1, '\0') + std::string(8, ' ') + kind;
  header.resize(257);
  header += std::string("ustar\0", 6) + "00";
  header.resize(512);
  unsigned sum = 0;
  for (const unsigned char byte : header) sum += byte;
  header.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  std::string padded = bytes;
  padded.resize((bytes.size() + 511) / 512 * 512);
  return header + padded;
}

const std::string kEnd(1024, '\0');

Signal recording_of(const ListedJob& job) {
  SourceOptions options;
  options.archive_offset = job.archive_offset;
  options.archive_bytes = job.archive_bytes;
  SourceReader reader(std::string(job.input), options);
  Signal samples(std::size_t{1} << 20);
  samples.resize(reader.read(samples));
  return samples;
}

class WebDatasetList : public ::testing::Test {
 protected:
  JobList read(const std::string& bytes, std::optional<ListPaths> paths = {}) const {
    write_bytes(tar_, bytes);
    ListOptions options{folder_.file("out"), "r.wav"};
    options.paths = paths;
    return read_list(tar_, options);
  }
  void expect_refusal(const std::string& bytes,
                      std::initializer_list<std::string_view> parts) const {
    EXPECT_TRUE(says(message_of<FileError>([&] { read(bytes); }), parts));
  }

  const Folder folder_;
  const std::string tar_ = folder_.file("shard.tar");
};

TEST_F(WebDatasetList, EachRecordingIsAJobThatIsReadAtItsPlace) {
  const Signal one = noise(3000, 1), two = noise(5001, 2);
  std::string bytes;
  std::vector<Signal> expected;
  const std::pair<const char*, int> kinds[] = {{"wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
                                               {"flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                                               {"ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
                                               {"aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
                                               {"caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},
                                               {"mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III}};
  for (const auto& [kind, format] : kinds) {
    for (const Signal& sound : {one, two}) {
      const std::string recording = encoded(format, sound);
      if (recording.empty()) continue;  // libsndfile may be built without MP3
      bytes += member(fmt::format("d/{}.{}", expected.size(), kind), recording);
      write_bytes(folder_.file("alone"), recording);
      SourceReader alone(folder_.file("alone"));
      expected.emplace_back(std::size_t{1} << 16);
      expected.back().resize(alone.read(expected.back()));
    }
  }
  const JobList jobs = read(bytes + kEnd);
  ASSERT_EQ(jobs.size(), expected.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].input, tar_);
    EXPECT_EQ(jobs[i].id, fmt::format("d/{}", i));
    EXPECT_EQ(jobs[i].name, fmt::format("d/{}.wav", i));
    EXPECT_EQ(recording_of(jobs[i]), expected[i]) << i;
  }
  EXPECT_EQ(read(bytes + kEnd, ListPaths::list)[0].input, tar_);
}

TEST_F(WebDatasetList, JsonOfTheSameSamplePassesThrough) {
  const std::string wav = wav_bytes({3, 32, 1}, bytes_of(noise(100, 1)));
  const JobList jobs =
      read(member("./a.json", R"({"text": "x", "duration": 3})") + member("./a.wav", wav) +
           member("./b.left.WAV", wav) + member("./b.right.wav", wav) + member("b.txt", "hello") +
           member("./b.json", R"({"n": [1]})") + member("c.d/e.wav", wav) +
           member("._a.wav", "apple") + member("c.d/", "", '5') + kEnd);
  ASSERT_EQ(jobs.size(), 4u);
  EXPECT_EQ(jobs[0].id, "a");
  EXPECT_EQ(jobs[0].extra, R"({"text":"x","duration":3})");
  EXPECT_FALSE(jobs[0].duration) << "what JSON says of a recording is not an order";
  EXPECT_EQ(jobs[1].id, "b");
  EXPECT_EQ(jobs[1].name, "b.left.wav");
  EXPECT_EQ(jobs[2].name, "b.right.wav");
  EXPECT_EQ(jobs[2].extra, R"({"n":[1]})");
  EXPECT_EQ(jobs[3].id, "c.d/e");
  EXPECT_EQ(jobs[3].extra, "");
  expect_refusal(member("a.wav", wav) + member("a.json", "[1]") + kEnd,
                 {"shard.tar: line 2: 'a.json' is not a JSON object"});
}

TEST_F(WebDatasetList, LongNamesStandInExtensions) {
  const std::string wav = wav_bytes({3, 32, 1}, bytes_of(noise(100, 1)));
  const std::string name = "speaker/" + std::string(150, 'x');
  const std::string path = "path=" + name + ".wav\n";
  const std::string record = fmt::format("{} {}", path.size() + 4, path);
  ASSERT_EQ(record.size(), path.size() + 4);
  for (const std::string& extension :
       {member("././@LongLink", name + ".wav" + std::string(1, '\0'), 'L'),
        member("PaxHeader/x", "20 mtime=1700000000\n" + record, 'x')}) {
    const JobList jobs =
        read(extension + member("speaker/xxx.wav", wav) + member("z.wav", wav) + kEnd);
    ASSERT_EQ(jobs.size(), 2u);
    EXPECT_EQ(jobs[0].id, name);
    EXPECT_EQ(jobs[0].line, 1);
    EXPECT_EQ(jobs[1].id, "z");
  }
  expect_refusal(member("x", "99 path=a\n", 'x') + kEnd, {"line 1: has a damaged extended header"});
}

TEST_F(WebDatasetList, ADamagedOrTruncatedTarIsRefused) {
  const std::string wav = wav_bytes({3, 32, 1}, bytes_of(noise(300, 1)));
  const std::string whole = member("a.wav", wav) + member("b.wav", wav) + kEnd;
  EXPECT_EQ(read(whole).size(), 2u);
  EXPECT_EQ(read(whole + std::string(8192, '\0')).size(), 2u);
  for (std::size_t bytes = 512; bytes < whole.size() - 512; bytes += 256) {
    expect_refusal(whole.substr(0, bytes), {"shard.tar: line ", "the tar is truncated"});
  }
  std::string damaged = whole;
  damaged[member("a.wav", wav).size() + 10] = 'x';
  expect_refusal(damaged, {"line 2: does not begin at byte ", "the tar is damaged"});
  expect_refusal(whole + whole, {"line 3: stands after the end of the tar"});
  expect_refusal(member("../a.wav", wav) + kEnd,
                 {"line 1: output '../a.wav' is not a file within"});
  expect_refusal(member("a.wav", wav) + member("a.wav", wav) + kEnd, {"line 2: has the output"});
  expect_refusal(member("a.txt", "hello") + kEnd, {"shard.tar: holds no jobs"});
}

TEST_F(WebDatasetList, AMemberThatEndsEarlyDoesNotReadTheNextOne) {
  const std::string flac = encoded(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, noise(9000, 1));
  const std::string caf = encoded(SF_FORMAT_CAF | SF_FORMAT_PCM_16, noise(9000, 1));
  const std::string wav = encoded(SF_FORMAT_WAV | SF_FORMAT_PCM_16, noise(9000, 1));
  for (const std::string& sound : {flac, caf, wav}) {
    const JobList jobs =
        read(member("a.x.wav", sound.substr(0, sound.size() - 1024)) + member("b.wav", wav) + kEnd);
    EXPECT_TRUE(says(message_of<FileError>([&] { recording_of(jobs[0]); }),
                     {"shard.tar:512: is truncated"}));
    SourceOptions options;
    options.archive_offset = jobs[0].archive_offset;
    options.archive_bytes = jobs[0].archive_bytes;
    options.truncated = Truncated::accept;
    SourceReader reader(tar_, options);
    Signal samples(20'000);
    EXPECT_LT(reader.read(samples), 9000u);
  }
}

/// Reads the list, which may be refused by a FileError and by nothing else.
void read_or_refuse(const std::string& path, const std::string& folder) {
  ListOptions options{folder, "r.wav"};
  options.allows_commands = true;
  try {
    for (const ListedJob& job : read_list(path, options)) {
      ASSERT_FALSE(job.input.empty());
      ASSERT_TRUE(job.output.starts_with(folder + "/")) << job.output;
      ASSERT_EQ(job.output.find("/../"), job.output.npos) << job.output;
    }
  } catch (const FileError&) {
  }
}

TEST(DamagedLists, AreReadOrRefused) {
#ifdef GPUCONV_EMULATED
  constexpr int kTimes = 300;
#else
  constexpr int kTimes = 1000;
#endif
  const Folder folder;
  const std::string wav = wav_bytes({3, 32, 1}, bytes_of(noise(10, 1)));
  const std::pair<const char*, std::string> lists[] = {
      {"a.csv", "# c\ninput;id;azimuth;x\na.wav;1;5;\"q\n\"\"\"\nb.wav;2;;y\n"},
      {"a.jsonl", R"({"input": "a", "azimuth": 1.5, "x": [{"y": null}]})"
                  "\n"
                  R"({"input": "b", "id": 7})"},
      {"a.json", R"([{"audio_filepath": "a", "offset": 1}, {"audio_filepath": "b"}])"},
      {"cuts.json",
       R"({"id": "c", "start": 0, "duration": 1, "channel": 0, "type": "MonoCut", "recording": {"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}], "duration": 1.0, "transforms": []}})"},
      {"wav.scp", "a x.ark:12\nb cat x |\nc y.wav\n"},
      {"a.tar", member("@L", std::string("long.wav\0", 9), 'L') + member("a.wav", wav) +
                    member("x", "12 size=00\n", 'x') + member("b.json", "{\"a\": 1}") + kEnd}};
  Random random(20);
  for (const auto& [name, whole] : lists) {
    for (int time = 0; time < kTimes; ++time) {
      std::string bytes = whole;
      for (std::int64_t changes = random.integer(1, 3); changes > 0 && !bytes.empty(); --changes) {
        const auto at =
            static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()) - 1));
        const auto other =
            static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()) - 1));
        switch (random.integer(0, 3)) {
          case 0:
            bytes[at] = static_cast<char>(random.integer(0, 255));
            break;
          case 1:
            bytes[at] = bytes[other];
            break;
          case 2:
            bytes.erase(at, static_cast<std::size_t>(random.integer(1, 20)));
            break;
          default:
            bytes.insert(at, bytes.substr(other, static_cast<std::size_t>(random.integer(1, 20))));
        }
      }
      std::filesystem::remove(folder.file(name));  // truncating it would wait for the disk
      write_bytes(folder.file(name), bytes);
      SCOPED_TRACE(bytes);
      read_or_refuse(folder.file(name), folder.file("out"));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

TEST_F(WebDatasetList, ReadsWhatTheProgramTarWrites) {
  const std::string sound = float_wav(folder_, "utt.wav", 1, noise(1000, 1));
  write_bytes(folder_.file("utt.json"), R"({"text": "a"})");
  for (const char* const format : {"gnu", "pax", "ustar"}) {
    const std::string command =
        fmt::format("tar -C {} --format={} -cf {} utt.json utt.wav", folder_.path(), format, tar_);
    ASSERT_EQ(std::system(command.c_str()), 0);
    const JobList jobs = read_list(tar_, {folder_.file("out"), "r.wav"});
    ASSERT_EQ(jobs.size(), 1u);
    EXPECT_EQ(jobs[0].extra, R"({"text":"a"})");
    EXPECT_EQ(recording_of(jobs[0]), noise(1000, 1));
  }
  ASSERT_EQ(std::system(("gzip -f " + tar_).c_str()), 0);
  EXPECT_TRUE(says(message_of<FileError>([&] {
                     read_list(tar_ + ".gz", {folder_.file("out"), "r.wav"});
                   }),
                   {"is a tar; gpuconv reads it from a file that is not compressed"}));
}

}  // namespace
}  // namespace gpuconv::test
