#include "host/audio/piped_input.hpp"

#include <fmt/core.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "host/audio/truncation.hpp"
#include "host/error.hpp"
#include "host/interrupt.hpp"

namespace gpuconv {
namespace {

/// Longest header: pictures and texts may stand before the samples.
constexpr std::int64_t kMostHead = 16 << 20;

std::uint64_t little(std::span<const unsigned char> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

bool begins_with(std::span<const unsigned char> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin());
}

/// Of a "fmt " chunk: what its tag and the bits of a sample mean together.
std::optional<RawEncoding> encoding_of(std::uint64_t tag, std::uint64_t bits) {
  constexpr std::uint64_t kPcm = 1, kFloat = 3, kAlaw = 6, kUlaw = 7;
  if (tag == kPcm && bits == 8) return RawEncoding::u8;
  if (tag == kPcm && bits == 16) return RawEncoding::s16;
  if (tag == kPcm && bits == 24) return RawEncoding::s24;
  if (tag == kPcm && bits == 32) return RawEncoding::s32;
  if (tag == kFloat && bits == 32) return RawEncoding::f32;
  if (tag == kFloat && bits == 64) return RawEncoding::f64;
  if (tag == kAlaw && bits == 8) return RawEncoding::alaw;
  if (tag == kUlaw && bits == 8) return RawEncoding::ulaw;
  return std::nullopt;
}

RawFormat parse_fmt(const std::string& path, std::span<const unsigned char> chunk) {
  constexpr std::uint64_t kExtensible = 0xfffe;  // the tag begins a GUID
  const std::uint64_t outer = little(chunk.subspan(0, 2));
  const std::uint64_t tag =
      outer == kExtensible && chunk.size() >= 26 ? little(chunk.subspan(24, 2)) : outer;
  const std::uint64_t channels = little(chunk.subspan(2, 2));
  const std::uint64_t bits = little(chunk.subspan(14, 2));
  const auto encoding = encoding_of(tag, bits);
  if (!encoding) {
    throw FileError(path, fmt::format("{}-bit samples of format {:#x} are not read from a pipe "
                                      "(PCM, float, mu-law and A-law are)",
                                      bits, tag));
  }
  if (little(chunk.subspan(12, 2)) != channels * bits / 8) {
    throw FileError(path, fmt::format("frames of {} bytes can not hold {} channels of {} bits",
                                      little(chunk.subspan(12, 2)), channels, bits));
  }
  const auto rate = static_cast<int>(
      std::min<std::uint64_t>(little(chunk.subspan(4, 4)), std::uint64_t{0x7fffffff}));
  return {rate, static_cast<int>(channels), *encoding};
}

PipedInput& input(void* user) { return *static_cast<PipedInput*>(user); }
sf_count_t length_of(void* user) { return input(user).length(); }
sf_count_t position_of(void* user) { return input(user).position(); }
sf_count_t seek_in(sf_count_t offset, int whence, void* user) {
  return input(user).seek(offset, whence);
}
sf_count_t read_from(void* bytes, sf_count_t count, void* user) {
  return input(user).read({static_cast<unsigned char*>(bytes), static_cast<std::size_t>(count)});
}
sf_count_t write_nothing(const void*, sf_count_t, void*) { return 0; }

}  // namespace

std::optional<PipedWav> PipedInput::find_wav() {
  constexpr std::size_t kFmtBytes = 16;
  const auto magic = look(0, 12);
  const bool is_rf64 = begins_with(magic, "RF64");
  if (magic.size() < 12 || !(is_rf64 || begins_with(magic, "RIFF")) ||
      !begins_with(std::span(magic).subspan(8), "WAVE")) {
    return std::nullopt;
  }
  std::optional<RawFormat> format;
  std::uint64_t size_in_ds64 = 0;
  for (std::int64_t position = 12;;) {
    const auto header = look(position, 8);
    if (header.size() < 8) break;
    const std::uint64_t size = little(std::span(header).subspan(4, 4));
    position += 8;
    if (begins_with(header, "data") && format) {
      const bool is_long = is_rf64 && size == 0xffffffff;
      const std::uint64_t bytes = is_long ? size_in_ds64 : size;
      const bool is_streamed = bytes == 0 || means_streamed(bytes, is_long ? 8 : 4);
      return PipedWav{*format, position, is_streamed ? -1 : static_cast<std::int64_t>(bytes)};
    }
    const auto chunk = look(position, std::min<std::size_t>(size, 40));
    if (begins_with(header, "ds64") && chunk.size() >= 16) {
      size_in_ds64 = little(std::span(chunk).subspan(8, 8));
    }
    if (begins_with(header, "fmt ") && chunk.size() >= kFmtBytes) format = parse_fmt(path_, chunk);
    position += static_cast<std::int64_t>(size + size % 2);
  }
  throw FileError(
      path_, fmt::format("is a WAV without format or samples in its first {} bytes", head_.size()));
}

void PipedInput::restrict_to(std::int64_t begin, std::int64_t bytes) {
  begin_ = position_ = begin;
  if (bytes >= 0) end_ = begin + bytes;
}

sf_private_tag* PipedInput::open(SF_INFO& info) {
  SF_VIRTUAL_IO io{length_of, seek_in, read_from, write_nothing, position_of};
  sf_private_tag* const file = sf_open_virtual(&io, SFM_READ, &info, this);
  is_header_ = false;
  return file;
}

void PipedInput::check_end() const {
  stop_if_interrupted();
  if (error_ == 0) return;
  throw FileError(path_, fmt::format("can not be read on ({})", std::strerror(error_)));
}

std::int64_t PipedInput::length() const { return end_ - begin_; }

std::int64_t PipedInput::seek(std::int64_t offset, int whence) {
  const std::int64_t base = whence == SEEK_SET ? begin_ : whence == SEEK_CUR ? position_ : end_;
  const std::int64_t target = base + offset;
  if (target == position_) return position();
  if (!is_header_ || target < begin_ || target > kMostHead) return -1;
  if (keep_up_to(target) < static_cast<std::size_t>(target)) return -1;
  position_ = target;
  return position();
}

std::int64_t PipedInput::read(std::span<unsigned char> bytes) {
  const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, end_ - position_));
  bytes = bytes.first(std::min(bytes.size(), left));
  std::size_t done = 0;
  const std::int64_t end = position_ + std::ssize(bytes);
  if (is_header_ && end <= kMostHead) keep_up_to(end);
  if (static_cast<std::size_t>(position_) < head_.size()) {
    const auto from = std::span(head_).subspan(static_cast<std::size_t>(position_));
    done = std::min(bytes.size(), from.size());
    std::copy_n(from.begin(), done, bytes.begin());
  }
  if (done < bytes.size() && !is_header_) done += read_pipe(bytes.subspan(done));
  position_ += static_cast<std::int64_t>(done);
  return static_cast<std::int64_t>(done);
}

/// Up to `count` bytes from `begin` on; fewer if the pipe or the head ends before.
std::vector<unsigned char> PipedInput::look(std::int64_t begin, std::size_t count) {
  const std::int64_t end = begin + static_cast<std::int64_t>(count);
  const std::size_t kept = end <= kMostHead ? keep_up_to(end) : head_.size();
  const std::size_t first = std::min(kept, static_cast<std::size_t>(begin));
  const auto from = head_.begin() + static_cast<std::ptrdiff_t>(first);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(count, kept - first))};
}

/// How many bytes from the first on are kept now.
std::size_t PipedInput::keep_up_to(std::int64_t end) {
  const std::size_t had = head_.size();
  const auto wanted = static_cast<std::size_t>(end);
  if (wanted <= had) return had;
  head_.resize(wanted);
  head_.resize(had + read_pipe(std::span(head_).subspan(had)));
  return head_.size();
}

/// Reads until `bytes` is full or the pipe ends.
std::size_t PipedInput::read_pipe(std::span<unsigned char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor_, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR && received_signal() == 0) continue;
    if (got < 0) error_ = errno;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace gpuconv
