#include "host/write/wav_writer.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "host/base/error.hpp"
#include "host/read/wav_header.hpp"

namespace gpuconv {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are written as they lie");

constexpr std::uint64_t kUnknown32 = 0xffffffff;  // see ds64, or "up to the end"
constexpr std::uint64_t kDs64Bytes = 28;

/// Where the standard wants WAVE_FORMAT_EXTENSIBLE: more than 16 bits of PCM.
bool is_extensible(const FileFormat& format) {
  return format.encoding == Encoding::pcm && format.bits > 16;
}

std::uint64_t fmt_bytes(const FileFormat& format) {
  return is_extensible(format) ? 40 : format.encoding == Encoding::ieee_float ? 18 : 16;
}

std::uint64_t data_bytes(const FileFormat& format, std::int64_t frames) {
  return static_cast<std::uint64_t>(frames) * static_cast<std::uint64_t>(format.frame_bytes());
}

/// After the samples: chunks have an even number of bytes. One channel of 24 bits may not.
std::uint64_t padding_bytes(const FileFormat& format, std::int64_t frames) {
  return data_bytes(format, frames) % 2;
}

/// All bytes of the file after the first size.
std::uint64_t riff_bytes(const FileFormat& format, std::int64_t frames) {
  const std::uint64_t fact = format.encoding == Encoding::ieee_float ? 8 + 4 : 0;
  return 4 + (8 + kDs64Bytes) + (8 + fmt_bytes(format)) + fact + 8 + data_bytes(format, frames) +
         padding_bytes(format, frames);
}

class Header {
 public:
  void text(std::string_view characters) {
    for (const char c : characters) bytes_.push_back(static_cast<std::byte>(c));
  }
  void number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

void add_fmt(Header& header, const FileFormat& format, int rate) {
  constexpr std::uint64_t kPcm = 1;
  constexpr std::uint64_t kFloat = 3;
  constexpr std::uint64_t kFrontLeftAndRight = 3;
  constexpr std::uint64_t kFrontCentre = 4;
  const bool is_float = format.encoding == Encoding::ieee_float;
  const auto bits = static_cast<std::uint64_t>(format.bits);
  const auto frame_bytes = static_cast<std::uint64_t>(format.frame_bytes());

  header.text("fmt ");
  header.number(fmt_bytes(format), 4);
  header.number(is_extensible(format) ? kWavExtensible : is_float ? kFloat : kPcm, 2);
  header.number(static_cast<std::uint64_t>(format.channels), 2);
  header.number(static_cast<std::uint64_t>(rate), 4);
  header.number(static_cast<std::uint64_t>(rate) * frame_bytes, 4);
  header.number(frame_bytes, 2);
  header.number(bits, 2);
  if (is_float) header.number(0, 2);  // no extension
  if (is_extensible(format)) {
    header.number(22, 2);    // bytes of extension
    header.number(bits, 2);  // all of them valid
    header.number(format.channels == 1 ? kFrontCentre : kFrontLeftAndRight, 4);
    header.number(kPcm, 2);  // a GUID that begins with the format
    header.text(std::string_view("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14));
  }
}

/// The low bytes of each sample. Their number is a constant, so that no sample takes a call.
template <std::size_t kBytes>
void pack(std::span<const std::int32_t> samples, std::byte* to) {
  for (std::size_t n = 0; n < samples.size(); ++n) {
    std::memcpy(to + n * kBytes, &samples[n], kBytes);
  }
}

}  // namespace

bool is_rf64(const FileFormat& format, std::int64_t frames) {
  return format.container == Container::rf64 || riff_bytes(format, frames) >= kUnknown32;
}

std::vector<std::byte> wav_header(const FileFormat& format, int rate,
                                  std::optional<std::int64_t> frames) {
  const std::int64_t count = frames.value_or(0);
  const bool rf64 = frames && is_rf64(format, count);
  const bool unknown = rf64 || !frames;

  Header header;
  header.text(rf64 ? "RF64" : "RIFF");
  header.number(unknown ? kUnknown32 : riff_bytes(format, count), 4);
  header.text("WAVE");

  header.text(rf64 ? "ds64" : "JUNK");
  header.number(kDs64Bytes, 4);
  header.number(rf64 ? riff_bytes(format, count) : 0, 8);
  header.number(rf64 ? data_bytes(format, count) : 0, 8);
  header.number(rf64 ? static_cast<std::uint64_t>(count) : 0, 8);
  header.number(0, 4);  // no table of other long chunks

  add_fmt(header, format, rate);
  if (format.encoding == Encoding::ieee_float) {
    header.text("fact");
    header.number(4, 4);
    header.number(frames ? std::min(static_cast<std::uint64_t>(count), kUnknown32) : kUnknown32, 4);
  }
  header.text("data");
  header.number(unknown ? kUnknown32 : data_bytes(format, count), 4);
  return header.take();
}

WavWriter::WavWriter(OutputFile& file, const FileFormat& format, int rate,
                     std::optional<std::int64_t> frames)
    : file_(file), format_(format), rate_(rate) {
  if (!file.seekable()) announced_ = frames;
  file_.write(wav_header(format_, rate_, announced_));
}

void WavWriter::write(std::span<const float> frames) {
  file_.write(std::as_bytes(frames));
  samples_ += static_cast<std::int64_t>(frames.size());
}

void WavWriter::write(std::span<const std::int32_t> frames) {
  const auto sample_bytes = static_cast<std::size_t>(format_.bits / 8);
  bytes_.resize(frames.size() * sample_bytes);
  switch (sample_bytes) {
    case 2:
      pack<2>(frames, bytes_.data());
      break;
    case 3:
      pack<3>(frames, bytes_.data());
      break;
    default:
      pack<4>(frames, bytes_.data());
  }
  file_.write(bytes_);
  samples_ += static_cast<std::int64_t>(frames.size());
}

void WavWriter::finish() {
  const std::int64_t frames = samples_ / format_.channels;
  // A reader of a stream without sizes would take padding for a sample.
  const bool has_sizes = file_.seekable() || announced_;
  const std::byte padding[] = {std::byte{0}};
  if (has_sizes && padding_bytes(format_, frames) > 0) file_.write(padding);
  if (file_.seekable()) {
    file_.seek(0);
    file_.write(wav_header(format_, rate_, frames));
  } else if (announced_ && frames != *announced_) {
    throw FileError(file_.path(), fmt::format("was told to expect {} frames, {} were written",
                                              *announced_, frames));
  }
}

}  // namespace gpuconv
