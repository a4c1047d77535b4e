// hdf5_file.hpp - the variables in the root group of an HDF5 file, read by HDF5
//
// Every numeric type and byte order becomes float64; every filter that is built into HDF5 is
// undone. Links to other files, values stored in other files and plug-ins are never followed.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/room/sofa/protocol.hpp"

namespace gpuconv::sofa {

/// An object of HDF5 that closes itself.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) Close(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

/// Version of the HDF5 that is loaded: "1.10.8".
std::string hdf5_version();

class Hdf5File {
 public:
  /// Throws std::runtime_error with HDF5's own words if this is not an HDF5 file.
  explicit Hdf5File(const char* path);

  /// {"attributes": {NAME: TEXT, ...}, "bad_attributes": {NAME: WHY, ...}, "variables": [{"name",
  /// "sizes", "chunk" (if chunked), "value_bytes", "attributes", "bad_attributes", "problem" (why
  /// it cannot be read)}, ...]}. What cannot be read is listed all the more: it must not pass for
  /// absent. Names and texts need not be UTF-8 in the file; in the catalogue they are.
  std::string catalogue();

  /// The values asked for, row by row in C order. Throws std::runtime_error, or std::bad_alloc.
  std::vector<double> read(const ReadRequest& request);

 private:
  struct Variable {
    std::string name;
    Handle<H5Dclose> dataset;
    std::vector<std::uint64_t> sizes;
    std::vector<std::uint64_t> chunk;  ///< sizes of a chunk, or none
    std::uint64_t value_bytes = 0;
    std::string problem;
  };

  Variable open(const std::string& name, std::uint64_t chunk_cache);

  Handle<H5Fclose> file_;
  std::vector<Variable> variables_;
};

}  // namespace gpuconv::sofa
