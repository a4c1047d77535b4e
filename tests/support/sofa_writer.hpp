// sofa_writer.hpp - SOFA files to test with, written by HDF5
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gpuconv::test {

/// A variable of numbers.
struct SofaArray {
  std::vector<std::uint64_t> sizes;
  std::vector<double> values;  ///< in C order
  std::map<std::string, std::string> attributes;
};

struct SofaContents {
  std::map<std::string, std::string> attributes;
  std::map<std::string, SofaArray> arrays;

  SofaArray& operator[](const std::string& name) { return arrays[name]; }
};

/// How the same contents are stored.
enum class Hdf5Layout {
  earliest,   ///< version 0 of the format, contiguous float64
  latest,     ///< the newest version, attributes as variable-length strings
  gzip,       ///< chunks of a few measurements, deflated without shuffling
  shuffled,   ///< chunks of one measurement, shuffled, deflated, with checksums
  unlimited,  ///< the first axis without a limit, big-endian float64
  float32     ///< contiguous float32
};
inline constexpr Hdf5Layout kHdf5Layouts[] = {Hdf5Layout::earliest,  Hdf5Layout::latest,
                                              Hdf5Layout::gzip,      Hdf5Layout::shuffled,
                                              Hdf5Layout::unlimited, Hdf5Layout::float32};

/// Where sanitizers make each start of gpuconv-sofa twenty times slower, two of them do.
#ifdef __SANITIZE_ADDRESS__
inline constexpr Hdf5Layout kTriedLayouts[] = {Hdf5Layout::latest, Hdf5Layout::gzip};
#else
inline constexpr auto& kTriedLayouts = kHdf5Layouts;
#endif

void write_sofa(const std::string& path, const SofaContents& contents,
                Hdf5Layout layout = Hdf5Layout::earliest);

/// The same as bytes.
std::string sofa_bytes(const SofaContents& contents, Hdf5Layout layout = Hdf5Layout::earliest);

/// The values of row m of a variable, as HDF5 reads them.
std::vector<double> read_row(const std::string& path, const std::string& name, std::uint64_t m);

/// Two measurements of four taps at 16 kHz: in front and on the left.
SofaContents small_sofa();

/// A head in the middle of sources that go around it.
struct SyntheticHead {
  enum class Kind { free_field, room, turning_head };
  enum class Positions { right, exchanged, absent };

  Kind kind = Kind::free_field;
  bool receivers_exchanged = false;  ///< receiver 0 is the right ear
  bool azimuths_clockwise = false;
  Positions positions = Positions::right;  ///< what ReceiverPosition says of the receivers
  int directions = 24;
  int taps = 64;
  double first_azimuth = 0;  ///< degrees, as they truly are
  double step = 15;          ///< degrees
  double elevation = 0;
  double decibels = 12;  ///< between the ears of a source at the side
};

/// The left ear gets decibels / 2 sin(azimuth) cos(elevation) more than without a head, and up to
/// 5 samples earlier; the right ear less and later.
SofaContents sofa_of(const SyntheticHead& head);

}  // namespace gpuconv::test
