// split_source.hpp - a recording whose channels are read side by side, each as a source of its own
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "host/base/signal.hpp"
#include "host/read/measured_source.hpp"

namespace gpuconv {

/// Reads the file once, from front to back. What one channel is ahead of another is kept in memory.
class SplitSource {
 public:
  SplitSource(const std::string& path, const SourceOptions& options, const ChooseChannels& choose)
      : source_(path, options, choose), waiting_(source_.reader().channels()) {}

  MeasuredSource& source() { return source_; }

  /// Only these channels will be read: nothing is kept for the others. Before the first read().
  void read_only(const std::vector<bool>& wanted) { is_wanted_ = wanted; }

  /// The next samples of the channel that was chosen as number `index`, from 0. Fits ReadSource.
  std::size_t read(std::size_t index, std::span<float> block);

  /// Whether all samples of all channels have been returned, as far as read() has met the end.
  bool has_ended() const;

 private:
  /// What has been read of a channel before it was asked for.
  struct Waiting {
    Signal samples;
    std::size_t used = 0;
  };

  bool is_wanted(std::size_t index) const { return is_wanted_.empty() || is_wanted_[index]; }

  MeasuredSource source_;
  std::vector<Waiting> waiting_;
  std::vector<bool> is_wanted_{};  // empty: all are
  Signal unwanted_;
  bool is_at_end_ = false;  // of the file
};

}  // namespace gpuconv
