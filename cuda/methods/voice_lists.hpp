// voice_lists.hpp - which samples of which voices each segment of a block hears
//
// A block of a scene is cut into segments (see SegmentLengths). For each of them the kernels sum
// over a list of items: samples of one voice, convolved with its response. The lists are made here,
// on the host, and are uploaded with the samples.
//
// Order    The items of a segment follow each other as the voices do. The sums are therefore the
//          same however the items are cut into groups and batches.
// Batches  One launch takes a batch of items, so that their spectra fit into scratch memory. A tile
//          of kTileSegments segments is summed by the same threads, which read a response once for
//          all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gpuconv {

inline constexpr int kTileSegments = 4;

/// What is heard of one voice in a block. The samples stand in one array with those of others:
/// sample `begin` of the block at `offset` + begin % 4; zeros fill the places from `offset` up to
/// it, and those after the last sample up to a multiple of four.
struct VoiceEntry {
  int offset = 0;  ///< a multiple of four
  int begin = 0;   ///< in the block
  int length = 0;  ///< samples, at least 1
  int slot = 0;    ///< where the plan keeps the response
  int taps = 0;    ///< of the response
};

/// The same in one segment, as kernels read it.
struct VoiceItem {
  int offset;
  int first;   ///< sample, counted from `offset`, that is element 0 of the segment
  int length;  ///< samples from `offset` on
  int slot;
  int segment;  ///< in the block
};

/// Items first_item ... end_item - 1 are heard in segments first_segment + j, j < kTileSegments.
struct VoiceTile {
  int first_segment;
  int first_item;
  int end_item;
  unsigned begun;  ///< bit j: earlier items have been added to segment j
  unsigned heard;  ///< bit j: one of these is
};

/// One launch. Positions in the vectors of VoiceLists.
struct VoiceBatch {
  int first_tile;
  int tiles;
  int first_item;
  int items;
};

struct VoiceLists {
  std::vector<VoiceTile> tiles;
  std::vector<VoiceItem> items;
  std::vector<VoiceBatch> batches;
};

/// Segments that follow each other.
struct SegmentRun {
  int first;
  int count;
};

/// How a plan cuts its blocks: the results of segment p are samples p advance to
/// (p + 1) advance - 1 of the wet signal; its element 0 is sample p advance - overlap of the
/// source.
struct VoiceGrid {
  int advance = 1;
  int overlap = 0;
  int segments = 1;        ///< of the longest block
  int batch_items = 1;     ///< at most
  int batch_segments = 1;  ///< a multiple of kTileSegments: the batches of so many segments follow
                           ///< each other
};

/// Makes the lists of one block after the other.
class VoiceListMaker {
 public:
  explicit VoiceListMaker(const VoiceGrid& grid);

  /// The segments in which `entry` is heard.
  SegmentRun run_of(const VoiceEntry& entry) const;

  /// The lists of some voices of a block, in their order; further ones of the block may follow.
  VoiceLists next(std::span<const VoiceEntry> entries);

  /// The segments that have had an item. What comes next is another block.
  std::vector<SegmentRun> finish();

 private:
  void add_batch(std::vector<VoiceItem>& batch, VoiceLists& lists);

  VoiceGrid grid_;
  std::vector<bool> begun_;  // segments
};

}  // namespace gpuconv
