#include "cuda/methods/voice_lists.hpp"

#include <algorithm>

namespace gpuconv {

VoiceListMaker::VoiceListMaker(const VoiceGrid& grid)
    : grid_(grid), begun_(static_cast<std::size_t>(grid.segments)) {}

SegmentRun VoiceListMaker::run_of(const VoiceEntry& entry) const {
  const std::int64_t wet_end = std::int64_t{entry.begin} + entry.length + entry.taps - 1;
  const int first = entry.begin / grid_.advance;
  const auto end = static_cast<int>((wet_end + grid_.advance - 1) / grid_.advance);
  return {first, std::min(end, grid_.segments) - first};
}

VoiceLists VoiceListMaker::next(std::span<const VoiceEntry> entries) {
  VoiceLists lists;
  std::vector<VoiceItem> batch;
  for (int start = 0; start < grid_.segments; start += grid_.batch_segments) {
    for (const VoiceEntry& entry : entries) {
      const SegmentRun run = run_of(entry);
      const int end = std::min(run.first + run.count, start + grid_.batch_segments);
      const int zeros = entry.begin % 4;
      for (int p = std::max(run.first, start); p < end; ++p) {
        const int first = p * grid_.advance - grid_.overlap - (entry.begin - zeros);
        batch.push_back({entry.offset, first, entry.length + zeros, entry.slot, p});
        if (static_cast<int>(batch.size()) == grid_.batch_items) add_batch(batch, lists);
      }
    }
  }
  add_batch(batch, lists);
  return lists;
}

/// Sorts a batch by tiles and empties it.
void VoiceListMaker::add_batch(std::vector<VoiceItem>& batch, VoiceLists& lists) {
  if (batch.empty()) return;
  const auto tile_of = [](const VoiceItem& item) { return item.segment / kTileSegments; };
  std::ranges::stable_sort(batch, {}, tile_of);
  VoiceBatch added{static_cast<int>(lists.tiles.size()), 0, static_cast<int>(lists.items.size()),
                   static_cast<int>(batch.size())};
  for (const VoiceItem& item : batch) {
    const int first_segment = tile_of(item) * kTileSegments;
    if (added.tiles == 0 || lists.tiles.back().first_segment != first_segment) {
      const auto at = static_cast<int>(lists.items.size());
      lists.tiles.push_back({first_segment, at, at, 0, 0});
      ++added.tiles;
      for (int j = 0; j < kTileSegments && first_segment + j < grid_.segments; ++j) {
        if (begun_[static_cast<std::size_t>(first_segment + j)]) {
          lists.tiles.back().begun |= 1U << j;
        }
      }
    }
    VoiceTile& tile = lists.tiles.back();
    tile.heard |= 1U << (item.segment - first_segment);
    ++tile.end_item;
    lists.items.push_back(item);
  }
  for (const VoiceItem& item : batch) begun_[static_cast<std::size_t>(item.segment)] = true;
  lists.batches.push_back(added);
  batch.clear();
}

std::vector<SegmentRun> VoiceListMaker::finish() {
  std::vector<SegmentRun> runs;
  for (int p = 0; p < grid_.segments; ++p) {
    if (!begun_[static_cast<std::size_t>(p)]) continue;
    if (runs.empty() || runs.back().first + runs.back().count != p) runs.push_back({p, 0});
    ++runs.back().count;
  }
  begun_.assign(begun_.size(), false);
  return runs;
}

}  // namespace gpuconv
