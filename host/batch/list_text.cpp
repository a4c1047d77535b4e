#include "host/batch/list_text.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/container.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kTextBytes = 1 << 16;
constexpr std::size_t kHeadBytes = 512;  ///< of a file, enough to recognise it
constexpr int kMostLines = 10'000'000;

bool is_gzip(std::string_view head) { return head.starts_with("\x1f\x8b"); }

/// Throws FileError if these are the first bytes of a recording or a response: a name was left out,
/// or two changed places. A line of text may begin like a container, but holds no zeros.
void reject_sound(const std::string& path, std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 40);
  const std::span head_bytes(reinterpret_cast<const unsigned char*>(head.data()), head.size());
  if (head.find('\0') != head.npos && find_container(head_bytes) != nullptr) {
    throw FileError(path, "is sound and not a list");
  }
  if (head.starts_with("\x89HDF")) throw FileError(path, "is a SOFA file and not a list");
}

}  // namespace

ListText::ListText(const std::string& path)
    : name_(input_name(path)), file_(open_input(path)), bytes_(kTextBytes) {
  const std::size_t got = read_file(bytes_, kHeadBytes);
  begin_ = bytes_.data();
  end_ = begin_ + got;
  if (is_gzip({begin_, got})) {
    packed_.swap(bytes_);
    bytes_.resize(kTextBytes);
    gzip_.reset(new z_stream_s{});
    if (::inflateInit2(gzip_.get(), 15 + 16) != Z_OK) throw std::bad_alloc();
    gzip_->next_in = reinterpret_cast<Bytef*>(packed_.data());
    gzip_->avail_in = static_cast<uInt>(got);
    begin_ = end_ = bytes_.data();
    fill();
  }
  check_beginning();
}

/// The first bytes of the text: a byte order mark is skipped.
void ListText::check_beginning() {
  const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
  reject_sound(name_, text);
  if (is_tar(text)) {
    throw FileError(name_, "is a tar; gpuconv reads it from a file that is not compressed");
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    throw FileError(name_, "line 1: is UTF-16; save the list as UTF-8");
  }
  if (text.starts_with("\xef\xbb\xbf")) begin_ += 3;
}

char ListText::first() const {
  const char* const found =
      std::find_if(begin_, end_, [](char c) { return std::strchr(" \t\r\n", c) == nullptr; });
  return found == end_ ? '\0' : *found;
}

bool ListText::next_line(std::string& line, std::size_t most) {
  line.clear();
  if (begin_ == end_ && !fill()) return false;
  count_line();
  for (;;) {
    const char* const to = std::find(begin_, end_, '\n');
    line.append(begin_, to);
    if (line.size() > most) throw BadLine(fmt::format("is longer than {} bytes", most));
    const bool has_end = to != end_;
    begin_ = has_end ? to + 1 : end_;
    if (has_end || !fill()) break;
  }
  // Text that is not UTF-8 would be cut or garbled in messages.
  if (line.find('\0') != std::string::npos) throw BadLine("holds a zero byte");
  return true;
}

void ListText::count_line() {
  ++lines_;
  if (lines_ > kMostLines) {
    throw BadLine(fmt::format("is one too many (limit {} lines)", kMostLines));
  }
}

/// Makes begin_ and end_ the next portion of the text. False at its end.
bool ListText::fill() {
  const std::size_t got = gzip_ ? inflate_some() : read_file(bytes_, 1);
  begin_ = bytes_.data();
  end_ = begin_ + got;
  return got > 0;
}

/// At least so many bytes, but at the end.
std::size_t ListText::read_file(std::vector<char>& bytes, std::size_t least) {
  std::size_t done = 0;
  while (done < least) {
    const ssize_t got = ::read(file_.descriptor.get(), bytes.data() + done, bytes.size() - done);
    stop_if_interrupted();
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw BadLine(fmt::format("cannot be read ({})", std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::size_t ListText::inflate_some() {
  z_stream_s& gzip = *gzip_;
  for (;;) {
    if (gzip.avail_in == 0) {
      gzip.next_in = reinterpret_cast<Bytef*>(packed_.data());
      gzip.avail_in = static_cast<uInt>(read_file(packed_, 1));
      if (gzip.avail_in == 0 && is_within_member_) {
        throw BadLine("breaks off within its gzip data: the file is truncated");
      }
      if (gzip.avail_in == 0) return 0;
    }
    if (!is_within_member_) {
      if (*gzip.next_in == 0) {  // padding
        ++gzip.next_in;
        --gzip.avail_in;
        continue;
      }
      if (*gzip.next_in != 0x1f) throw BadLine("is followed by something else than gzip data");
      ::inflateReset(&gzip);
      is_within_member_ = true;
    }
    gzip.next_out = reinterpret_cast<Bytef*>(bytes_.data());
    gzip.avail_out = static_cast<uInt>(bytes_.size());
    const int result = ::inflate(&gzip, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      is_within_member_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      throw BadLine(fmt::format("is damaged gzip data ({})",
                                gzip.msg != nullptr ? gzip.msg : "no reason given"));
    }
    const std::size_t got = bytes_.size() - gzip.avail_out;
    if (got > 0) return got;
  }
}

}  // namespace gpuconv
