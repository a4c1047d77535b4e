// sofa_set.hpp - a SOFA file (AES69) as a set of measurements of two ears
//
// What is small is read when the set is opened; of the responses only those that are asked for,
// and the few that tell the ears apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cuda/runtime/stereo.hpp"
#include "host/base/signal.hpp"
#include "host/room/sofa/ears.hpp"
#include "host/room/sofa/geometry.hpp"
#include "host/room/sofa/options.hpp"
#include "host/room/sofa/sofa_reader.hpp"
#include "host/room/sofa/transfer.hpp"

namespace gpuconv {

/// One measurement, as stored: delays are not applied, numbers may be not finite.
struct SofaMeasurement {
  Stereo<Signal> taps;    ///< of one length
  Stereo<double> delays;  ///< samples, 0 or more
  int rate = 0;           ///< Hz
  Direction direction;    ///< of the measurement that was chosen
  std::string description;
  std::vector<std::string> warnings;
  std::optional<FarMeasurement> far;  ///< see Response
};

/// Measurements at nearly one distance from the head.
struct Shell {
  double distance = 0;  ///< metres, of the nearest
  std::vector<std::int64_t> measurements;
};

/// Measurements at nearly one distance, and where the head has their sources.
struct Surroundings {
  double distance = 0;  ///< metres, of the nearest
  std::vector<std::int64_t> measurements;
  std::vector<Direction> directions;  ///< of each
};

/// A direction that is farther than that from all that was measured sounds like elsewhere.
inline constexpr double kNearDegrees = 10;

class SofaSet {
 public:
  /// Reads everything but the responses. Throws FileError.
  explicit SofaSet(const std::string& path);

  const std::string& path() const { return reader_.path(); }
  bool is_alive() const { return reader_.is_alive(); }
  const std::string& conventions() const { return conventions_; }
  const std::string& data_type() const { return data_type_; }
  /// A global attribute, or "".
  std::string attribute(const std::string& name) const { return reader_.attribute(name); }
  std::int64_t measurements() const { return M_; }
  std::int64_t receivers() const { return R_; }
  std::int64_t emitters() const { return E_; }
  std::int64_t taps() const { return is_transfer_ ? grid_.taps() : N_; }
  int rate() const { return rate_; }
  std::int64_t views() const { return geometry_->views(); }
  /// Smallest and largest of Data.Delay, or none.
  std::optional<std::pair<double, double>> delays() const;

  /// Throws UsageError if the emitter that is asked for is not there, and FileError if none is and
  /// there are several.
  void check_emitter(const SofaOptions& options) const { emitter_of(options); }

  /// Where emitter e stands in measurement m.
  sofa::Place place(std::int64_t m, std::int64_t e, sofa::Azimuths azimuths);
  /// Nearest first.
  const std::vector<Shell>& shells(std::int64_t emitter) { return view_of(emitter).shells; }

  /// Throws UsageError unless azimuth and elevation are in their ranges; in front by default.
  static Direction asked_direction(const SofaOptions& options);

  /// What a source may move through: the shell that `options` choose, or, where it may come nearer
  /// and go away, all of them, the nearest first. Throws FileError and UsageError.
  std::vector<Surroundings> surroundings(const SofaOptions& options, bool at_any_distance);

  /// Throws what measurement() would throw for any direction; returns the warning of all.
  std::string check(const SofaOptions& options);
  /// That warning alone, or "". Throws what ears() throws.
  std::string warning(const SofaOptions& options);

  /// Which receivers are the ears. Throws FileError where there are not two, or where that is open.
  sofa::Ears ears(const SofaOptions& options);

  /// The levels of both ears for the source nearest to `azimuth` at elevation 0; nothing if the
  /// nearest is more than 10 degrees away.
  std::optional<sofa::Comparison> levels_at(double azimuth, const SofaOptions& options);

  /// The measurement that the options choose; without any, the one in front. Throws FileError, and
  /// UsageError for options that the file does not allow.
  SofaMeasurement measurement(const SofaOptions& options);

 private:
  struct Choice {
    std::int64_t measurement = 0;
    sofa::Place place;
    std::string note;  ///< what else there was to choose
    std::vector<std::string> warnings;
    std::optional<FarMeasurement> far;
  };

  /// The measurements as one emitter has them.
  struct View {
    std::vector<sofa::Place> places;
    std::vector<Shell> shells;
  };

  /// One of the responses that tell the ears apart.
  struct Witness {
    std::int64_t m = 0, emitter = 0;
  };

  void read_layout();
  bool has_even_length(std::span<const double> frequencies);
  void read_rate();
  void read_delays();
  const sofa::Variable& needed(const std::string& name) const;
  std::int64_t emitter_of(const SofaOptions& options) const;
  double delay(std::int64_t m, std::int64_t receiver, std::int64_t emitter) const;
  const View& view_of(std::int64_t emitter);
  Choice choose(const SofaOptions& options);
  const Shell& choose_shell(const SofaOptions& options, std::int64_t emitter, Choice& choice);
  double bytes_of_row() const;
  std::vector<Witness> witnesses(sofa::Azimuths azimuths, std::int64_t& lateral);
  void hear(std::span<const Witness> witnesses, sofa::Azimuths azimuths, sofa::Evidence& evidence);
  sofa::Evidence evidence(sofa::Azimuths azimuths);
  /// The values of one receiver for all `rows`, then those of the other.
  std::vector<std::vector<double>> rows_of(const sofa::Variable& variable,
                                           std::span<const std::int64_t> rows,
                                           const sofa::Receivers& ears, std::int64_t emitter,
                                           std::int64_t values);
  Stereo<std::vector<Signal>> responses(std::span<const std::int64_t> rows,
                                        const sofa::Receivers& ears, std::int64_t emitter,
                                        std::int64_t most_taps);
  std::string side_warning(const SofaOptions& options, const Choice& choice,
                           const SofaMeasurement& found) const;

  sofa::SofaReader reader_;
  std::string conventions_, data_type_;
  std::vector<const sofa::Variable*> values_;  ///< Data.IR, or Data.Real and Data.Imag
  bool is_transfer_ = false;
  sofa::FrequencyGrid grid_;
  std::int64_t M_ = 0, R_ = 0, E_ = 1, N_ = 0;
  std::size_t axis_of_taps_ = 2;
  int rate_ = 0;
  std::vector<double> delays_;
  std::vector<std::int64_t> delay_sizes_;  ///< of M, R and E
  std::optional<sofa::Geometry> geometry_;
  std::map<std::int64_t, View> views_;  ///< by emitter
  std::map<sofa::Azimuths, sofa::Evidence> evidence_;
  std::string warning_;  ///< of the whole file, or empty
};

}  // namespace gpuconv
