#include "host/render/voice_packer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cuda/runtime/range.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kGroupFloats = std::size_t{16} << 20;  // 64 MiB, if one voice fits
constexpr std::int64_t kReadStep = 1 << 16;                  // a short source takes little memory
constexpr std::size_t kListFloats = (sizeof(VoiceItem) + sizeof(VoiceTile)) / sizeof(float);

std::size_t stored(std::int64_t length) { return stored_length(static_cast<std::size_t>(length)); }

/// What lists of so many items take at most.
std::size_t list_floats(int items) { return static_cast<std::size_t>(items) * kListFloats; }

}  // namespace

VoicePacker::VoicePacker(SceneResponses responses, std::vector<Voice> voices, const Limits& limits)
    : responses_(std::move(responses)),
      voices_(std::move(voices)),
      gains_(voices_),
      block_length_(limits.block_length),
      grid_(limits.grid),
      slots_(static_cast<std::size_t>(limits.slots)),
      response_states_(responses_.count),
      maker_(limits.grid) {
  const std::size_t one =
      stored(block_length_ + 3) + 2 * stored(responses_.longest) + list_floats(grid_.segments);
  memory_size_ = std::max(one, std::min(kGroupFloats, one * voices_.size()));
  for (std::size_t v = 0; v < voices_.size(); ++v) {
    Response& response = response_states_[voices_[v].response];
    response.end = std::max(response.end, voices_[v].end);
    response.last_voice = v;
  }
}

void VoicePacker::restart(std::span<const SceneSource> sources) {
  sources_.assign(sources.size(), {});
  for (std::size_t s = 0; s < sources.size(); ++s) sources_[s].from = &sources[s];
  for (std::size_t v = 0; v < voices_.size(); ++v) sources_[voices_[v].source].last_voice = v;
  for (Response& response : response_states_) response.slot = -1;
  slots_.assign(slots_.size(), {});
  maker_.finish();  // what a passage that failed has left
  block_begin_ = 0;
  voice_ = 0;
  group_ = 0;
  latest_ = 0;
  reading_ = {};
}

void VoicePacker::next(PackedVoices& group, std::span<float> memory) {
  group = {};
  entries_.clear();
  list_floats_ = 0;
  while (voice_ < voices_.size() && add(voices_[voice_], memory, group)) {
    Source& source = sources_[voices_[voice_].source];
    if (source.last_voice == voice_) release(source);
    ++voice_;
  }
  group.lists = maker_.next(entries_);
  group.tiles_at = group.used;
  group.items_at = group.tiles_at + group.lists.tiles.size() * sizeof(VoiceTile) / sizeof(float);
  group.used = group.items_at + group.lists.items.size() * sizeof(VoiceItem) / sizeof(float);
  const auto put = [&](std::size_t at, const auto& list) {
    if (!list.empty()) std::memcpy(&memory[at], list.data(), list.size() * sizeof(list[0]));
  };
  put(group.tiles_at, group.lists.tiles);
  put(group.items_at, group.lists.items);
  ++group_;
  if (voice_ == voices_.size()) end_block(group);
}

/// Adds what is heard of a voice in the block. False if it needs another group.
bool VoicePacker::add(const Voice& voice, std::span<float> memory, PackedVoices& group) {
  const std::int64_t block_end = block_begin_ + block_length_;
  if (voice.begin >= block_end || voice.end <= block_begin_) return true;
  Source& source = sources_[voice.source];
  read_block(source);
  const std::int64_t first = std::max(voice.begin, source.first);
  const std::int64_t end = std::min(voice.end, source.first + std::ssize(source.samples));
  if (first >= end) return true;

  VoiceEntry entry{static_cast<int>(group.used), static_cast<int>(first - block_begin_),
                   static_cast<int>(end - first), response_states_[voice.response].slot,
                   static_cast<int>(responses_.longest)};
  if (group.used + list_floats_ + memory_for(voice, entry) > memory.size()) return false;
  if (entry.slot < 0) {
    entry.slot = find_slot();
    if (entry.slot < 0) return false;
  }

  // The samples first, then the taps.
  float* to = &memory[group.used];
  to = std::fill_n(to, entry.begin % 4, 0.0F);
  const float* const from = source.samples.data() + (first - source.first);
  gains_.apply(voice, first, {from, static_cast<std::size_t>(end - first)}, to);
  to += end - first;
  const std::size_t length = stored(entry.begin % 4 + entry.length);
  std::fill(to, &memory[group.used] + length, 0.0F);
  group.used += length;

  entry.taps = load(voice.response, entry.slot, memory, group);
  slots_[static_cast<std::size_t>(entry.slot)].last_group = group_;
  list_floats_ += list_floats(maker_.run_of(entry).count);
  entries_.push_back(entry);
  return true;
}

/// Floats that a voice takes at most.
std::size_t VoicePacker::memory_for(const Voice& voice, const VoiceEntry& entry) const {
  const bool is_new = response_states_[voice.response].slot < 0;
  return stored(entry.begin % 4 + entry.length) + (is_new ? 2 * stored(responses_.longest) : 0) +
         list_floats(maker_.run_of(entry).count);
}

/// A slot for a response that is not on the device; -1 if this group has them all.
int VoicePacker::find_slot() const {
  const std::int64_t block_end = block_begin_ + block_length_;
  int latest = -1;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.response < 0) return static_cast<int>(i);
    if (slot.last_group == group_) continue;
    const Response& inside = response_states_[static_cast<std::size_t>(slot.response)];
    if (inside.end <= block_begin_ || (inside.end <= block_end && inside.last_voice < voice_)) {
      return static_cast<int>(i);
    }
    if (latest < 0 || slot.last_group > slots_[static_cast<std::size_t>(latest)].last_group) {
      latest = static_cast<int>(i);
    }
  }
  return latest;
}

/// Puts a response into its slot, if it is not there. Returns its taps.
int VoicePacker::load(std::size_t response, int slot, std::span<float> memory,
                      PackedVoices& group) {
  Slot& to = slots_[static_cast<std::size_t>(slot)];
  if (to.response == static_cast<std::int64_t>(response)) return to.taps;
  if (to.response >= 0) response_states_[static_cast<std::size_t>(to.response)].slot = -1;
  const std::shared_ptr<const Stereo<Signal>> taps = responses_.load(response);
  PackedResponse packed{slot, taps->left.size(), {}};
  for (const Side side : kSides) {
    const Signal& ear = (*taps)[side];
    packed.at[side] = group.used;
    const auto after = std::ranges::copy(ear, &memory[group.used]).out;
    group.used += stored(std::ssize(ear));
    std::fill(after, &memory[packed.at[side]] + stored(std::ssize(ear)), 0.0F);
  }
  group.responses.push_back(packed);
  response_states_[response].slot = slot;
  to = {static_cast<std::int64_t>(response), static_cast<int>(packed.taps), group_};
  return to.taps;
}

void VoicePacker::read_block(Source& source) {
  if (source.is_read) return;
  source.is_read = true;
  source.first = std::max(block_begin_, source.from->start);
  const std::int64_t wanted = block_begin_ + block_length_ - source.first;
  if (source.has_ended || wanted <= 0) return;
  if (!spare_.empty()) {
    source.samples = std::move(spare_.back());
    spare_.pop_back();
  }
  const Range range("read");
  Signal& samples = source.samples;
  while (std::ssize(samples) < wanted) {
    const std::size_t start = samples.size();
    samples.resize(start +
                   static_cast<std::size_t>(std::min(kReadStep, wanted - std::ssize(samples))));
    const std::span<float> part = std::span(samples).subspan(start);
    const std::size_t count = reading_.time([&] { return source.from->read(part); });
    source.has_ended = count < part.size();
    samples.resize(start + count);
    if (source.has_ended) break;
  }
  if (!samples.empty()) latest_ = std::max(latest_, source.first + std::ssize(samples));
}

/// No voice hears more of it in this block.
void VoicePacker::release(Source& source) {
  if (source.samples.capacity() == 0) return;
  source.samples.clear();
  spare_.push_back(std::move(source.samples));
  source.samples = {};
}

void VoicePacker::end_block(PackedVoices& group) {
  group.is_last = true;
  group.is_end = true;
  for (Source& source : sources_) {
    read_block(source);
    release(source);
    source.is_read = false;
    group.is_end = group.is_end && source.has_ended;
  }
  group.length = static_cast<std::size_t>(
      group.is_end ? std::clamp<std::int64_t>(latest_ - block_begin_, 0, block_length_)
                   : block_length_);
  group.runs = maker_.finish();
  voice_ = 0;
  block_begin_ += block_length_;
}

}  // namespace gpuconv
