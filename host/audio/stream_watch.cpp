#include "host/audio/stream_watch.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string_view>

#include "host/audio/chunks.hpp"

namespace gpuconv {
namespace {

// The header of a page: RFC 3533, section 6.
constexpr std::size_t kFlags = 5;
constexpr std::size_t kSerial = 14;
constexpr std::size_t kSegments = 26;  // how many lengths follow, of one byte each
constexpr unsigned kFirstPage = 2;
constexpr unsigned kLastPage = 4;

// A FLAC begins with its name and a block of 34 bytes, STREAMINFO, which may be the last one of the
// header: RFC 9639, section 8.
constexpr std::string_view kFlac = "fLaC";
constexpr std::ptrdiff_t kFlacBytes = 8;

bool is_flac(std::span<const unsigned char> bytes) {
  return std::ssize(bytes) >= kFlacBytes && text(bytes) == kFlac && (bytes[4] & 0x7f) == 0 &&
         number(bytes.subspan(5, 3), ByteOrder::big) == 34;
}

}  // namespace

void StreamWatch::take(std::int64_t offset, std::span<const unsigned char> bytes) {
  const std::int64_t known = position_ - offset;
  if (known < 0 || known >= std::ssize(bytes)) return;
  bytes = bytes.subspan(static_cast<std::size_t>(known));
  position_ += std::ssize(bytes);
  if (kind_ == Kind::ogg) {
    take_ogg(bytes);
  } else {
    take_flac(bytes);
  }
}

void StreamWatch::take_ogg(std::span<const unsigned char> bytes) {
  while (!bytes.empty() && !is_lost_) {
    const std::size_t skipped = std::min(skips_, bytes.size());
    skips_ -= skipped;
    bytes = bytes.subspan(skipped);
    const std::size_t wanted =
        kept_.size() <= kSegments ? kSegments + 1 : kSegments + 1 + kept_[kSegments];
    const std::size_t count = std::min(wanted - kept_.size(), bytes.size());
    kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (kept_.size() > kSegments && kept_.size() == kSegments + 1 + kept_[kSegments]) {
      take_page(position_ - std::ssize(bytes));
    }
  }
}

void StreamWatch::take_page(std::int64_t begin) {
  const std::span<const unsigned char> header(kept_);
  if (text(header) == "OggS") {
    const std::uint64_t serial = number(header.subspan(kSerial, 4), ByteOrder::little);
    const unsigned flags = header[kFlags];
    // Other streams may lie between the pages of the first one, but they begin before it ends.
    if (end_ && (flags & kFirstPage) != 0) has_another_ = true;
    if (!serial_) serial_ = serial;
    const auto lengths = header.subspan(kSegments + 1);
    skips_ = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
    if (!end_ && serial == *serial_ && (flags & kLastPage) != 0) {
      end_ = begin + static_cast<std::int64_t>(skips_);
    }
  } else {
    is_lost_ = true;
  }
  kept_.clear();
}

void StreamWatch::take_flac(std::span<const unsigned char> bytes) {
  kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  std::span<const unsigned char> seen = kept_;
  if (position_ == std::ssize(kept_)) seen = seen.subspan(1);  // its own name
  while (!has_another_ && !seen.empty()) {
    const void* const found = ::memmem(seen.data(), seen.size(), kFlac.data(), kFlac.size());
    if (found == nullptr) break;
    seen = seen.subspan(
        static_cast<std::size_t>(static_cast<const unsigned char*>(found) - seen.data()));
    has_another_ = is_flac(seen);
    seen = seen.subspan(1);
  }
  // What may be the beginning of one that goes on.
  const std::ptrdiff_t rest = std::min(std::ssize(kept_), kFlacBytes - 1);
  kept_.erase(kept_.begin(), kept_.end() - rest);
}

}  // namespace gpuconv
