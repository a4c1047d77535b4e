#include "host/audio/piped_input.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "host/audio/chunks.hpp"
#include "host/audio/truncation.hpp"
#include "host/error.hpp"
#include "host/interrupt.hpp"

namespace gpuconv {
namespace {

/// For how long a writer who has written all that he promised may keep us waiting. Milliseconds.
constexpr int kPatience = 500;

/// Longest header: pictures and texts may stand before the samples.
constexpr std::int64_t kMostHead = 16 << 20;

std::uint64_t little(std::span<const unsigned char> bytes, std::size_t offset, std::size_t size) {
  return number(bytes.subspan(offset, size), ByteOrder::little);
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
  const std::uint64_t outer = little(chunk, 0, 2);
  const std::uint64_t tag =
      outer == kExtensible && chunk.size() >= 26 ? little(chunk, 24, 2) : outer;
  const std::uint64_t channels = little(chunk, 2, 2);
  const std::uint64_t bits = little(chunk, 14, 2);
  const auto encoding = encoding_of(tag, bits);
  if (!encoding) {
    throw FileError(path, fmt::format("{}-bit samples of format {:#x} are not read from a pipe "
                                      "or without a size (PCM, float, mu-law and A-law are)",
                                      bits, tag));
  }
  if (little(chunk, 12, 2) != channels * bits / 8) {
    throw FileError(path, fmt::format("frames of {} bytes can not hold {} channels of {} bits",
                                      little(chunk, 12, 2), channels, bits));
  }
  const auto rate =
      static_cast<int>(std::min<std::uint64_t>(little(chunk, 4, 4), std::uint64_t{0x7fffffff}));
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

bool is_wav(std::span<const unsigned char> head) {
  return head.size() >= 12 && (text(head) == "RIFF" || text(head) == "RF64") &&
         text(head.subspan(8)) == "WAVE";
}

PipedInput::PipedInput(int descriptor, std::string path, std::int64_t file_bytes)
    : descriptor_(descriptor),
      path_(std::move(path)),
      is_file_(file_bytes >= 0),
      end_(is_file_ ? file_bytes : kEndlessBytes) {}

std::optional<PipedWav> PipedInput::find_wav() {
  constexpr std::size_t kFmtBytes = 16;
  const auto magic = look(0, 12);
  if (!is_wav(magic)) return std::nullopt;
  const ChunkLayout& layout = *find_layout(magic);
  const Peek peek = [this](std::int64_t offset, std::size_t count) { return look(offset, count); };
  std::optional<RawFormat> format;
  ChunkWalk chunks(peek, end_, layout);
  while (const auto chunk = chunks.next()) {
    if (chunk->name == "fmt ") {
      if (format) throw FileError(path_, "is a WAV with two formats");
      const auto fields = look(chunk->begin, std::min<std::uint64_t>(chunk->size, 40));
      if (fields.size() >= kFmtBytes) format = parse_fmt(path_, fields);
    }
    if (chunk->name != layout.samples || !format) continue;
    if (chunk->size == 0 && is_chunk_at(peek, chunk->begin, layout)) {
      return PipedWav{*format, chunk->begin, 0};
    }
    const bool is_streamed = chunk->size == 0 || means_streamed(chunk->size, chunk->size_bytes);
    return PipedWav{*format, chunk->begin,
                    is_streamed ? -1 : static_cast<std::int64_t>(chunk->size)};
  }
  throw FileError(path_, fmt::format("is a WAV without format or samples in its first {} bytes",
                                     is_file_ ? end_ : std::ssize(head_)));
}

std::int64_t PipedInput::hide_flac_total() {
  // After "fLaC" comes the block STREAMINFO, which ends in 36 bits of frames and a checksum.
  constexpr std::size_t kTotal = 21;
  constexpr std::size_t kEnd = 26;
  const auto info = look(0, kEnd);
  if (info.size() < kEnd || text(info) != "fLaC" || (info[4] & 0x7f) != 0) return 0;
  if (is_file_) head_ = info;
  const auto total = std::span(head_).subspan(kTotal, kEnd - kTotal);
  const std::uint64_t frames = number(total, ByteOrder::big) & 0xf'ffff'ffff;
  total[0] &= 0xf0;  // what is above belongs to the bits of a sample
  std::ranges::fill(total.subspan(1), 0);
  return static_cast<std::int64_t>(frames);
}

void PipedInput::restrict_to(std::int64_t begin, std::int64_t bytes) {
  begin_ = position_ = begin;
  if (bytes >= 0) end_ = std::min(end_, begin + bytes);
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

std::int64_t PipedInput::skip(std::int64_t most) {
  std::vector<unsigned char> bytes(1 << 16);
  // What the header phase has kept was behind the samples, too.
  const auto kept = std::ssize(head_) - position_;
  std::int64_t count = std::max<std::int64_t>(0, kept);
  while (count < most && goes_on()) {
    const std::size_t got = read_pipe(bytes);
    count += static_cast<std::int64_t>(got);
    if (got < bytes.size()) break;
  }
  return std::min(count, most);
}

bool PipedInput::goes_on() const {
  if (is_file_) return true;
  pollfd waiting{descriptor_, POLLIN, 0};
  return ::poll(&waiting, 1, kPatience) > 0;
}

std::int64_t PipedInput::length() const { return end_ - begin_; }

std::int64_t PipedInput::seek(std::int64_t offset, int whence) {
  const std::int64_t base = whence == SEEK_SET ? begin_ : whence == SEEK_CUR ? position_ : end_;
  const std::int64_t target = base + offset;
  if (target == position_) return position();
  if (target < begin_) return -1;
  if (!is_file_) {
    if (!is_header_ || target > kMostHead) return -1;
    if (keep_up_to(target) < static_cast<std::size_t>(target)) return -1;
  }
  position_ = target;
  return position();
}

std::int64_t PipedInput::read(std::span<unsigned char> bytes) {
  const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, end_ - position_));
  bytes = bytes.first(std::min(bytes.size(), left));
  std::size_t done = 0;
  const std::int64_t end = position_ + std::ssize(bytes);
  if (!is_file_ && is_header_ && end <= kMostHead) keep_up_to(end);
  if (static_cast<std::size_t>(position_) < head_.size()) {
    const auto from = std::span(head_).subspan(static_cast<std::size_t>(position_));
    done = std::min(bytes.size(), from.size());
    std::copy_n(from.begin(), done, bytes.begin());
  }
  const auto rest = bytes.subspan(done);
  if (is_file_ && !rest.empty()) {
    ::lseek(descriptor_, position_ + static_cast<std::int64_t>(done), SEEK_SET);
  }
  if (is_file_ || !is_header_) done += read_pipe(rest);
  position_ += static_cast<std::int64_t>(done);
  // libsndfile looks for chunks until it is at the end of the file. A pipe that is over is there.
  if (!is_file_ && is_header_ && done < bytes.size()) position_ = end_;
  return static_cast<std::int64_t>(done);
}

std::vector<unsigned char> PipedInput::look(std::int64_t offset, std::size_t count) {
  if (is_file_) return peek(descriptor_, offset, count);
  const std::int64_t end = offset + static_cast<std::int64_t>(count);
  const std::size_t kept = end <= kMostHead ? keep_up_to(end) : head_.size();
  const std::size_t first = std::min(kept, static_cast<std::size_t>(offset));
  const auto from = head_.begin() + static_cast<std::ptrdiff_t>(first);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(count, kept - first))};
}

/// How many bytes from the first on are kept now.
std::size_t PipedInput::keep_up_to(std::int64_t end) {
  // In portions: nobody knows whether so much comes.
  constexpr std::size_t kPortion = 1 << 16;
  const auto wanted = static_cast<std::size_t>(end);
  while (head_.size() < wanted) {
    const std::size_t had = head_.size();
    const std::size_t portion = std::min(wanted - had, kPortion);
    head_.resize(had + portion);
    head_.resize(had + read_pipe(std::span(head_).subspan(had)));
    if (head_.size() < had + portion) break;
  }
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
