#include "host/read/integrity_check.hpp"

#include <algorithm>
#include <cstring>

#include "host/read/container.hpp"

namespace gpuconv {

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
  if (is_lost_) return;
  feed(*pages_, bytes);
  for (;;) {
    const std::span<const unsigned char> rest(pages_->data + pages_->returned,
                                              pages_->data + pages_->fill);
    ogg_page page;
    const long size = ::ogg_sync_pageseek(pages_.get(), &page);
    if (size == 0) return;
    if (size > 0) {
      take_page(page, position_ - std::ssize(rest) + size);
      continue;
    }
    is_lost_ = true;
    has_another_ = has_another_ || begins_recording(rest);
    if (end_ || !damage_.empty()) return;
    damage_ = text(rest) == "OggS" ? "the checksum of a page is wrong"
                                   : "something else stands where a page should begin";
    return;
  }
}

void IntegrityCheck::take_page(const ogg_page& page, std::int64_t end) {
  // Other streams may lie between the pages of the first one, but they begin before it ends.
  if (end_) has_another_ = has_another_ || ::ogg_page_bos(&page) != 0;
  const int serial = ::ogg_page_serialno(&page);
  if (!serial_) serial_ = serial;
  if (end_ || serial != *serial_) return;
  const auto number = static_cast<std::uint32_t>(::ogg_page_pageno(&page));
  // A recorded broadcast has the header of the stream first, and then any page.
  if (number_before_ && !is_header_ && number != *number_before_ + 1 && damage_.empty()) {
    damage_ = "pages are missing or stand there twice";
  }
  number_before_ = number;
  is_header_ = ::ogg_page_granulepos(&page) == 0;
  if (::ogg_page_eos(&page) != 0) end_ = end;
}

void IntegrityCheck::take_flac(std::span<const unsigned char> bytes) {
  kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  if (position_ == std::ssize(bytes)) searched_ = 1;  // after its own name
  while (!has_another_ && searched_ < kept_.size()) {
    const auto seen = std::span(kept_).subspan(searched_);
    const void* const found =
        ::memmem(seen.data(), seen.size(), kFlacMagic.data(), kFlacMagic.size());
    if (found == nullptr) break;
    searched_ = static_cast<std::size_t>(static_cast<const unsigned char*>(found) - kept_.data());
    if (kept_.size() - searched_ < 8) return;  // as begins_flac() needs
    has_another_ = begins_flac(std::span(kept_).subspan(searched_));
    ++searched_;
  }
  // What may be the beginning of a name that goes on.
  const std::size_t rest = std::min(kept_.size() - searched_, kFlacMagic.size() - 1);
  kept_.erase(kept_.begin(), kept_.end() - static_cast<std::ptrdiff_t>(rest));
  searched_ = 0;
}

}  // namespace gpuconv
