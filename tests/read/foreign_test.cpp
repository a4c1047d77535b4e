// foreign_test.cpp - files of other kinds are named, wherever they are given
#include "host/read/foreign.hpp"

#include <array>

#include "host/read/audio_file.hpp"
#include "host/read/source.hpp"
#include "host/room/info.hpp"
#include "host/room/response.hpp"
#include "tests/support/files.hpp"
#include "tests/support/filled_pipe.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv {
namespace {

using namespace test;

struct Kind {
  std::string bytes;
  std::string name;
  std::string advice;
};

const std::string kZeros(600, '\0');

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {big(28, 4) + "ftypM4A " + kZeros, "AAC or ALAC in MP4", "convert it first"},
      {big(28, 4) + "ftypisom" + kZeros, "AAC or ALAC in MP4", "ffmpeg -i FILE out.wav"},
      {big(20, 4) + "ftypqt  " + kZeros, "QuickTime", "convert it first"},
      {std::string("\xff\xf1\x50\x80\x2e\x7f\xfc", 7) + kZeros, "AAC", "convert it first"},
      {"wvpk" + kZeros, "WavPack", "convert it first"},
      {"MAC " + kZeros, "Monkey's Audio", "convert it first"},
      {"\x1a\x45\xdf\xa3" + kZeros, "Matroska or WebM", "convert it first"},
      {"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + kZeros, "Windows Media", "convert it first"},
      {"#!AMR\n" + kZeros, "AMR", "convert it first"},
      {std::string("\x93NUMPY\x01\0v", 9) + kZeros, "a NumPy array (.npy)", "as WAV first"},
      {"PK\x03\x04" + std::string(22, '\0') + little(9, 2) + little(0, 2) + "taps0.npy" + kZeros,
       "NumPy arrays (.npz)", "as WAV first"},
      {"MATLAB 5.0 MAT-file, Platform: GLNXA64" + kZeros, "MATLAB data (.mat)", "as WAV first"},
      {"MATLAB 7.3 MAT-file, Platform: GLNXA64" + kZeros, "MATLAB data (.mat)", "as WAV first"},
      {"PK\x03\x04" + std::string(22, '\0') + little(5, 2) + little(0, 2) + "a.wav" + kZeros,
       "a ZIP archive", "unpack it first"},
      {"\x1f\x8b\x08" + kZeros, "compressed by gzip", "unpack it first"},
      {std::string(257, 'a') + "ustar" + kZeros, "a tar archive", "unpack it first"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
       "a Git LFS pointer", "git lfs pull"},
      {"/annex/objects/SHA256E-s123--4d7a.wav\n", "a git-annex pointer", "git annex get"},
      {"{\"audio\": 1}\n", "JSON", "a recording is needed"},
      {" [{\"a\": 1}]", "JSON", "a recording is needed"},
      {"\n<!DOCTYPE HTML><title>404</title>", "a web page (HTML)", "a recording is needed"},
      {"<html><body>Sign in</body></html>", "a web page (HTML)", "a recording is needed"},
      {"<?xml version=\"1.0\"?><a/>", "XML", "a recording is needed"},
      {"input,output\na.wav,b.wav\n", "text", "a recording is needed"},
      {"gr\xc3\xbc\xc3\x9f dich, \xe2\x82\xac", "text", "a recording is needed"},
      {std::string("\xff\xfeh\0i\0 \0t\0", 10), "text", "a recording is needed"},
      {"\x89PNG\r\n\x1a\n" + kZeros, "a PNG picture", "a recording is needed"},
      {"%PDF-1.7\n" + kZeros, "a PDF document", "a recording is needed"},
  };
  return all;
}

/// Throws what the reader says.
void read_as_source(const std::string& path) { SourceReader{path}; }
void read_as_response(const std::string& path) { load_response(path); }
void read_for_info(const std::string& path) { describe(path); }
void read_as_any(const std::string& path) { AudioReader{path, Truncated::error, Formats::any}; }

TEST(ForeignTest, IsNamedToWhoeverReadsItFromFilesAndPipes) {
  const Folder folder;
  const std::string path = folder.file("a.wav");
  for (const Kind& kind : kinds()) {
    write_bytes(path, kind.bytes);
    for (const auto read : {read_as_source, read_as_response, read_for_info, read_as_any}) {
      if (read == read_as_any && kind.name.starts_with("MATLAB")) continue;  // libsndfile may try
      for (const bool is_pipe : {false, true}) {
        const std::string words = message_of<FileError>([&] {
          if (is_pipe) {
            read(FilledPipe(kind.bytes).path());
          } else {
            read(path);
          }
        });
        EXPECT_TRUE(says(words, {": this is " + kind.name, kind.advice})) << is_pipe;
        EXPECT_EQ(words.find("--allow-any-format"), words.npos) << words;
        EXPECT_EQ(words.find('\n'), words.npos);
      }
    }
  }
}

TEST(ForeignTest, NothingThatIsReadHereIsForeign) {
  const Folder folder;
  for (const Specimen& specimen : specimens()) {
    if (specimen.name == "SPHERE" || specimen.name == "SOFA") continue;  // text; no recording
    write_bytes(folder.file("a"), specimen.bytes);
    const InputFile file = open_input(folder.file("a"));
    EXPECT_FALSE(recognise(peek_into(file))) << specimen.name;
  }
}

TEST(ForeignTest, BytesOfNoKindAreNotGuessedAt) {
  const Folder folder;
  for (const std::string& bytes :
       {std::string("\x01\x02\x03\x04\x05"), kZeros, std::string("abc\x01"), std::string("\xc3")}) {
    write_bytes(folder.file("a"), bytes);
    const std::string words = message_of<FileError>([&] { AudioReader{folder.file("a")}; });
    EXPECT_TRUE(says(words, {"is not audio in a format that gpuconv recognises", "MP3"}));
    EXPECT_EQ(words.find("--allow-any-format"), words.npos);
  }
}

}  // namespace
}  // namespace gpuconv
