// measured_source.hpp - a source whose length is known, or known to be long
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/methods/lengths.hpp"
#include "host/base/signal.hpp"
#include "host/read/source.hpp"

namespace gpuconv {

/// The source. Where the file does not name its length, reads ahead to learn it.
class MeasuredSource {
 public:
  MeasuredSource(const std::string& path, const SourceOptions& options)
      : MeasuredSource(path, options, one_channel(path, options)) {}
  MeasuredSource(const std::string& path, const SourceOptions& options,
                 const ChooseChannels& choose)
      : reader_(path, options, choose),
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
  bool has_more() const {
    return !ahead_.empty() && length_ == std::ssize(ahead_.front()) && length_ >= kEndless;
  }

  std::size_t read(std::span<float> block) { return read(std::span(&block, 1)); }

  /// Of all channels: spans of one length.
  std::size_t read(std::span<const std::span<float>> channels) {
    const std::size_t length = channels.front().size();
    const std::size_t known = ahead_.empty() ? 0 : std::min(length, ahead_.front().size() - used_);
    for (std::size_t i = 0; i < channels.size() && known > 0; ++i) {
      std::copy_n(ahead_[i].begin() + static_cast<std::ptrdiff_t>(used_), known,
                  channels[i].begin());
    }
    used_ += known;
    if (!ahead_.empty() && used_ == ahead_.front().size()) {
      ahead_.clear();  // 64 MiB for each channel, where the source is long
      ahead_.shrink_to_fit();
      used_ = 0;
    }
    std::size_t count = known;
    if (known < length) {
      std::vector<std::span<float>> rest;
      for (const auto& channel : channels) rest.push_back(channel.subspan(known));
      count += reader_.read(rest);
    }
    samples_read_ += static_cast<std::int64_t>(count);
    return count;
  }

  std::int64_t samples_read() const { return samples_read_; }

 private:
  void look_ahead() {
    ahead_.resize(reader_.channels());
    for (Signal& channel : ahead_) channel.resize(kEndless);
    const std::size_t count =
        reader_.read(std::vector<std::span<float>>(ahead_.begin(), ahead_.end()));
    for (Signal& channel : ahead_) channel.resize(count);
    length_ = static_cast<std::int64_t>(count);
    is_exact_ = length_ < kEndless;
  }

  SourceReader reader_;
  std::int64_t length_;
  bool is_exact_;
  bool is_promise_ = false;    // fewer may come, and will be accepted
  std::vector<Signal> ahead_;  // of each channel
  std::size_t used_ = 0;
  std::int64_t samples_read_ = 0;
};

}  // namespace gpuconv
