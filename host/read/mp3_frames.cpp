#include "host/read/mp3_frames.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "host/read/container.hpp"
#include "host/read/tags.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMp3HeaderBytes = 4;
constexpr std::size_t kMp3Portion = 1 << 16;
constexpr std::size_t kMp3ApeBytes = 32, kLyricsEndBytes = 9;

/// gpuconv ignores so many bytes after the last frame, whatever they are.
constexpr std::size_t kMostMp3Junk = 1024;

// kbit/s by the four bits of the header; 0: free or forbidden.
using BitRates = std::array<int, 16>;
constexpr BitRates kLayer1{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0};
constexpr BitRates kLayer2{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0};
constexpr BitRates kLayer3{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0};
constexpr BitRates kLowLayer1{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0};
constexpr BitRates kLowLayer23{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0};

const BitRates& bit_rates(bool is_mpeg1, int layer) {
  if (!is_mpeg1) return layer == 1 ? kLowLayer1 : kLowLayer23;
  return layer == 1 ? kLayer1 : layer == 2 ? kLayer2 : kLayer3;
}

std::string_view as_text(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::int64_t big32(std::span<const unsigned char> bytes, std::size_t offset) {
  return static_cast<std::int64_t>(number(bytes.subspan(offset, 4), ByteOrder::big));
}

/// The header of Xing and LAME, from its name on.
Mp3Info parse_xing(std::span<const unsigned char> tag) {
  constexpr std::size_t kSeekTable = 100, kDelays = 21;
  Mp3Info info;
  const std::int64_t flags = big32(tag, 4);
  std::size_t at = 8;
  const auto has = [&](int flag, std::size_t bytes) {
    return (flags & flag) != 0 && tag.size() >= at + bytes;
  };
  if (has(1, 4)) {
    info.frames = big32(tag, at);
    at += 4;
  }
  if (has(2, 4)) {
    info.bytes = big32(tag, at);
    at += 4;
  }
  if (has(4, kSeekTable)) at += kSeekTable;
  if (has(8, 4)) at += 4;
  // LAME's part begins with the name of the encoder.
  if (tag.size() < at + kDelays + 3 || tag[at] == 0) return info;
  const auto delays = number(tag.subspan(at + kDelays, 3), ByteOrder::big);
  info.delay = static_cast<int>(delays >> 12);
  info.padding = static_cast<int>(delays & 0xfff);
  return info;
}

}  // namespace

bool Mp3Header::continues(const Mp3Header& other) const {
  return version == other.version && layer == other.layer && rate == other.rate &&
         channels == other.channels;
}

std::optional<Mp3Header> mp3_header(std::span<const unsigned char> bytes) {
  if (bytes.size() < kMp3HeaderBytes || bytes[0] != 0xff || (bytes[1] & 0xe0) != 0xe0) {
    return std::nullopt;
  }
  const unsigned version_code = bytes[1] >> 3 & 3u;
  const unsigned layer_code = bytes[1] >> 1 & 3u;
  const unsigned rate_code = bytes[2] >> 2 & 3u;
  if (version_code == 1 || layer_code == 0 || rate_code == 3) return std::nullopt;
  Mp3Header header{};
  header.version = version_code == 3   ? Mp3Header::Version::mpeg1
                   : version_code == 2 ? Mp3Header::Version::mpeg2
                                       : Mp3Header::Version::mpeg2_5;
  const bool is_mpeg1 = version_code == 3;
  header.layer = 4 - static_cast<int>(layer_code);
  constexpr std::array<int, 3> kRates{44'100, 48'000, 32'000};
  header.rate = kRates[rate_code] / (is_mpeg1 ? 1 : version_code == 2 ? 2 : 4);
  header.channels = bytes[3] >> 6 == 3 ? 1 : 2;
  header.samples = header.layer == 1 ? 384 : header.layer == 3 && !is_mpeg1 ? 576 : 1152;
  header.has_checksum = (bytes[1] & 1) == 0;
  const int bit_rate = 1000 * bit_rates(is_mpeg1, header.layer)[bytes[2] >> 4];
  if (bit_rate == 0) return std::nullopt;
  const int slot_bytes = header.layer == 1 ? 4 : 1;
  const int slots = header.samples / 8 / slot_bytes * bit_rate / header.rate + (bytes[2] >> 1 & 1);
  header.bytes = static_cast<std::size_t>(slots) * static_cast<std::size_t>(slot_bytes);
  return header;
}

std::optional<Mp3Info> mp3_info(std::span<const unsigned char> frame, const Mp3Header& header) {
  if (header.layer != 3) return std::nullopt;
  const bool is_mpeg1 = header.version == Mp3Header::Version::mpeg1;
  const std::size_t side_bytes =
      is_mpeg1 ? (header.channels == 1 ? 17 : 32) : (header.channels == 1 ? 9 : 17);
  const std::size_t begin = kMp3HeaderBytes + (header.has_checksum ? 2 : 0);
  constexpr std::size_t kVbri = kMp3HeaderBytes + 32;
  if (frame.size() >= kVbri + 18 && as_text(frame.subspan(kVbri, 4)) == "VBRI") {
    return Mp3Info{big32(frame, kVbri + 14), big32(frame, kVbri + 10), std::nullopt};
  }
  const std::size_t name = begin + side_bytes;
  if (frame.size() < name + 8) return std::nullopt;
  const auto tag = frame.subspan(name);
  if (as_text(tag.first(4)) != "Xing" && as_text(tag.first(4)) != "Info") return std::nullopt;
  // Sound that happens to look like it has side information.
  const auto side = frame.subspan(begin, side_bytes);
  if (!std::ranges::all_of(side, [](unsigned char byte) { return byte == 0; })) return std::nullopt;
  return parse_xing(tag);
}

bool begins_mp3(const Peek& peek) {
  const auto first = mp3_header(peek(0, kMp3HeaderBytes));
  if (!first) return false;
  const auto end = static_cast<std::int64_t>(first->bytes);
  const auto next = peek(end, kMp3HeaderBytes);
  if (next.empty()) return !peek(end - 1, 1).empty();
  if (text(next).starts_with("TAG") || text(next).starts_with("ID3") || text(next) == "APET") {
    return true;
  }
  const auto second = mp3_header(next);
  return second && second->continues(*first);
}

std::optional<std::span<const unsigned char>> Mp3Frames::next() {
  if (has_ended_) return std::nullopt;
  drop(std::exchange(frame_bytes_, 0));
  end_position_ = position_;
  const auto head = fill(kMp3HeaderBytes);
  const auto header = mp3_header(head);
  if (!header || (header_ && !header->continues(*header_))) {
    has_ended_ = true;
    end_ = look_at_tail();
    return std::nullopt;
  }
  const auto frame = fill(header->bytes);
  if (frame.size() < header->bytes) {
    has_ended_ = true;
    end_ = End::cut;
    return std::nullopt;
  }
  header_ = header;
  frame_bytes_ = header->bytes;
  return frame;
}

/// The next `count` bytes, or fewer at the end.
std::span<const unsigned char> Mp3Frames::fill(std::size_t count) {
  while (buffer_.size() - done_ < count) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(done_));
    done_ = 0;
    const std::size_t had = buffer_.size();
    buffer_.resize(had + kMp3Portion);
    const std::size_t got = read_(std::span(buffer_).subspan(had));
    buffer_.resize(had + got);
    if (got == 0) break;
  }
  return std::span(buffer_).subspan(done_, std::min(count, buffer_.size() - done_));
}

void Mp3Frames::drop(std::size_t count) {
  done_ += count;
  position_ += static_cast<std::int64_t>(count);
}

/// What stands where no frame begins that continues this recording?
Mp3Frames::End Mp3Frames::look_at_tail() {
  const auto begins_frame = [&] { return mp3_header(fill(kMp3HeaderBytes)).has_value(); };
  if (begins_frame()) return End::joined;  // of another rate or layer
  bool has_tag = false;
  while (skip_tag()) has_tag = true;
  if (has_tag && begins_frame()) return End::joined;
  const std::size_t left = fill(kMp3HeaderBytes).size();
  if (!has_tag && left > 0 && left < kMp3HeaderBytes && fill(1)[0] == 0xff) return End::cut;
  while (!fill(1).empty() && fill(1)[0] == 0) drop(1);
  const auto rest = fill(kMostMp3Junk + 1);
  if (begins_recording(rest)) return End::joined;
  // A frame after something else was sound, too.
  for (std::size_t i = 0; header_ && i + kMp3HeaderBytes <= rest.size(); ++i) {
    const auto header = mp3_header(rest.subspan(i));
    if (header && header->continues(*header_)) return End::damaged;
  }
  return rest.size() <= kMostMp3Junk ? End::whole : End::damaged;
}

/// Skips a tag that stands here, if one does.
bool Mp3Frames::skip_tag() {
  const auto head = fill(kMp3ApeBytes);
  std::int64_t bytes = tag_bytes(head);
  if (head.size() == kMp3ApeBytes && as_text(head.first(8)) == "APETAGEX") {
    // The size counts all but the header, if there is one (bit 31), as here where it comes first.
    bytes =
        static_cast<std::int64_t>(number(head.subspan(12, 4), ByteOrder::little) + kMp3ApeBytes);
  }
  if (text(head) == "LYRI") {  // Lyrics3, whose size stands at its end
    const std::string_view lyrics = as_text(fill(kMp3Portion));
    const std::size_t end = std::min(lyrics.find("LYRICS200"), lyrics.find("LYRICSEND"));
    if (end != lyrics.npos) bytes = static_cast<std::int64_t>(end + kLyricsEndBytes);
  }
  if (bytes == 0) return false;
  while (bytes > 0) {
    const std::size_t there = fill(1).empty() ? 0 : buffer_.size() - done_;
    if (there == 0) break;
    const std::size_t skipped = std::min(there, static_cast<std::size_t>(bytes));
    drop(skipped);
    bytes -= static_cast<std::int64_t>(skipped);
  }
  return true;
}

}  // namespace gpuconv
