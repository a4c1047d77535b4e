#include "host/read/byte_source.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/container.hpp"

namespace gpuconv {
namespace {

/// How long gpuconv waits for more, or the end, after the promised samples. Milliseconds.
constexpr int kPatience = 500;

constexpr std::size_t kPortion = 1 << 16;

/// Longest header: pictures and texts may stand before the samples.
constexpr std::int64_t kMostHead = 16 << 20;

ByteSource& input(void* user) { return *static_cast<ByteSource*>(user); }
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

ByteSource::ByteSource(int descriptor, std::string path, std::int64_t file_bytes,
                       std::int64_t origin, std::int64_t present)
    : descriptor_(descriptor),
      path_(std::move(path)),
      is_file_(file_bytes >= 0),
      origin_(origin),
      present_(present < 0 ? kEndlessBytes : present),
      end_(is_file_ ? file_bytes : kEndlessBytes) {}

void ByteSource::skip(std::int64_t bytes) {
  const std::int64_t kept = std::min(bytes, std::ssize(head_));
  head_.erase(head_.begin(), head_.begin() + kept);
  std::vector<unsigned char> dropped(kPortion);
  for (std::int64_t left = bytes - kept; left > 0;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(left, kPortion));
    const std::size_t got = read_some(std::span(dropped).first(wanted));
    if (got == 0) break;
    left -= static_cast<std::int64_t>(got);
  }
}

std::size_t ByteSource::read_available(std::span<unsigned char> bytes) {
  is_header_ = false;
  if (is_file_) {
    const std::int64_t left = std::max<std::int64_t>(0, end_ - position_);
    bytes = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(left)));
    if (bytes.empty()) return 0;
    ::lseek(descriptor_, origin_ + position_, SEEK_SET);
  }
  const auto position = static_cast<std::size_t>(position_);
  std::size_t got = 0;
  if (position < head_.size()) {
    got = std::min(bytes.size(), head_.size() - position);
    std::copy_n(head_.begin() + position_, got, bytes.begin());
  } else {
    got = read_some(bytes);
  }
  position_ += static_cast<std::int64_t>(got);
  return got;
}

std::int64_t ByteSource::hide_flac_total() {
  constexpr std::size_t kEnd = kFlacTotal + kFlacTotalBytes;
  const auto head = look(0, kEnd);
  if (head.size() < kEnd || (head[4] & 0x7f) != 0) return 0;  // STREAMINFO comes first
  if (is_file_) head_ = head;
  const auto total = std::span(head_).subspan(kFlacTotal, kFlacTotalBytes);
  const std::int64_t frames = flac_total(total);
  total[0] &= 0xf0;  // the upper bits belong to the bits of a sample
  std::ranges::fill(total.subspan(1), 0);
  return frames;
}

void ByteSource::overwrite(std::int64_t offset, std::span<const unsigned char> bytes) {
  const auto begin = static_cast<std::size_t>(offset);
  const auto head = look(0, begin + bytes.size());
  if (head.size() < begin + bytes.size()) return;
  if (is_file_) head_ = head;
  std::ranges::copy(bytes, head_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void ByteSource::restrict_to(std::int64_t begin, std::int64_t bytes) {
  begin_ = position_ = begin;
  if (bytes >= 0) end_ = std::min(end_, begin + bytes);
}

sf_private_tag* ByteSource::open(SF_INFO& info) {
  SF_VIRTUAL_IO io{length_of, seek_in, read_from, write_nothing, position_of};
  sf_private_tag* const file = sf_open_virtual(&io, SFM_READ, &info, this);
  is_header_ = false;
  return file;
}

void ByteSource::check_end() const {
  stop_if_interrupted();
  if (error_ == 0) return;
  throw FileError(path_, fmt::format("cannot be read on ({})", std::strerror(error_)));
}

bool ByteSource::reaches(std::int64_t end) {
  while (tail_end() < end && read_tail(end)) {
  }
  return tail_end() >= end;
}

std::vector<unsigned char> ByteSource::read_trailing(std::int64_t offset, std::size_t count) {
  if (is_file_) return peek_file(offset, count);
  while (tail_end() < offset + static_cast<std::int64_t>(count) && read_tail(offset)) {
  }
  const auto first = static_cast<std::size_t>(std::max<std::int64_t>(0, offset - tail_begin_));
  if (first >= tail_.size()) return {};
  const auto from = tail_.begin() + static_cast<std::ptrdiff_t>(first);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(count, tail_.size() - first))};
}

const IntegrityCheck& ByteSource::finish_check() {
  if (is_file_) {
    while (!check_->has_another() && check_->damage().empty()) {
      stop_if_interrupted();
      const std::int64_t position = check_->position();
      check_->take(position, peek_file(position, kPortion));
      if (check_->position() == position) break;
    }
    return *check_;
  }
  const std::int64_t limit = position_ + kWrap;  // a longer rest is not a recording
  while (!check_->has_another() && check_->damage().empty() && tail_end() < limit &&
         read_tail(limit)) {
  }
  return *check_;
}

/// Reads on after the samples and keeps the bytes from `wanted` on. False at the end, or where
/// nothing more comes.
bool ByteSource::read_tail(std::int64_t wanted) {
  if (tail_begin_ < 0) {
    // Bytes that open() has kept may stand after the samples, too.
    const auto kept = std::min(static_cast<std::size_t>(position_), head_.size());
    tail_.assign(head_.begin() + static_cast<std::ptrdiff_t>(kept), head_.end());
    tail_begin_ = position_;
    if (check_) check_->take(tail_begin_, tail_);
    if (!tail_.empty()) return true;
  }
  if (!goes_on()) return false;
  const std::int64_t begin = tail_end();
  std::vector<unsigned char> bytes(kPortion);
  bytes.resize(read_some(bytes));
  if (check_) check_->take(begin, bytes);
  tail_.insert(tail_.end(), bytes.begin(), bytes.end());
  const std::int64_t unwanted =
      std::clamp<std::int64_t>(wanted - tail_begin_, 0, std::ssize(tail_));
  tail_.erase(tail_.begin(), tail_.begin() + unwanted);
  tail_begin_ += unwanted;
  return !bytes.empty();
}

std::int64_t ByteSource::tail_end() const {
  return tail_begin_ < 0 ? position_ : tail_begin_ + std::ssize(tail_);
}

bool ByteSource::goes_on() const {
  if (is_file_) return true;
  for (;;) {
    pollfd waiting{descriptor_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kPatience);
    // A signal of somebody else, such as the watchdog's tick, is not the end of the pipe.
    if (ready < 0 && errno == EINTR && !must_stop()) continue;
    return ready > 0;
  }
}

std::int64_t ByteSource::length() const { return end_ - begin_; }

std::int64_t ByteSource::seek(std::int64_t offset, int whence) {
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

std::int64_t ByteSource::read(std::span<unsigned char> bytes) {
  const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, end_ - position_));
  bytes = bytes.first(std::min(bytes.size(), left));
  std::size_t done = 0;
  const std::int64_t end = position_ + std::ssize(bytes);
  if (!is_file_ && is_header_ && end <= kMostHead) {
    if (!check_) keep_up_to(end);
    if (check_ && std::ssize(head_) <= position_ && !is_over()) keep_more(kPortion);
  }
  if (static_cast<std::size_t>(position_) < head_.size()) {
    const auto from = std::span(head_).subspan(static_cast<std::size_t>(position_));
    done = std::min(bytes.size(), from.size());
    std::copy_n(from.begin(), done, bytes.begin());
  }
  auto rest = bytes.subspan(done);
  if (is_file_ && !rest.empty()) {
    const std::int64_t from = position_ + static_cast<std::int64_t>(done);
    rest = rest.first(count_present(from, rest.size()));
    ::lseek(descriptor_, origin_ + from, SEEK_SET);
  }
  if (is_file_ || !is_header_) {
    // Decoders of FLAC and Ogg ask for more than there may be, and accept less. The writer may
    // keep the pipe open, so gpuconv does not wait for the rest.
    if (!check_) {
      done += read_pipe(rest);
    } else if (done == 0 && !is_over()) {
      done += read_some(rest);
    }
  }
  if (check_ && (is_file_ || !is_header_)) check_->take(position_, bytes.first(done));
  if (is_over()) {
    const std::int64_t end_of_it = check_->end().value_or(end_);
    const std::int64_t left_of_it = std::max<std::int64_t>(0, end_of_it - position_);
    done = std::min(done, static_cast<std::size_t>(left_of_it));
  }
  position_ += static_cast<std::int64_t>(done);
  // libsndfile looks for chunks until it is at the end of the file. A pipe that has ended is there.
  const bool has_ended = check_ ? done == 0 : done < bytes.size();
  if (!is_file_ && is_header_ && has_ended) position_ = end_;
  return static_cast<std::int64_t>(done);
}

/// How many of `count` bytes from `offset` on are there, as far as the part of the file goes.
std::size_t ByteSource::count_present(std::int64_t offset, std::size_t count) const {
  return std::min(count, static_cast<std::size_t>(std::max<std::int64_t>(0, present_ - offset)));
}

std::vector<unsigned char> ByteSource::peek_file(std::int64_t offset, std::size_t count) const {
  return peek(descriptor_, origin_ + offset, count_present(offset, count));
}

/// Whether libsndfile shall see no more of a pipe: the last page of an Ogg has come, or a damaged
/// one.
bool ByteSource::is_over() const {
  if (is_file_ || !check_) return false;
  if (!is_header_ && !check_->damage().empty()) return true;
  return check_->end() && check_->position() >= *check_->end();
}

std::vector<unsigned char> ByteSource::look(std::int64_t offset, std::size_t count) {
  if (is_file_) return peek_file(offset, count);
  const std::int64_t end = offset + static_cast<std::int64_t>(count);
  const std::size_t kept = end <= kMostHead ? keep_up_to(end) : head_.size();
  const std::size_t first = std::min(kept, static_cast<std::size_t>(offset));
  const auto from = head_.begin() + static_cast<std::ptrdiff_t>(first);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(count, kept - first))};
}

/// Keeps the bytes up to `end`, and returns how many are kept.
std::size_t ByteSource::keep_up_to(std::int64_t end) {
  // In portions: less may come.
  const auto wanted = static_cast<std::size_t>(end);
  while (head_.size() < wanted && keep_more(std::min(wanted - head_.size(), kPortion))) {
  }
  return head_.size();
}

/// Keeps up to `most` bytes, as soon as there are any. False at the end.
bool ByteSource::keep_more(std::size_t most) {
  const std::size_t had = head_.size();
  head_.resize(had + most);
  head_.resize(had + read_some(std::span(head_).subspan(had)));
  if (check_) check_->take(0, head_);
  return head_.size() > had;
}

/// Reads until `bytes` is full or the pipe ends.
std::size_t ByteSource::read_pipe(std::span<unsigned char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::size_t got = read_some(bytes.subspan(done));
    if (got == 0) break;
    done += got;
  }
  return done;
}

/// Waits until something comes; 0 at the end.
std::size_t ByteSource::read_some(std::span<unsigned char> bytes) {
  // Whoever was interrupted may look once more, and a pipe that says nothing would keep him.
  if (must_stop()) return 0;
  for (;;) {
    const ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR && !must_stop()) continue;
    if (got < 0 && errno == EAGAIN) {  // the pipe was opened without waiting
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, -1) > 0 || !must_stop()) continue;
    }
    if (got < 0) error_ = errno;
    return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
}

}  // namespace gpuconv
