// sofa_set.cpp - what a SOFA file holds, and reading of its responses; choice.cpp chooses
#include "host/room/sofa/sofa_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "host/base/error.hpp"
#include "host/files/input_file.hpp"
#include "host/read/audio_file.hpp"
#include "host/room/response.hpp"
#include "host/room/sofa/protocol.hpp"

namespace gpuconv {
namespace {

using sofa::Variable;

constexpr double kMaxDelaySeconds = 10;
// Frequencies in float32 make the rate they imply a little less than whole.
constexpr double kRateError = 1e-6;
// Below that, beside the largest bin, an imaginary part is rounding.
constexpr double kImaginaryError = 1e-6;

/// What a file without the attribute DataType must be.
std::string implied_type(const sofa::SofaReader& reader) {
  const Variable* const taps = reader.find("Data.IR");
  if (taps != nullptr) return taps->sizes.size() == 4 ? "FIR-E" : "FIR";
  if (reader.find("Data.SOS") != nullptr) return "SOS";
  const Variable* const bins = reader.find("Data.Real");
  if (bins != nullptr) return bins->sizes.size() == 4 ? "TF-E" : "TF";
  throw FileError(reader.path(), "is HDF5, but not a SOFA file (it has no Data.IR)");
}

}  // namespace

SofaSet::SofaSet(const std::string& path) : reader_(path) {
  conventions_ = attribute("SOFAConventions");
  const std::string implied = implied_type(reader_);
  data_type_ = attribute("DataType").empty() ? implied : attribute("DataType");
  static constexpr std::string_view kRead[] = {"FIR", "FIR-E", "FIRE", "TF", "TF-E"};
  if (std::ranges::find(kRead, data_type_) == std::end(kRead)) {
    throw FileError(path, fmt::format("its data type {} is not read (FIR, FIR-E, TF and TF-E are); "
                                      "convert it to impulse responses",
                                      data_type_));
  }
  is_transfer_ = data_type_.starts_with("TF");
  read_layout();
  read_rate();
  read_delays();
  geometry_.emplace(reader_, M_, E_);
}

const Variable& SofaSet::needed(const std::string& name) const {
  const Variable* const variable = reader_.find(name);
  if (variable == nullptr) throw FileError(path(), "has no " + name);
  return *variable;
}

void SofaSet::read_layout() {
  values_ = is_transfer_ ? std::vector{&needed("Data.Real"), &needed("Data.Imag")}
                         : std::vector{&needed("Data.IR")};
  const auto& sizes = values_.front()->sizes;
  const bool has_emitters = data_type_.ends_with("E");
  const std::size_t rank = has_emitters ? 4 : 3;
  if (sizes.size() != rank || values_.back()->sizes != sizes) {
    throw FileError(path(),
                    fmt::format("{} has the sizes {} where data of type {} have {}",
                                values_.front()->name, sofa::words_of(sizes), data_type_, rank));
  }
  M_ = sizes[0];
  R_ = sizes[1];
  if (has_emitters) {
    // M R N E (AES69-2020), or M R E N (FIRE, before): the number of emitters tells.
    const Variable* const emitters = reader_.find("EmitterPosition");
    const std::int64_t E = emitters == nullptr || emitters->sizes.empty() ? 1 : emitters->sizes[0];
    const bool third_counts_emitters = sizes[2] == E;
    const bool fourth_counts_emitters = sizes[3] == E;
    const bool is_open = third_counts_emitters == fourth_counts_emitters;
    if (is_open && data_type_ != "FIRE" && sizes[2] < sizes[3]) {
      throw FileError(path(), fmt::format("{} has the sizes {}, and EmitterPosition does not tell "
                                          "which axis counts emitters",
                                          values_.front()->name, sofa::words_of(sizes)));
    }
    const bool taps_come_last = is_open ? data_type_ == "FIRE" : third_counts_emitters;
    axis_of_taps_ = taps_come_last ? 3 : 2;
    E_ = sizes[taps_come_last ? 2 : 3];
  }
  N_ = sizes[axis_of_taps_];
  // What is kept of each pair of measurement and emitter stays small beside the responses.
  constexpr std::int64_t kMost = static_cast<std::int64_t>(sofa::kMaxValues) / 3;
  if (M_ < 1 || R_ < 1 || E_ < 1 || M_ > kMost || R_ > kMost || E_ > kMost / M_) {
    throw FileError(path(), fmt::format("has {} measurements of {} receivers and {} emitters "
                                        "(limit 1 to {} in all)",
                                        M_, R_, E_, kMost));
  }
  if (N_ < 1 || N_ > kMaxTaps) {
    throw FileError(path(), fmt::format("has responses of {} taps (limit 1..{})", N_, kMaxTaps));
  }
}

/// Whether a transform of real taps has an even length: then its last bin is real. One row may be
/// real by chance, so several are asked; that of a usual sample rate counts where they are not.
bool SofaSet::has_even_length(std::span<const double> frequencies) {
  constexpr std::int64_t kMostRows = 8;
  const sofa::Receivers ears{0, std::min<std::int64_t>(1, R_ - 1)};
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < std::min(kMostRows, M_); ++i) {
    rows.push_back(i * M_ / std::min(kMostRows, M_));
  }
  double largest = 0;
  double last = 0;
  for (const auto& bins : rows_of(*values_[0], rows, ears, 0, N_)) {
    for (const double bin : bins) largest = std::max(largest, std::abs(bin));
  }
  for (const auto& bins : rows_of(*values_[1], rows, ears, 0, N_)) {
    if (!bins.empty()) last = std::max(last, std::abs(bins.back()));
  }
  const bool is_real = last <= kImaginaryError * largest;
  const auto is_usual = [&](bool is_even) {
    static constexpr double kRates[] = {8'000,  11'025, 12'000, 16'000, 22'050,  24'000, 32'000,
                                        44'100, 48'000, 88'200, 96'000, 176'400, 192'000};
    const double rate = sofa::grid_of(path(), frequencies, is_even).rate();
    return std::ranges::any_of(
        kRates, [&](double one) { return std::abs(rate - one) <= kRateError * one; });
  };
  if (is_usual(true) == is_usual(false)) return is_real;
  return is_usual(true);
}

void SofaSet::read_rate() {
  double rate = 0;
  if (is_transfer_) {
    const std::vector<double> frequencies = reader_.read_all(needed("N"));
    if (std::ssize(frequencies) != N_) {
      throw FileError(path(),
                      fmt::format("N has {} frequencies for {} bins", frequencies.size(), N_));
    }
    grid_ = sofa::grid_of(path(), frequencies, has_even_length(frequencies));
    rate = grid_.rate();
  } else {
    const Variable& variable = needed("Data.SamplingRate");
    const std::string units = reader_.attribute(variable, "Units");
    if (!units.empty() && units != "hertz" && units != "Hertz" && units != "Hz") {
      throw FileError(path(), fmt::format("Data.SamplingRate is in '{}' (hertz are read)", units));
    }
    const std::vector<double> rates = reader_.read_all(variable);
    if (rates.empty()) throw FileError(path(), "Data.SamplingRate is empty");
    rate = rates.front();
    // Written so that NaN is not another rate: it is out of range.
    const auto other = std::ranges::find_if(rates, [&](double v) { return v < rate || v > rate; });
    if (other != rates.end()) {
      throw FileError(path(), fmt::format("mixes sample rates ({} and {} Hz)", rate, *other));
    }
  }
  const double whole = std::round(rate);
  if (!(rate >= kMinRate && rate <= kMaxRate) || std::abs(rate - whole) > kRateError * rate) {
    throw FileError(path(), fmt::format("sample rate out of range ({} Hz, limit whole {}..{} Hz)",
                                        rate, kMinRate, kMaxRate));
  }
  rate_ = static_cast<int>(whole);
}

void SofaSet::read_delays() {
  const Variable* const variable = reader_.find("Data.Delay");
  if (variable == nullptr) {
    if (!is_transfer_) warning_ = "has no Data.Delay, which AES69 demands: none is applied";
    return;
  }
  const std::string units = reader_.attribute(*variable, "Units");
  if (!units.empty() && units != "sample" && units != "samples") {
    throw FileError(path(), fmt::format("Data.Delay is in '{}' (samples are read)", units));
  }
  delay_sizes_ = variable->sizes;
  const std::size_t rank = delay_sizes_.size();
  delay_sizes_.resize(3, 1);
  const std::int64_t limits[] = {M_, R_, E_};
  bool fits = rank == 2 || rank == 3;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    fits &= delay_sizes_[axis] == 1 || delay_sizes_[axis] == limits[axis];
  }
  if (!fits) {
    throw FileError(path(),
                    fmt::format("Data.Delay has the sizes {} where M = {}, R = {} and E = {}",
                                sofa::words_of(variable->sizes), M_, R_, E_));
  }
  delays_ = reader_.read_all(*variable);
  if (is_transfer_ && std::ranges::any_of(delays_, [](double delay) { return delay != 0; })) {
    throw FileError(path(), "has transfer functions with a Data.Delay, which is not read");
  }
}

std::optional<std::pair<double, double>> SofaSet::delays() const {
  if (delays_.empty()) return std::nullopt;
  const auto [least, most] = std::ranges::minmax_element(delays_);
  return std::pair{*least, *most};
}

double SofaSet::delay(std::int64_t m, std::int64_t receiver, std::int64_t emitter) const {
  if (delays_.empty()) return 0;
  const std::int64_t index[] = {m, receiver, emitter};
  std::int64_t place = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    place = place * delay_sizes_[axis] + (delay_sizes_[axis] == 1 ? 0 : index[axis]);
  }
  const double samples = delays_[static_cast<std::size_t>(place)];
  if (samples >= 0 && samples <= kMaxDelaySeconds * rate_) return samples;
  throw FileError(path(), fmt::format("Data.Delay of measurement {}, receiver {} is {} samples "
                                      "(limit 0..{})",
                                      m, receiver, samples, kMaxDelaySeconds * rate_));
}

std::vector<std::vector<double>> SofaSet::rows_of(const Variable& variable,
                                                  std::span<const std::int64_t> rows,
                                                  const sofa::Receivers& ears, std::int64_t emitter,
                                                  std::int64_t values) {
  const std::size_t rank = variable.sizes.size();
  sofa::Box box{{rows.begin(), rows.end()},
                std::vector<std::int64_t>(rank, 0),
                std::vector<std::int64_t>(rank, 1)};
  if (rank == 4) box.first[5 - axis_of_taps_] = emitter;
  // Neighbours share their chunks, which are decoded once for both.
  const bool are_neighbours = std::abs(ears.left - ears.right) == 1;
  const std::int64_t together = are_neighbours ? 2 : 1;
  std::int64_t most = static_cast<std::int64_t>(sofa::kMaxValues) / (std::ssize(rows) * together);
  // Whole chunks at a time, for the same reason.
  const std::int64_t chunk = variable.chunk.empty() ? 1 : variable.chunk[axis_of_taps_];
  if (chunk > 0 && chunk <= most) most -= most % chunk;
  const std::size_t count = rows.size();
  std::vector<std::vector<double>> result(2 * count);
  const auto read = [&](std::int64_t first, std::int64_t receivers) {
    box.first[1] = first;
    box.count[1] = receivers;
    for (std::int64_t n = 0; n < values; n += most) {
      const std::int64_t length = std::min(most, values - n);
      box.first[axis_of_taps_] = n;
      box.count[axis_of_taps_] = length;
      const std::vector<double> got = reader_.read(variable, box);
      auto from = got.begin();
      for (std::size_t i = 0; i < count; ++i) {
        for (std::int64_t r = first; r < first + receivers; ++r, from += length) {
          auto& row = result[r == ears.left ? i : count + i];
          row.insert(row.end(), from, from + length);
        }
      }
    }
  };
  if (are_neighbours) {
    read(std::min(ears.left, ears.right), 2);
  } else {
    read(ears.left, 1);
    read(ears.right, 1);
  }
  return result;
}

Stereo<std::vector<Signal>> SofaSet::responses(std::span<const std::int64_t> rows,
                                               const sofa::Receivers& ears, std::int64_t emitter,
                                               std::int64_t most_taps) {
  Stereo<std::vector<Signal>> signals;
  const auto add = [&](std::size_t i, const std::vector<double>& taps) {
    Signal signal(taps.size());
    std::ranges::transform(taps, signal.begin(), [](double v) { return static_cast<float>(v); });
    signals[i < rows.size() ? Side::left : Side::right].push_back(std::move(signal));
  };
  const std::int64_t values = is_transfer_ ? N_ : std::min(N_, most_taps);
  const auto first = rows_of(*values_[0], rows, ears, emitter, values);
  if (!is_transfer_) {
    for (std::size_t i = 0; i < first.size(); ++i) add(i, first[i]);
    return signals;
  }
  const auto second = rows_of(*values_[1], rows, ears, emitter, values);
  for (std::size_t i = 0; i < first.size(); ++i) {
    std::vector<std::complex<double>> bins;
    for (std::size_t n = 0; n < first[i].size(); ++n) bins.emplace_back(first[i][n], second[i][n]);
    add(i, sofa::impulse_response(bins, grid_));
  }
  return signals;
}

}  // namespace gpuconv
