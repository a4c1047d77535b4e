#include "host/read/flac_frames.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "host/read/chunks.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kBlockBytes = 4;        // the header of a block of metadata
constexpr std::size_t kFlacHeaderBytes = 16;  // of a frame, at most
constexpr std::size_t kTailBytes = 160;       // an ID3v1 tag and the end of an APEv2 tag
constexpr std::size_t kId3v1Bytes = 128, kApeBytes = 32;
constexpr std::size_t kMostEnds = 1000;

/// Tables of the checksums, most significant bit first.
template <typename Sum>
constexpr std::array<Sum, 256> table_of(std::uint32_t polynomial) {
  constexpr int kBits = 8 * sizeof(Sum);
  std::array<Sum, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte << (kBits - 8);
    for (int bit = 0; bit < 8; ++bit) {
      sum = sum << 1 ^ ((sum >> (kBits - 1) & 1) != 0 ? polynomial : 0u);
    }
    table[byte] = static_cast<Sum>(sum);
  }
  return table;
}
constexpr auto kHeaderSums = table_of<std::uint8_t>(0x07);
constexpr auto kFrameSums = table_of<std::uint16_t>(0x8005);

std::uint16_t add_to(std::uint16_t sum, unsigned char byte) {
  return static_cast<std::uint16_t>(sum << 8 ^ kFrameSums[(sum >> 8 ^ byte) & 0xff]);
}

/// The samples of a block. Its code may refer to the bytes `after` the number.
std::int64_t samples_of(unsigned code, std::span<const unsigned char> after) {
  if (code == 0) return 0;  // reserved
  if (code == 1) return 192;
  if (code < 6) return std::int64_t{576} << (code - 2);
  if (code < 8) return 1 + static_cast<std::int64_t>(number(after.first(code - 5), ByteOrder::big));
  return std::int64_t{256} << (code - 8);
}

/// The header of a frame, if one stands here.
std::optional<FlacFrames::Header> header_at(std::span<const unsigned char> bytes) {
  if (bytes.size() < 6 || bytes[0] != 0xff || (bytes[1] & 0xfe) != 0xf8) return std::nullopt;
  const unsigned block_code = bytes[2] >> 4u;
  const unsigned rate_code = bytes[2] & 15u;
  // A number as in UTF-8, but of up to 36 bits.
  const auto ones = static_cast<std::size_t>(std::countl_one(bytes[4]));
  if (ones == 1 || ones > 7) return std::nullopt;
  const std::size_t number_end = 4 + std::max<std::size_t>(ones, 1);
  const std::size_t block_bytes = block_code == 6 ? 1 : block_code == 7 ? 2 : 0;
  const std::size_t rate_bytes = rate_code == 12 ? 1 : rate_code == 13 || rate_code == 14 ? 2 : 0;
  const std::size_t size = number_end + block_bytes + rate_bytes;
  if (bytes.size() <= size) return std::nullopt;
  std::uint8_t sum = 0;
  for (const unsigned char byte : bytes.first(size)) sum = kHeaderSums[sum ^ byte];
  if (sum != bytes[size]) return std::nullopt;
  std::uint64_t number = bytes[4] & (0x7fu >> ones);
  for (std::size_t i = 5; i < number_end; ++i) number = number << 6 | (bytes[i] & 0x3fu);
  const std::int64_t samples = samples_of(block_code, bytes.subspan(number_end));
  if (samples == 0) return std::nullopt;
  const bool counts_samples = (bytes[1] & 1) != 0;
  return FlacFrames::Header{number + (counts_samples ? static_cast<std::uint64_t>(samples) : 1),
                            number, samples};
}

}  // namespace

bool begins_flac(std::span<const unsigned char> head) {
  return head.size() >= 8 && text(head) == kFlacMagic && (head[4] & 0x7f) == 0 &&
         number(head.subspan(5, 3), ByteOrder::big) == 34;
}

std::int64_t flac_total(std::span<const unsigned char> bytes) {
  return static_cast<std::int64_t>(number(bytes, ByteOrder::big) & 0xf'ffff'ffff);
}

void FlacFrames::take(std::span<const unsigned char> bytes) {
  if (has_length_ && follow_ != Follow::always) return;
  kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  if (tail_.size() > 64 * kTailBytes) tail_.erase(tail_.begin(), tail_.end() - kTailBytes);
  if (!is_metadata_ || skip_metadata()) follow(kFlacHeaderBytes);
}

/// False until all of it has come.
bool FlacFrames::skip_metadata() {
  std::size_t end = kFlacMagic.size();
  for (bool is_last = false; !is_last;) {
    if (kept_.size() < std::max(end + kBlockBytes, kFlacTotal + kFlacTotalBytes)) return false;
    const auto header = std::span(kept_).subspan(end, kBlockBytes);
    is_last = (header[0] & 0x80) != 0;
    end += kBlockBytes + number(header.subspan(1), ByteOrder::big);
  }
  has_length_ = flac_total(std::span(kept_).subspan(kFlacTotal, kFlacTotalBytes)) != 0;
  if (has_length_ && follow_ != Follow::always) return false;
  if (kept_.size() < end) return false;
  drop(end);
  is_metadata_ = false;
  return true;
}

/// Follows the frames as far as `ahead` bytes can be looked ahead.
void FlacFrames::follow(std::size_t ahead) {
  if (!frame_ && kept_.size() > ahead && !is_lost_) {
    frame_ = header_at(kept_);
    is_lost_ = !frame_;
    begins_late_ = frame_ && frame_->number != 0;
  }
  if (is_lost_) return drop(kept_.size());
  std::size_t done = 0;
  while (done + ahead < kept_.size()) {
    done = skip_to_interest(done, kept_.size() - ahead);
    const auto rest = std::span(kept_).subspan(done);
    if (sum_ != 0 && (rest.empty() || rest[0] != 0xff)) continue;
    const std::optional<Header> next = header_at(rest);
    if (sum_ == 0 && next && next->number == frame_->next) {
      samples_ += frame_->samples;
      frame_ = next;
      ends_.clear();
      headers_inside_ = 0;
      has_gap_ = false;
      continue;
    }
    if (next) ++headers_inside_;
    if (sum_ != 0) continue;
    has_gap_ |= next.has_value();  // whose checksums would add up to 0 at the end again
    if (ends_.size() == kMostEnds) ends_.pop_back();  // of so many zeros the last one counts
    ends_.push_back(position_ + static_cast<std::int64_t>(done));
  }
  drop(done);
}

/// Adds bytes from `done` on to the checksum, one at least, until it is 0, a header may follow, or
/// `end` is reached; returns where that is. Nearly all of the time is spent here.
std::size_t FlacFrames::skip_to_interest(std::size_t done, std::size_t end) {
  const unsigned char* const bytes = kept_.data();
  const std::size_t last = std::min(end, kept_.size() - 1);  // there is a byte after these
  std::uint16_t sum = sum_;
  do {
    sum = add_to(sum, bytes[done++]);
  } while (done < last && sum != 0 && bytes[done] != 0xff);
  sum_ = sum;
  return done;
}

void FlacFrames::drop(std::size_t count) {
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(count));
  position_ += static_cast<std::int64_t>(count);
}

std::optional<FlacFrames::Verdict> FlacFrames::verdict() const {
  if (has_length_) return std::nullopt;
  FlacFrames all = *this;
  if (!is_metadata_) all.follow(0);
  if (!all.frame_) return Verdict{all.kept_.empty() && !all.is_lost_, all.is_lost_, 0};
  const auto is_end = [&](std::int64_t end) { return all.is_tail(all.position_ - end); };
  const bool is_whole = !all.has_gap_ && std::ranges::any_of(all.ends_, is_end);
  return Verdict{is_whole, !is_whole && all.headers_inside_ > 0,
                 all.samples_ + (is_whole ? all.frame_->samples : 0)};
}

std::optional<FlacFrames::Hole> FlacFrames::hole() const {
  FlacFrames all = *this;
  if (!is_metadata_) all.follow(0);
  if (all.begins_late_ && has_length_) return Hole{0, true};  // a broadcast may begin late
  if (!all.frame_) return std::nullopt;
  if (all.has_gap_) return Hole{all.samples_ + all.frame_->samples, true};
  if (all.headers_inside_ > 0) return Hole{all.samples_, false};
  return std::nullopt;
}

/// Whether the last `bytes` may follow the last frame.
bool FlacFrames::is_tail(std::int64_t bytes) const {
  if (bytes == 0) return true;
  // 16 bytes of MD5, 36 bits of samples in 5 bytes, 6 bytes of sizes.
  constexpr std::int64_t kRestOfHeader = 27;
  constexpr std::size_t kTotal = 11;  // from the end
  if (bytes == kRestOfHeader) {
    return flac_total(std::span(tail_).last(kTotal).first(kFlacTotalBytes)) ==
           samples_ + frame_->samples;
  }
  std::span<const unsigned char> rest = tail_;
  std::uint64_t tags = 0;
  if (rest.size() > kId3v1Bytes && text(rest.last(kId3v1Bytes)).starts_with("TAG")) {
    tags = kId3v1Bytes;
    rest = rest.first(rest.size() - kId3v1Bytes);
  }
  if (rest.size() > kApeBytes && text(rest.last(kApeBytes)) == "APET") {
    // What it counts, and a header if it says so (bit 31).
    const auto footer = rest.last(kApeBytes);
    tags += number(footer.subspan(12, 4), ByteOrder::little);
    if (number(footer.subspan(20, 4), ByteOrder::little) >> 31 != 0) tags += kApeBytes;
  }
  return tags == static_cast<std::uint64_t>(bytes);
}

}  // namespace gpuconv
