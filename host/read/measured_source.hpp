// measured_source.hpp - a source whose length is known, or known to be long
#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "cuda/methods/lengths.hpp"
#include "host/base/signal.hpp"
#include "host/read/source.hpp"

namespace gpuconv {

/// The source. Where the file does not name its length, reads ahead to learn it.
class MeasuredSource {
 public:
  MeasuredSource(const std::string& path, const SourceOptions& options)
      : reader_(path, options),
        length_(reader_.format().frames),
        is_exact_(options.truncated == Truncated::error) {
    if (length_ <= 0)
      look_ahead();  // an unfinished file may claim 0
    else
      is_promise_ = !is_exact_;
  }

  SourceReader& reader() { return reader_; }

  /// N, or a number from which on all lengths are planned alike.
  std::int64_t length() const { return length_; }

  /// So many samples will come, or an error.
  std::int64_t least_length() const { return is_promise_ ? 1 : length_; }

  /// N, if it is known and anything else would be an error.
  std::optional<std::int64_t> exact_length() const {
    return is_exact_ ? std::optional(length_) : std::nullopt;
  }

  /// Whether samples beyond length() have not been looked for.
  bool has_more() const { return length_ == std::ssize(ahead_) && length_ >= kEndless; }

  std::size_t read(std::span<float> block) {
    const std::size_t known = std::min(block.size(), ahead_.size() - used_);
    std::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(used_), known, block.begin());
    used_ += known;
    if (used_ == ahead_.size()) {
      ahead_ = Signal();  // 64 MiB, where the source is long
      used_ = 0;
    }
    const std::size_t count =
        known == block.size() ? known : known + reader_.read(block.subspan(known));
    samples_read_ += static_cast<std::int64_t>(count);
    return count;
  }

  std::int64_t samples_read() const { return samples_read_; }

 private:
  void look_ahead() {
    ahead_.resize(kEndless);
    ahead_.resize(reader_.read(ahead_));
    length_ = static_cast<std::int64_t>(ahead_.size());
    is_exact_ = length_ < kEndless;
  }

  SourceReader reader_;
  std::int64_t length_;
  bool is_exact_;
  bool is_promise_ = false;  // fewer may come, and will be accepted
  Signal ahead_;
  std::size_t used_ = 0;
  std::int64_t samples_read_ = 0;
};

}  // namespace gpuconv
