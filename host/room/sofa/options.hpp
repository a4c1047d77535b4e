// options.hpp - what can be asked of a SOFA file
#pragma once

#include <cstdint>
#include <optional>

namespace gpuconv {

namespace sofa {

/// How the azimuths of a file are taken.
enum class Azimuths {
  checked,    ///< counter-clockwise, and refused where the samples say otherwise
  clockwise,  ///< as in some files, against AES69
  as_stored   ///< counter-clockwise, whatever the samples say
};

/// Which receivers are the ears.
struct Receivers {
  std::int64_t left = 0;
  std::int64_t right = 1;

  bool operator==(const Receivers&) const = default;
};

}  // namespace sofa

/// What is heard from between the measurements.
enum class Interpolation {
  nearest,    ///< the measurement that is nearest
  neighbours  ///< those around it, aligned by ear: see response_field.hpp
};

/// Which measurement of a SOFA file is asked for. Numbers count from 0, as in the file.
struct SofaOptions {
  std::optional<double> azimuth;        ///< degrees, 0 in front, 90 left
  std::optional<double> elevation;      ///< degrees, 90 above
  std::optional<double> distance;       ///< metres
  std::optional<std::int64_t> emitter;  ///< of several loudspeakers
  std::optional<std::int64_t> measurement;
  std::optional<sofa::Receivers> receivers;
  sofa::Azimuths azimuths = sofa::Azimuths::checked;
  /// Without a measurement's number; absent: nearest for a source that rests, neighbours otherwise.
  std::optional<Interpolation> interpolation;

  bool operator==(const SofaOptions&) const = default;
};

}  // namespace gpuconv
