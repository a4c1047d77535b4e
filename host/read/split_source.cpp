#include "host/read/split_source.hpp"

#include <algorithm>

namespace gpuconv {

std::size_t SplitSource::read(std::size_t index, std::span<float> block) {
  if (waiting_.size() == 1) {
    const std::size_t got = source_.read(block);
    is_at_end_ = got < block.size();
    return got;
  }
  Waiting& own = waiting_[index];
  const std::size_t known = std::min(block.size(), own.samples.size() - own.used);
  std::copy_n(own.samples.begin() + static_cast<std::ptrdiff_t>(own.used), known, block.begin());
  own.used += known;
  if (own.used == own.samples.size()) own = {};
  const std::span<float> rest = block.subspan(known);
  if (rest.empty()) return known;

  std::vector<std::span<float>> channels(waiting_.size());
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    Signal& samples = waiting_[i].samples;
    if (i == index) {
      channels[i] = rest;
    } else if (!is_wanted(i)) {
      unwanted_.resize(rest.size());
      channels[i] = unwanted_;
    } else {
      samples.erase(samples.begin(),
                    samples.begin() + static_cast<std::ptrdiff_t>(waiting_[i].used));
      waiting_[i].used = 0;
      samples.resize(samples.size() + rest.size());
      channels[i] = std::span(samples).last(rest.size());
    }
  }
  const std::size_t got = source_.read(channels);
  is_at_end_ = got < rest.size();
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    Signal& samples = waiting_[i].samples;
    if (i != index && is_wanted(i)) samples.resize(samples.size() - (rest.size() - got));
  }
  return known + got;
}

bool SplitSource::has_ended() const {
  return is_at_end_ &&
         std::ranges::all_of(waiting_, [](const Waiting& one) { return one.samples.empty(); });
}

}  // namespace gpuconv
