#include "host/write/float_store.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "host/base/error.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kBlock = 1 << 16;  // frames

void interleave(Stereo<std::span<const float>> ears, float* frames) {
  for (std::size_t n = 0; n < ears.left.size(); ++n) {
    frames[2 * n] = ears.left[n];
    frames[2 * n + 1] = ears.right[n];
  }
}

void take_apart(std::span<const float> frames, Stereo<Signal>& ears) {
  const std::size_t count = frames.size() / 2;
  for (const Side side : kSides) ears[side].resize(count);
  for (std::size_t n = 0; n < count; ++n) {
    ears.left[n] = frames[2 * n];
    ears.right[n] = frames[2 * n + 1];
  }
}

}  // namespace

void FloatStore::write(Stereo<std::span<const float>> wet) {
  count_ += std::ssize(wet.left);
  const std::size_t count = 2 * wet.left.size();
  const std::size_t kept = memory_.size();
  if (!file_ && kept + count <= 2 * kMemoryFrames) {
    memory_.resize(kept + count);
    interleave(wet, memory_.data() + kept);
    return;
  }
  if (!file_) {
    file_.emplace(output_, OutputOptions{});
    file_->write(std::as_bytes(std::span(memory_)));
    memory_ = {};
  }
  frames_.resize(count);
  interleave(wet, frames_.data());
  file_->write(std::as_bytes(std::span(frames_)));
}

void FloatStore::read(const WriteWet& wet) {
  if (file_) return read_file(wet);
  for (std::span<const float> left = memory_; !left.empty();) {
    const auto block = left.first(std::min(2 * kBlock, left.size()));
    take_apart(block, ears_);
    wet({ears_.left, ears_.right});
    left = left.subspan(block.size());
  }
}

void FloatStore::read(std::int64_t first, Stereo<std::span<float>> wet) {
  const auto begin = static_cast<std::size_t>(2 * first);
  const auto wanted =
      static_cast<std::size_t>(std::clamp<std::int64_t>(count_ - first, 0, std::ssize(wet.left)));
  frames_.resize(2 * wanted);
  if (!file_) {
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(std::min(begin, memory_.size())),
                2 * wanted, frames_.begin());
  }
  for (std::size_t done = 0; file_ && done < wanted;) {
    const auto position =
        static_cast<std::int64_t>(kFrameBytes) * (first + static_cast<std::int64_t>(done));
    const auto bytes = file_->read_back(position, (wanted - done) * kFrameBytes);
    const std::size_t frames = bytes.size() / kFrameBytes;
    if (frames == 0) throw_lost();
    std::memcpy(frames_.data() + 2 * done, bytes.data(), frames * kFrameBytes);
    done += frames;
  }
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    wet.left[n] = n < wanted ? frames_[2 * n] : 0;
    wet.right[n] = n < wanted ? frames_[2 * n + 1] : 0;
  }
}

void FloatStore::throw_lost() const {
  throw FileError(file_->path(), "the frames beside it cannot be read back");
}

void FloatStore::read_file(const WriteWet& wet) {
  for (std::int64_t done = 0; done < file_->bytes();) {
    const std::vector<unsigned char> bytes = file_->read_back(done, kBlock * kFrameBytes);
    const std::size_t frames = bytes.size() / kFrameBytes;
    if (frames == 0) throw_lost();
    frames_.resize(2 * frames);
    std::memcpy(frames_.data(), bytes.data(), frames * kFrameBytes);
    take_apart(frames_, ears_);
    wet({ears_.left, ears_.right});
    done += static_cast<std::int64_t>(frames * kFrameBytes);
  }
}

}  // namespace gpuconv
