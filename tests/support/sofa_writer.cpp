#include "tests/support/sofa_writer.hpp"

#include <hdf5.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "tests/support/files.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

/// Any object of HDF5.
class Object {
 public:
  Object(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id < 0) throw std::runtime_error("HDF5 cannot write a file to test with");
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  ~Object() { close_(id_); }
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

void write_attribute(hid_t owner, const std::string& name, const std::string& text,
                     Hdf5Layout layout) {
  const Object space(H5Screate(H5S_SCALAR), H5Sclose);
  const Object type(H5Tcopy(H5T_C_S1), H5Tclose);
  const bool is_variable = layout == Hdf5Layout::latest;
  H5Tset_size(type, is_variable ? H5T_VARIABLE : std::max<std::size_t>(1, text.size()));
  const Object attribute(H5Acreate2(owner, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  const char* const characters = text.c_str();
  if (is_variable) {
    H5Awrite(attribute, type, &characters);
  } else {
    H5Awrite(attribute, type, characters);
  }
}

/// How large arrays are stored; small ones are always contiguous float64.
void lay_out(hid_t creation, const std::vector<hsize_t>& sizes, Hdf5Layout layout) {
  std::vector<hsize_t> chunk = sizes;
  const bool is_chunked = layout == Hdf5Layout::gzip || layout == Hdf5Layout::shuffled ||
                          layout == Hdf5Layout::unlimited;
  if (!is_chunked) return;
  chunk[0] = layout == Hdf5Layout::gzip ? std::min<hsize_t>(7, sizes[0]) : 1;
  H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
  if (layout == Hdf5Layout::shuffled) H5Pset_shuffle(creation);
  if (layout != Hdf5Layout::unlimited) H5Pset_deflate(creation, 4);
  if (layout == Hdf5Layout::shuffled) H5Pset_fletcher32(creation);
}

void write_array(hid_t file, const std::string& name, const SofaArray& array, Hdf5Layout layout) {
  const std::vector<hsize_t> sizes(array.sizes.begin(), array.sizes.end());
  const bool is_large = name == "Data.IR" || name == "Data.Real" || name == "Data.Imag";
  const Hdf5Layout here = is_large ? layout : Hdf5Layout::earliest;
  std::vector<hsize_t> limits = sizes;
  if (here == Hdf5Layout::unlimited) limits[0] = H5S_UNLIMITED;
  const Object space(H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), limits.data()),
                     H5Sclose);
  const Object creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  if (is_large) lay_out(creation, sizes, here);
  const hid_t type = here == Hdf5Layout::float32     ? H5T_IEEE_F32LE
                     : here == Hdf5Layout::unlimited ? H5T_IEEE_F64BE
                                                     : H5T_IEEE_F64LE;
  const Object dataset(
      H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data());
  for (const auto& [key, text] : array.attributes) write_attribute(dataset, key, text, layout);
}

const std::map<std::string, std::string> kSpherical{{"Type", "spherical"},
                                                    {"Units", "degree, degree, metre"}};
const std::map<std::string, std::string> kCartesian{{"Type", "cartesian"}, {"Units", "metre"}};

}  // namespace

void write_sofa(const std::string& path, const SofaContents& contents, Hdf5Layout layout) {
  const Object access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const H5F_libver_t version =
      layout == Hdf5Layout::latest ? H5F_LIBVER_LATEST : H5F_LIBVER_EARLIEST;
  H5Pset_libver_bounds(access, version, H5F_LIBVER_LATEST);
  const Object file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  for (const auto& [name, text] : contents.attributes) write_attribute(file, name, text, layout);
  for (const auto& [name, array] : contents.arrays) write_array(file, name, array, layout);
}

std::string sofa_bytes(const SofaContents& contents, Hdf5Layout layout) {
  const Folder folder;
  write_sofa(folder.file("a.sofa"), contents, layout);
  return read_bytes(folder.file("a.sofa"));
}

std::vector<double> read_row(const std::string& path, const std::string& name, std::uint64_t m) {
  const Object file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Object dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose);
  const Object space(H5Dget_space(dataset), H5Sclose);
  std::vector<hsize_t> count(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
  H5Sget_simple_extent_dims(space, count.data(), nullptr);
  std::vector<hsize_t> first(count.size(), 0);
  first[0] = m;
  count[0] = 1;
  hsize_t values = 1;
  for (const hsize_t size : count) values *= size;
  H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr);
  const Object memory(H5Screate_simple(1, &values, nullptr), H5Sclose);
  std::vector<double> row(values);
  H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, row.data());
  return row;
}

SofaContents small_sofa() {
  SofaContents file;
  file.attributes = {
      {"Conventions", "SOFA"}, {"SOFAConventions", "SimpleFreeFieldHRIR"}, {"DataType", "FIR"}};
  file["SourcePosition"] = {{2, 3}, {0, 0, 1, 90, 0, 1}, kSpherical};
  file["ReceiverPosition"] = {{2, 3, 1}, {0, 0.09, 0, 0, -0.09, 0}, kCartesian};
  file["ListenerView"] = {{1, 3}, {1, 0, 0}, kCartesian};
  file["Data.SamplingRate"] = {{1}, {16'000}, {{"Units", "hertz"}}};
  file["Data.Delay"] = {{1, 2}, {0, 1}, {}};
  file["Data.IR"] = {{2, 2, 4}, {1, 0, 0, 0, 0.5, 0, 0, 0, 1, 0.25, 0, 0, 0.125, 0, 0, 0}, {}};
  return file;
}

Specimen sofa_specimen() { return {"SOFA", ".sofa", sofa_bytes(small_sofa()), {}, 0, nullptr}; }

SofaContents sofa_of(const SyntheticHead& head) {
  using Kind = SyntheticHead::Kind;
  using Positions = SyntheticHead::Positions;
  constexpr double kRadians = std::numbers::pi / 180;
  constexpr double kMetres = 1.5;
  const auto M = static_cast<std::uint64_t>(head.directions);
  const auto N = static_cast<std::uint64_t>(head.taps);
  SofaContents file;
  const bool turns = head.kind == Kind::turning_head;
  const bool is_room = head.kind == Kind::room;
  file.attributes = {{"Conventions", "SOFA"},
                     {"SOFAConventions", turns     ? "MultiSpeakerBRIR"
                                         : is_room ? "SingleRoomSRIR"
                                                   : "SimpleFreeFieldHRIR"},
                     {"DataType", turns ? "FIRE" : "FIR"}};
  SofaArray& taps = file["Data.IR"];
  taps.sizes = turns ? std::vector<std::uint64_t>{M, 2, 1, N} : std::vector<std::uint64_t>{M, 2, N};
  taps.values.assign(M * 2 * N, 0);
  SofaArray places;
  SofaArray views{{M, 3}, {}, kCartesian};
  for (std::uint64_t m = 0; m < M; ++m) {
    const double azimuth = head.first_azimuth + static_cast<double>(m) * head.step;
    const double stored = (head.azimuths_clockwise ? -azimuth : azimuth) * kRadians;
    const double elevation = head.elevation * kRadians;
    const double across = std::cos(elevation);
    if (is_room) {  // in the room, around a listener at (3, 4, 1.6)
      places.values.insert(places.values.end(), {3 + kMetres * across * std::cos(stored),
                                                 4 + kMetres * across * std::sin(stored),
                                                 1.6 + kMetres * std::sin(elevation)});
    } else {
      places.values.insert(places.values.end(), {stored / kRadians, head.elevation, kMetres});
    }
    // The source rests in front; the head turns away from it.
    views.values.insert(views.values.end(), {std::cos(stored), -std::sin(stored), 0});
    const double side = std::sin(azimuth * kRadians) * across;
    for (const int ear : {0, 1}) {  // left, right
      const double near = ear == 0 ? side : -side;
      const auto receiver = static_cast<std::uint64_t>(head.receivers_exchanged ? 1 - ear : ear);
      const auto onset = static_cast<std::uint64_t>(std::lround(16 - 5 * near));
      double* const ir = &taps.values[(2 * m + receiver) * N];
      ir[onset] = 0.5 * std::pow(10, head.decibels / 40 * near);
      ir[onset + 3] = -0.2 * ir[onset];
    }
  }
  places.sizes = {M, 3};
  places.attributes = is_room ? kCartesian : kSpherical;
  file["SourcePosition"] = turns ? SofaArray{{1, 3}, {0, 0, kMetres}, kSpherical} : places;
  file["ListenerView"] = turns ? views : SofaArray{{1, 3}, {1, 0, 0}, kCartesian};
  file["ListenerUp"] = {{1, 3}, {0, 0, 1}, kCartesian};
  file["ListenerPosition"] = {
      {1, 3}, is_room ? std::vector<double>{3, 4, 1.6} : std::vector<double>{0, 0, 0}, kCartesian};
  file["EmitterPosition"] = {{1, 3, 1}, {0, 0, 0}, kCartesian};
  if (head.positions != Positions::absent) {
    const bool says_exchanged =
        head.receivers_exchanged != (head.positions == Positions::exchanged);
    const double first = says_exchanged ? -0.09 : 0.09;
    file["ReceiverPosition"] = {{2, 3, 1}, {0, first, 0, 0, -first, 0}, kCartesian};
  }
  file["Data.SamplingRate"] = {{1}, {16'000}, {{"Units", "hertz"}}};
  file["Data.Delay"] = turns ? SofaArray{{1, 2, 1}, {0, 0}, {}} : SofaArray{{1, 2}, {0, 0}, {}};
  return file;
}

}  // namespace gpuconv::test
