#include "host/read/integrity_check.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string_view>

#include "host/read/chunks.hpp"
#include "host/read/ogg_page.hpp"

namespace gpuconv {
namespace {

using namespace ogg;

// A FLAC begins with its name and a block of 34 bytes, STREAMINFO, which may be the last one of the
// header: RFC 9639, section 8.
constexpr std::string_view kFlac = "fLaC";
constexpr std::size_t kFlacBytes = 8;

bool is_flac(std::span<const unsigned char> bytes) {
  return bytes.size() >= kFlacBytes && text(bytes) == kFlac && (bytes[4] & 0x7f) == 0 &&
         number(bytes.subspan(5, 3), ByteOrder::big) == 34;
}

}  // namespace

void IntegrityCheck::take(std::int64_t offset, std::span<const unsigned char> bytes) {
  const std::int64_t known = position_ - offset;
  if (known < 0 || known >= std::ssize(bytes)) return;
  bytes = bytes.subspan(static_cast<std::size_t>(known));
  position_ += std::ssize(bytes);
  if (kind_ == Kind::ogg) {
    take_ogg(bytes);
  } else {
    take_flac(bytes);
    frames_.take(bytes);
  }
}

void IntegrityCheck::take_ogg(std::span<const unsigned char> bytes) {
  while (!bytes.empty() && !is_lost_) {
    const std::size_t skipped = std::min(skips_, bytes.size());
    skips_ -= skipped;
    if (promised_sum_) sum_ = add_to(sum_, bytes.first(skipped));
    bytes = bytes.subspan(skipped);
    if (skips_ == 0) end_page();
    const std::size_t wanted =
        kept_.size() <= kSegments ? kSegments + 1 : kSegments + 1 + kept_[kSegments];
    const std::size_t count = std::min(wanted - kept_.size(), bytes.size());
    kept_.insert(kept_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (kept_.size() > kSegments && kept_.size() == kSegments + 1 + kept_[kSegments]) {
      take_page(position_ - std::ssize(bytes));
      if (skips_ == 0) end_page();
    }
  }
}

void IntegrityCheck::take_page(std::int64_t begin) {
  const std::span<const unsigned char> header(kept_);
  if (text(header) == "OggS") {
    const std::uint64_t serial = number(header.subspan(kSerial, 4), ByteOrder::little);
    const unsigned flags = header[kFlags];
    if (!end_) {
      promised_sum_ =
          static_cast<std::uint32_t>(number(header.subspan(kSum, 4), ByteOrder::little));
      sum_ = add_to(add_to(0, header.first(kSum)), std::array<unsigned char, 4>{});
      sum_ = add_to(sum_, header.subspan(kSum + 4));
    }
    // Other streams may lie between the pages of the first one, but they begin before it ends.
    if (end_ && (flags & kFirstPage) != 0) has_another_ = true;
    if (!serial_) serial_ = serial;
    if (!end_ && serial == *serial_) {
      check_order(number(header.subspan(kNumber, 4), ByteOrder::little),
                  number(header.subspan(kGranules, 8), ByteOrder::little));
    }
    const auto lengths = header.subspan(kSegments + 1);
    skips_ = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0});
    if (!end_ && serial == *serial_ && (flags & kLastPage) != 0) {
      end_ = begin + static_cast<std::int64_t>(skips_);
    }
  } else {
    is_lost_ = true;
    if (!end_) damaged("something else stands where a page should begin");
    if (begins_recording(header)) has_another_ = true;
  }
  kept_.clear();
}

void IntegrityCheck::end_page() {
  if (promised_sum_ && sum_ != *promised_sum_) damaged("the checksum of a page is wrong");
  promised_sum_.reset();
}

/// Who records a broadcast gets the header of the stream first, and then the page that is its turn.
void IntegrityCheck::check_order(std::uint64_t number, std::uint64_t granules) {
  if (before_ && before_->granules != 0 && number != (before_->number + 1) % 0x1'0000'0000) {
    damaged("pages are missing or stand there twice");
  }
  before_ = {number, granules};
}

void IntegrityCheck::damaged(const char* what) {
  if (damage_.empty()) damage_ = what;
}

void IntegrityCheck::take_flac(std::span<const unsigned char> bytes) {
  kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  if (position_ == std::ssize(bytes)) searched_ = 1;  // behind its own name
  while (!has_another_ && searched_ < kept_.size()) {
    const auto seen = std::span(kept_).subspan(searched_);
    const void* const found = ::memmem(seen.data(), seen.size(), kFlac.data(), kFlac.size());
    if (found == nullptr) break;
    searched_ = static_cast<std::size_t>(static_cast<const unsigned char*>(found) - kept_.data());
    if (kept_.size() - searched_ < kFlacBytes) return;
    has_another_ = is_flac(std::span(kept_).subspan(searched_));
    ++searched_;
  }
  // What may be the beginning of a name that goes on.
  const std::size_t rest = std::min(kept_.size() - searched_, kFlac.size() - 1);
  kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(rest));
  searched_ = 0;
}

}  // namespace gpuconv
