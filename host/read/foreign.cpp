#include "host/read/foreign.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string_view>

namespace gpuconv {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeadBytes = 512;

constexpr const char* kUnpackFirst = "unpack it first";
constexpr const char* kWriteWav = "write its samples as WAV first";
constexpr const char* kNeedsSound = "a recording is needed";

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  const char* name;
  const char* advice;
};

/// The first that fits counts: the special ones stand before the general ones.
constexpr Magic kMagics[] = {
    // Compressed recordings and films.
    {4, "ftypqt  ", "QuickTime", kConvertFirst},
    {4, "ftyp", "AAC or ALAC in MP4", kConvertFirst},
    {4, "moov", "QuickTime", kConvertFirst},
    {4, "mdat", "QuickTime", kConvertFirst},
    {0, "ADIF", "AAC", kConvertFirst},
    {0, "wvpk", "WavPack", kConvertFirst},
    {0, "MAC ", "Monkey's Audio", kConvertFirst},
    {0, "TTA1", "True Audio (TTA)", kConvertFirst},
    {0, "MPCK", "Musepack", kConvertFirst},
    {0, "MP+", "Musepack", kConvertFirst},
    {0, "tBaK", "TAK", kConvertFirst},
    {0, "OFR ", "OptimFROG", kConvertFirst},
    {0, "ajkg", "Shorten", kConvertFirst},
    {0, "DSD ", "DSD (DSF)", kConvertFirst},
    {0, "FRM8", "DSD (DSDIFF)", kConvertFirst},
    {0, "#!AMR", "AMR", kConvertFirst},
    {0, "\x0b\x77", "AC-3", kConvertFirst},
    {0, "\x1a\x45\xdf\xa3", "Matroska or WebM", kConvertFirst},
    {0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA or ASF)", kConvertFirst},
    {0, ".RMF", "RealMedia", kConvertFirst},
    {0, ".ra\xfd", "RealAudio", kConvertFirst},
    {0, "FLV\x01", "Flash video", kConvertFirst},
    {0, "\0\0\x01\xba"sv, "an MPEG program stream", kConvertFirst},
    {0, "MThd", "MIDI, which holds notes and not sound", kNeedsSound},
    // Recordings that libsndfile reads.
    {0, "Creative Voice File\x1a", "VOC, which is rarely used", kTryAnyFormat},
    {0, " paf", "PAF, which is rarely used", kTryAnyFormat},
    {0, "fap ", "PAF, which is rarely used", kTryAnyFormat},
    {0, "\x64\xa3", "IRCAM, which is rarely used", kTryAnyFormat},
    {2, "\xa3\x64", "IRCAM, which is rarely used", kTryAnyFormat},
    {0, "PVF1\n", "PVF, which is rarely used", kTryAnyFormat},
    {0, "2BIT", "AVR, which is rarely used", kTryAnyFormat},
    {0, "Extended Instrument:", "XI, which is rarely used", kTryAnyFormat},
    {0, "ALawSoundFile**", "WVE, which is rarely used", kTryAnyFormat},
    {0, "\xf0\x7e", "SDS, which is rarely used", kTryAnyFormat},
    // Numbers.
    {0, "\x93NUMPY", "a NumPy array (.npy)", kWriteWav},
    {0, "MATLAB 5.0 MAT-file", "MATLAB data (.mat)", kWriteWav},
    {0, "MATLAB 7.3 MAT-file", "MATLAB data (.mat)", kWriteWav},
    {0, "\x89HDF\r\n\x1a\n", "HDF5, perhaps a SOFA file",
     "as RESPONSE it needs a path, since it cannot come through a pipe"},
    {0, "CDF\x01", "NetCDF of the classic kind",
     "SOFA needs HDF5: nccopy -k netCDF-4 FILE new.sofa"},
    {0, "CDF\x02", "NetCDF of the classic kind",
     "SOFA needs HDF5: nccopy -k netCDF-4 FILE new.sofa"},
    // Archives.
    {0, "PK\x03\x04", "a ZIP archive", kUnpackFirst},
    {0, "\x1f\x8b", "compressed by gzip", kUnpackFirst},
    {0, "BZh", "compressed by bzip2", kUnpackFirst},
    {0, "\xfd\x37zXZ\0"sv, "compressed by xz", kUnpackFirst},
    {0, "\x28\xb5\x2f\xfd", "compressed by Zstandard", kUnpackFirst},
    {0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", kUnpackFirst},
    {257, "ustar", "a tar archive", kUnpackFirst},
    // What stands where a recording was not fetched.
    {0, "version https://git-lfs.github.com", "a Git LFS pointer, not the file itself",
     "fetch it first (git lfs pull)"},
    {0, "/annex/objects/", "a git-annex pointer, not the file itself",
     "fetch it first (git annex get FILE)"},
    // Everything else.
    {0, "\x89PNG\r\n\x1a\n", "a PNG picture", kNeedsSound},
    {0, "\xff\xd8\xff", "a JPEG picture", kNeedsSound},
    {0, "GIF8", "a GIF picture", kNeedsSound},
    {0, "%PDF-", "a PDF document", kNeedsSound},
    {0,
     "\x7f"
     "ELF",
     "a program", kNeedsSound},
};

bool fits(const Magic& magic, std::string_view head) {
  return head.size() >= magic.offset && head.substr(magic.offset).starts_with(magic.bytes);
}

/// AAC without a container: a header that begins like that of MPEG audio, with layer 0.
bool is_adts(std::string_view head) {
  if (head.size() < 7 || static_cast<unsigned char>(head[0]) != 0xff) return false;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(head[i]); };
  const std::size_t frame_bytes =
      static_cast<std::size_t>((at(3) & 3) << 11 | at(4) << 3 | at(5) >> 5);
  return (at(1) & 0xf6) == 0xf0 && (at(2) >> 2 & 15) < 13 && frame_bytes >= 7;
}

/// The first file in the ZIP archive is an array, whatever its name.
bool is_npz(std::string_view head) {
  constexpr std::size_t kName = 30;
  if (!head.starts_with("PK\x03\x04") || head.size() < kName) return false;
  const auto name_bytes = static_cast<unsigned char>(head[26]);
  return head.substr(kName).substr(0, name_bytes).ends_with(".npy");
}

bool is_transport_stream(std::string_view head) {
  constexpr std::size_t kPacket = 188;
  return head.size() > 2 * kPacket && head[0] == 'G' && head[kPacket] == 'G' &&
         head[2 * kPacket] == 'G';
}

/// Whether all bytes are those of text: UTF-8, or UTF-16 that says so.
bool is_text(std::string_view head) {
  if (head.size() < 2) return false;
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    // Every other byte of most scripts is a small one.
    const std::size_t high = head.starts_with("\xff\xfe") ? 3 : 2;
    for (std::size_t i = high; i < head.size(); i += 2) {
      if (static_cast<unsigned char>(head[i]) > 0x30) return false;
    }
    return head.size() > 3;
  }
  std::size_t follow = 0;  // bytes of a character that is not ASCII
  for (const char character : head) {
    const auto byte = static_cast<unsigned char>(character);
    if (follow > 0) {
      if ((byte & 0xc0) != 0x80) return false;
      --follow;
    } else if (byte >= 0x80) {
      follow = byte >= 0xf0 && byte < 0xf8 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 4;
      if (byte >= 0xf8 || follow == 4) return false;
    } else if (byte < 0x20 && std::isspace(byte) == 0 && byte != 0x1b) {
      return false;
    }
  }
  return true;
}

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

const char* kind_of_text(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with('{') || text.starts_with("[{") || text.starts_with("[\"")) return "JSON";
  for (const std::string_view word : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv}) {
    if (begins_with_word(text, word)) return "a web page (HTML)";
  }
  return text.starts_with("<?xml") ? "XML" : "text";
}

}  // namespace

std::optional<Foreign> recognise(const Peek& peek) {
  const auto bytes = peek(0, kHeadBytes);
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_npz(head)) return Foreign{"NumPy arrays (.npz)", kWriteWav};
  const auto magic = std::ranges::find_if(kMagics, [&](const Magic& m) { return fits(m, head); });
  if (magic != std::end(kMagics)) return Foreign{magic->name, magic->advice};
  if (is_adts(head)) return Foreign{"AAC", kConvertFirst};
  if (is_transport_stream(head)) return Foreign{"an MPEG transport stream", kConvertFirst};
  if (is_text(head)) return Foreign{kind_of_text(head), kNeedsSound};
  return std::nullopt;
}

std::string sentence(const Foreign& foreign) {
  return fmt::format("this is {}; {}", foreign.name, foreign.advice);
}

bool is_sofa(const std::string& path) {
  static constexpr std::string_view kExtension = ".sofa";
  if (path.size() >= kExtension.size() &&
      std::equal(kExtension.begin(), kExtension.end(), path.end() - kExtension.size(),
                 [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); })) {
    return true;
  }
  // A pipe would be read by looking at it, and SOFA cannot come through one.
  std::error_code error;  // open_input() says what is wrong with the name
  if (!std::filesystem::is_regular_file(path, error)) return false;
  static constexpr unsigned char kHdf5[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  const InputFile file = open_input(path);
  return std::ranges::equal(peek(file.descriptor.get(), 0, sizeof kHdf5), kHdf5);
}

}  // namespace gpuconv
