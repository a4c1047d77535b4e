// voices_test.cpp - sums of voices on the device, block by block
#include "cuda/methods/voices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cuda/runtime/device.hpp"
#include "tests/support/noise.hpp"

#ifdef GPUCONV_EMULATED
#include "tests/emulation/emulation.hpp"
#endif

namespace gpuconv::test {
namespace {

/// One voice of a block.
struct VoiceInBlock {
  int begin;
  Signal samples;
  Stereo<Signal> response;
};

std::vector<VoiceInBlock> some_voices(std::size_t count, int block, std::size_t longest) {
  std::vector<VoiceInBlock> voices;
  for (std::size_t v = 0; v < count; ++v) {
    const unsigned seed = 10 * static_cast<unsigned>(v);
    const int begin = v == 0 ? 0 : static_cast<int>(37 * v) % block;
    const auto length =
        static_cast<std::size_t>(v % 2 == 0 ? block - begin : 1 + (block - begin) / 3);
    const std::size_t taps = v == 0 ? longest : 1 + 53 * v % longest;
    voices.push_back({begin, noise(length, seed), {noise(taps, seed + 1), noise(taps, seed + 2)}});
  }
  return voices;
}

/// The sum in double, and sum_v ||x_v|| ||h_v|| of each side.
struct VoicesInDouble {
  Stereo<std::vector<double>> wet;
  Stereo<double> scale;
};

VoicesInDouble in_double(const std::vector<VoiceInBlock>& voices, std::size_t wet_length) {
  VoicesInDouble result;
  const auto squares = [](const Signal& signal) {
    double sum = 0;
    for (const float sample : signal) sum += double{sample} * double{sample};
    return sum;
  };
  for (const Side side : kSides) {
    result.wet[side].resize(wet_length);
    for (const VoiceInBlock& voice : voices) {
      const Signal& h = voice.response[side];
      for (std::size_t n = 0; n < voice.samples.size(); ++n) {
        for (std::size_t k = 0; k < h.size(); ++k) {
          result.wet[side][static_cast<std::size_t>(voice.begin) + n + k] +=
              double{voice.samples[n]} * double{h[k]};
        }
      }
      result.scale[side] += std::sqrt(squares(voice.samples) * squares(h));
    }
  }
  return result;
}

/// E of issue and design, in units of u.
double error_of(const Signal& wet, const std::vector<double>& expected, double scale) {
  double error = 0, reference = 0;
  for (std::size_t n = 0; n < expected.size(); ++n) {
    error += std::pow(double{wet[n]} - expected[n], 2);
    reference += expected[n] * expected[n];
  }
  const double largest = std::max(std::sqrt(reference), scale);
  return error == 0 ? 0 : std::sqrt(error) / largest / 0x1p-24;
}

/// A plan for voices and one block of them.
class VoiceBlock {
 public:
  VoiceBlock(PlanVoices* plan, int response_length, int source_length, const VoiceMemory& memory)
      : convolver(plan(response_length, source_length, memory)),
        response_length_(response_length),
        maker_(convolver->grid()) {}

  /// Groups of `group` voices. Responses are put into slots 0, 1, ... and again from 0 on with each
  /// group.
  Stereo<Signal> run(const std::vector<VoiceInBlock>& voices, int source_length,
                     std::size_t group) {
    costs = {};
    for (std::size_t from = 0; from < voices.size(); from += group) {
      add({voices.begin() + static_cast<std::ptrdiff_t>(from),
           voices.begin() + static_cast<std::ptrdiff_t>(std::min(from + group, voices.size()))});
    }
    runs = maker_.finish();
    const auto wet_length = static_cast<std::size_t>(source_length + response_length_ - 1);
    Stereo<DeviceBuffer<float>> memory;
    Stereo<std::span<float>> wet;
    for (const Side side : kSides) {
      memory[side] = DeviceBuffer<float>(stored_length(wet_length));
      wet[side] = memory[side].span().first(wet_length);
    }
    convolver->enqueue_wet(runs, source_length, wet, stream);
    count(convolver->wet_cost(runs, source_length));
    Stereo<Signal> host;
    for (const Side side : kSides) {
      host[side].resize(wet_length);
      download_async<float>(wet[side], host[side], stream);
    }
    stream.synchronize();
    return host;
  }

  Stream stream;
  std::unique_ptr<VoiceConvolver> convolver;
  Cost costs;
  std::vector<SegmentRun> runs;
  std::size_t items = 0;

 private:
  void count(const Cost& cost) {
    costs.operations += cost.operations;
    costs.device_bytes += cost.device_bytes;
    costs.launches += cost.launches;
  }

  void add(std::span<const VoiceInBlock> voices) {
    Signal samples;
    std::vector<VoiceEntry> entries;
    std::vector<Stereo<std::size_t>> taps;
    const auto pad = [&] { samples.resize(stored_length(samples.size())); };
    for (const VoiceInBlock& voice : voices) {
      entries.push_back({static_cast<int>(samples.size()), voice.begin,
                         static_cast<int>(voice.samples.size()), static_cast<int>(entries.size()),
                         static_cast<int>(voice.response.left.size())});
      samples.resize(samples.size() + static_cast<std::size_t>(voice.begin % 4));
      samples.insert(samples.end(), voice.samples.begin(), voice.samples.end());
      pad();
      Stereo<std::size_t> at;
      for (const Side side : kSides) {
        at[side] = samples.size();
        samples.insert(samples.end(), voice.response[side].begin(), voice.response[side].end());
        pad();
      }
      taps.push_back(at);
    }
    const VoiceLists lists = maker_.next(entries);
    items += lists.items.size();
    const UploadedTable<float> on_device(samples, stream);
    const UploadedTable<VoiceTile> tiles(lists.tiles, stream);
    const UploadedTable<VoiceItem> device_items(lists.items, stream);
    for (std::size_t slot = 0; slot < taps.size(); ++slot) {
      const std::size_t length = voices[slot].response.left.size();
      convolver->enqueue_response(static_cast<int>(slot),
                                  {on_device.span().subspan(taps[slot].left, length),
                                   on_device.span().subspan(taps[slot].right, length)},
                                  stream);
      count(convolver->response_cost(static_cast<int>(length)));
    }
    convolver->enqueue_voices(lists, {on_device.data(), tiles.data(), device_items.data()}, stream);
    count(convolver->voices_cost(lists));
    stream.synchronize();
  }

  int response_length_;
  VoiceListMaker maker_;
};

TEST(VoiceLists, HaveTheVoicesOfASegmentInTheirOrderHoweverTheyAreCut) {
  Random random(1);
  const auto below = [&](int limit) { return static_cast<int>(random.integer(0, limit - 1)); };
  for (int repeat = 0; repeat < 300; ++repeat) {
    const int advance = 4 + 4 * below(20);
    const int segments = 1 + below(20);
    const int taps = 1 + below(60);
    const int block = std::max(1, segments * advance - taps + 1);
    const VoiceGrid grid{advance, 4 * below(10), segments, 1 + below(30), 4 + 4 * below(3)};
    VoiceListMaker maker(grid);
    std::vector<std::vector<int>> expected(static_cast<std::size_t>(segments)), seen(expected);
    int slot = 0;
    for (int group = 0; group < 3; ++group) {
      std::vector<VoiceEntry> entries;
      for (int v = below(6); v > 0; --v) {
        const int begin = below(block);
        const int length = 1 + below(block - begin);
        entries.push_back({4 * below(100), begin, length, slot++, 1 + below(taps)});
        const int end = begin + length + entries.back().taps - 1;
        for (int p = 0; p < segments; ++p) {
          if (p * advance < end && (p + 1) * advance > begin) {
            expected[static_cast<std::size_t>(p)].push_back(entries.back().slot);
          }
        }
      }
      const auto earlier = seen;
      const VoiceLists lists = maker.next(entries);
      int items = 0;
      for (const VoiceBatch& batch : lists.batches) {
        EXPECT_LE(batch.items, grid.batch_items);
        EXPECT_EQ(batch.first_item, items);
        for (int t = batch.first_tile; t < batch.first_tile + batch.tiles; ++t) {
          const VoiceTile& tile = lists.tiles[static_cast<std::size_t>(t)];
          ASSERT_EQ(tile.first_item, items);
          for (unsigned j = 0; j < kTileSegments; ++j) {
            const auto p = static_cast<std::size_t>(tile.first_segment) + j;
            const bool is_begun = p < seen.size() && !seen[p].empty();
            ASSERT_EQ((tile.begun >> j & 1U) != 0, is_begun);
          }
          unsigned heard = 0;
          for (; items < tile.end_item; ++items) {
            const VoiceItem& item = lists.items[static_cast<std::size_t>(items)];
            seen[static_cast<std::size_t>(item.segment)].push_back(item.slot);
            heard |= 1U << (item.segment - tile.first_segment);
            const auto entry = std::ranges::find(entries, item.slot, &VoiceEntry::slot);
            ASSERT_NE(entry, entries.end());
            EXPECT_EQ(item.offset, entry->offset);
            EXPECT_EQ(item.length, entry->length + entry->begin % 4);
            EXPECT_EQ(item.first + entry->begin / 4 * 4, item.segment * advance - grid.overlap);
          }
          ASSERT_EQ(tile.heard, heard);
        }
        ASSERT_EQ(batch.first_item + batch.items, items);
      }
    }
    ASSERT_EQ(seen, expected);
    std::vector<bool> heard(static_cast<std::size_t>(segments)), is_in_run(heard);
    for (std::size_t p = 0; p < heard.size(); ++p) heard[p] = !seen[p].empty();
    for (const SegmentRun& run : maker.finish()) {
      for (int p = run.first; p < run.first + run.count; ++p) {
        is_in_run[static_cast<std::size_t>(p)] = true;
      }
    }
    ASSERT_EQ(is_in_run, heard);
    ASSERT_TRUE(maker.finish().empty());
  }
}

struct VoiceMethod {
  const char* name;
  PlanVoices* plan;
  PlanConvolver* single;
  bool is_direct;
};

class VoicesOf : public ::testing::TestWithParam<VoiceMethod> {
 protected:
  void SetUp() override {
    const Devices devices = query_devices();
    if (devices.list.empty()) GTEST_SKIP() << devices.why_none;
  }
};

TEST_P(VoicesOf, SumToWhatTheDefinitionSays) {
  for (const std::size_t V : {1u, 2u, 5u, 9u}) {
    for (const int K : {1, 2, 300}) {
      for (const int N : {1, 5, 700, 2001}) {
        const auto voices = some_voices(V, N, static_cast<std::size_t>(K));
        VoiceBlock block(GetParam().plan, K, N, {.slots = static_cast<int>(V)});
        const Stereo<Signal> wet = block.run(voices, N, V);
        const VoicesInDouble expected = in_double(voices, wet.left.size());
        const double length = std::log2(std::max(2.0, double(2 * (N + K))));
        const double bound = GetParam().is_direct
                                 ? 0.75 * (1 + std::sqrt(double(K))) + double(V) / 2
                                 : 1.5 * std::sqrt(2 * length + double(V) / 2);
        for (const Side side : kSides) {
          ASSERT_LE(error_of(wet[side], expected.wet[side], expected.scale[side]), bound)
              << V << " voices, " << N << " samples, " << K << " taps, " << name(side);
        }
      }
    }
  }
}

TEST_P(VoicesOf, OneOfThemHasTheBytesOfAConvolution) {
  for (const int K : {1, 31, 400}) {
    for (const int N : {1, 6, 399, 3000}) {
      const auto voices = some_voices(1, N, static_cast<std::size_t>(K));
      VoiceBlock block(GetParam().plan, K, N, {});
      const Stereo<Signal> wet = block.run(voices, N, 1);
      const auto single = GetParam().single({voices[0].response.left, voices[0].response.right}, N);
      ASSERT_EQ(single->block_length(), block.convolver->block_length());
      Signal samples = voices[0].samples;
      samples.resize(stored_length(samples.size()));
      const UploadedTable<float> source(samples, block.stream);
      DeviceBuffer<float> spectrum(single->source_spectrum_size());
      const std::size_t wet_length = wet.left.size();
      DeviceBuffer<float> left(stored_length(wet_length)), right(stored_length(wet_length));
      single->enqueue_both({source.span().first(static_cast<std::size_t>(N)), spectrum.span()},
                           {left.span().first(wet_length), right.span().first(wet_length)},
                           block.stream);
      Stereo<Signal> expected{Signal(wet_length), Signal(wet_length)};
      download_async<float>(left.span().first(wet_length), expected.left, block.stream);
      download_async<float>(right.span().first(wet_length), expected.right, block.stream);
      block.stream.synchronize();
      ASSERT_EQ(wet.left, expected.left) << N << " samples, " << K << " taps";
      ASSERT_EQ(wet.right, expected.right) << N << " samples, " << K << " taps";
    }
  }
}

TEST_P(VoicesOf, GiveTheSameBytesInAnyGroupsAndBatches) {
  constexpr int kBlock = 3000, kTaps = 200;
  const auto voices = some_voices(7, kBlock, kTaps);
  std::optional<Stereo<Signal>> expected;
  for (const std::size_t group : {7u, 1u, 2u, 5u}) {
    for (const std::size_t scratch :
         {std::size_t{64} << 20, std::size_t{1}, std::size_t{1} << 16}) {
      VoiceBlock block(GetParam().plan, kTaps, kBlock,
                       {.slots = static_cast<int>(group), .scratch_bytes = scratch});
      const Stereo<Signal> wet = block.run(voices, kBlock, group);
      if (!expected) expected = wet;
      ASSERT_EQ(wet.left, expected->left) << group << ", " << scratch;
      ASSERT_EQ(wet.right, expected->right) << group << ", " << scratch;
      // A second block has nothing of the first.
      ASSERT_EQ(block.run(voices, kBlock, group).left, expected->left) << group;
    }
  }
}

TEST_P(VoicesOf, AreZerosWhereNobodyIsHeard) {
  constexpr int kBlock = 20'000, kTaps = 50;
  std::vector<VoiceInBlock> voices = some_voices(1, 10, kTaps);
  voices[0].begin = 12'001;
  std::ranges::fill(voices[0].response.right, 0.0f);
  VoiceBlock block(GetParam().plan, kTaps, kBlock, {});
  const Stereo<Signal> wet = block.run(voices, kBlock, 1);
  for (std::size_t n = 0; n < wet.left.size(); ++n) {
    const bool is_heard = n >= 12'000 && n < 12'001 + 10 + 49;
    if (!is_heard) {
      ASSERT_NEAR(wet.left[n], 0, 1e-6) << n;
    }
    ASSERT_EQ(wet.right[n], 0) << n;
  }
  ASSERT_NE(wet.left[12'020], 0);
  EXPECT_LE(block.items, 2u) << "a voice of 10 samples";
  const Stereo<Signal> silence = block.run({}, kBlock, 1);
  EXPECT_EQ(std::ranges::count(silence.left, 0.0f), kBlock + kTaps - 1);
  EXPECT_EQ(std::ranges::count(silence.right, 0.0f), kBlock + kTaps - 1);
}

#ifdef GPUCONV_EMULATED
TEST_P(VoicesOf, MakeAsManyLaunchesAsTheyCost) {
  const auto voices = some_voices(5, 3000, 200);
  VoiceBlock block(GetParam().plan, 200, 3000, {.slots = 5, .scratch_bytes = 1 << 16});
  emulation::forget();
  block.run(voices, 3000, 2);
  const auto kernels = std::ranges::count(emulation::schedule(), emulation::Work::kernel,
                                          &emulation::Executed::work);
  // Each transform of cuFFT counts as one.
  const bool is_cufft = std::string(GetParam().name) == "gpu_cufft";
  EXPECT_EQ(kernels, is_cufft ? 2 * block.costs.launches - 3 : block.costs.launches);
}
#endif

INSTANTIATE_TEST_SUITE_P(
    , VoicesOf,
    ::testing::Values(VoiceMethod{"gpu_direct", plan_voices_direct, plan_gpu_direct, true},
                      VoiceMethod{"gpu_tiled", plan_voices_tiled, plan_gpu_tiled, true},
                      VoiceMethod{"gpu_radix2", plan_voices_radix2, plan_gpu_radix2, false},
                      VoiceMethod{"gpu_cufft", plan_voices_cufft, plan_gpu_cufft, false},
                      VoiceMethod{"gpu_fourstep", plan_voices_fourstep, plan_gpu_fourstep, false},
                      VoiceMethod{"gpu_fused", plan_voices_fused, plan_gpu_fused, false}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace gpuconv::test
