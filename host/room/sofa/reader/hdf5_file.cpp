#include "host/room/sofa/reader/hdf5_file.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "host/room/sofa/reader/limits.hpp"

namespace gpuconv::sofa {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::uint64_t kMaxChunk = std::uint64_t{1} << 30;
// Chunks that are read again and again stay decoded: many small ones, or one large one. What a
// filter has decoded takes up to twice the room that the cache counts.
constexpr std::uint64_t kSmallChunk = 1 * kMiB;
constexpr std::uint64_t kSmallChunkCache = 16 * kMiB;
constexpr std::uint64_t kLargeChunkCache = 8 * kMiB;
// Decoding holds a chunk as it is stored, as it is, and what a filter needs in between.
constexpr std::int64_t kChunksAtOnce = 4;
constexpr std::int64_t kBytesBesides = 96 * kMiB;
constexpr double kSlowestBytesPerSecond = 2e7;
constexpr std::size_t kMostVariables = 1000;
constexpr std::size_t kMostAttributes = 1000;
constexpr std::size_t kMostText = 1 << 16;
constexpr hssize_t kMostValues = 64;  // of an attribute

/// The innermost of the errors that HDF5 keeps, which says most.
std::string words_of_hdf5() {
  std::string words;
  const auto take = [](unsigned depth, const H5E_error2_t* error, void* data) -> herr_t {
    if (depth == 0 && error->desc != nullptr) *static_cast<std::string*>(data) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &words);
  return words.empty() ? "no reason given" : words;
}

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + " (" + words_of_hdf5() + ")");
}

/// What HDF5 answers, if that is not an error.
template <typename Answer>
Answer checked(Answer answer, const std::string& what) {
  if (answer < 0) fail(what);
  return answer;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string text_of(hid_t attribute, hid_t type, std::size_t count) {
  std::vector<std::string> parts;
  if (H5Tis_variable_str(type) > 0) {
    std::vector<char*> texts(count, nullptr);
    const Handle<H5Sclose> space(checked(H5Aget_space(attribute), "it has no size"));
    checked(H5Aread(attribute, type, texts.data()), "it cannot be read");
    for (const char* const text : texts) {
      if (text != nullptr) parts.emplace_back(text, ::strnlen(text, kMostText));
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data());
    return joined(parts);
  }
  const std::size_t bytes = H5Tget_size(type);
  if (bytes == 0 || bytes > kMostText || count * bytes > kMostText) {
    throw std::runtime_error("it is too long");
  }
  std::string all(count * bytes, '\0');
  checked(H5Aread(attribute, type, all.data()), "it cannot be read");
  for (std::size_t i = 0; i < count; ++i) {
    const std::string part = all.substr(i * bytes, bytes);
    // Padded with zero bytes, or as Fortran does it with spaces.
    const std::size_t end = std::min(part.find('\0'), part.find_last_not_of(' ') + 1);
    parts.push_back(part.substr(0, end));
  }
  return joined(parts);
}

std::string numbers_of(hid_t attribute, std::size_t count) {
  std::vector<double> values(count);
  checked(H5Aread(attribute, H5T_NATIVE_DOUBLE, values.data()), "it cannot be read");
  std::vector<std::string> parts;
  for (const double value : values) parts.push_back(Json(value).dump());
  return joined(parts);
}

/// The text of an attribute, or of its numbers. Throws std::runtime_error.
std::string value_of(hid_t owner, const char* name) {
  const Handle<H5Aclose> attribute(
      checked(H5Aopen(owner, name, H5P_DEFAULT), "it cannot be opened"));
  const Handle<H5Tclose> type(checked(H5Aget_type(attribute), "it has no type"));
  const Handle<H5Sclose> space(checked(H5Aget_space(attribute), "it has no size"));
  const hssize_t count = checked(H5Sget_simple_extent_npoints(space), "it has no size");
  if (count == 0) return "";
  if (count > kMostValues) throw std::runtime_error("it is too long");
  const auto values = static_cast<std::size_t>(count);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_STRING) return text_of(attribute, type, values);
  if (kind == H5T_INTEGER || kind == H5T_FLOAT) return numbers_of(attribute, values);
  throw std::runtime_error("it is neither text nor numbers");
}

struct ReadAttributes {
  Json good = Json::object();
  Json bad = Json::object();  ///< why they cannot be read
};

ReadAttributes attributes_of(hid_t object) {
  ReadAttributes attributes;
  const auto take = [](hid_t owner, const char* name, const H5A_info_t*, void* data) -> herr_t {
    ReadAttributes& all = *static_cast<ReadAttributes*>(data);
    try {
      all.good[name] = value_of(owner, name);
    } catch (const std::runtime_error& error) {
      all.bad[name] = error.what();
    }
    return all.good.size() + all.bad.size() < kMostAttributes ? 0 : -1;
  };
  checked(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, take, &attributes),
          "its attributes cannot be listed");
  return attributes;
}

struct Link {
  std::string name;
  bool is_hard;  ///< the others may lead to other files
};

std::vector<Link> links_in(hid_t file) {
  std::vector<Link> links;
  const auto take = [](hid_t, const char* name, const H5L_info_t* info, void* data) -> herr_t {
    auto& all = *static_cast<std::vector<Link>*>(data);
    all.push_back({name, info->type == H5L_TYPE_HARD});
    return all.size() <= kMostVariables ? 0 : 1;
  };
  checked(H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, take, &links),
          "its contents cannot be listed");
  if (links.size() > kMostVariables) {
    throw std::runtime_error("has more than " + std::to_string(kMostVariables) + " variables");
  }
  return links;
}

template <typename Sizes>
std::uint64_t product_of(const Sizes& sizes) {
  std::uint64_t product = 1;
  for (const auto size : sizes) {
    if (__builtin_mul_overflow(product, std::uint64_t{size}, &product)) return ~std::uint64_t{0};
  }
  return product;
}

std::uint64_t chunk_bytes(const std::vector<std::uint64_t>& chunk, std::uint64_t value_bytes) {
  if (chunk.empty()) return 0;
  std::vector<std::uint64_t> factors = chunk;
  factors.push_back(value_bytes);
  return product_of(factors);
}

hid_t access_of(std::uint64_t cache) {
  const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  // The number of places is a prime far above the number of chunks in the cache. With 1 for the
  // last value, chunks that were not read to their end are never dropped (HDF5 1.10.8).
  H5Pset_chunk_cache(access, 12'421, cache, 0.75);
  return access;
}

/// Why a dataset is not read, or "".
std::string problem_of(hid_t type, hid_t creation, int rank) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) return "holds no numbers";
  if (rank < 0 || rank > static_cast<int>(kMaxRank)) {
    return "has " + std::to_string(rank) + " dimensions (limit " + std::to_string(kMaxRank) + ")";
  }
  const H5D_layout_t layout = H5Pget_layout(creation);
  if (layout == H5D_VIRTUAL || H5Pget_external_count(creation) > 0) {
    return "keeps its values in other files";
  }
  for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
    unsigned flags = 0;
    unsigned how = 0;
    std::size_t count = 0;
    char name[64] = "";
    const H5Z_filter_t filter = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &count,
                                               nullptr, sizeof name, name, &how);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0) {
      return "is compressed by filter " + std::to_string(filter) + " (" + name +
             "), which HDF5 does not bring; repack it with h5repack -f GZIP=5";
    }
  }
  return "";
}

}  // namespace

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

Hdf5File::Hdf5File(const char* path) : file_(-1) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  // What was freed goes back at once, so that the largest block is the limit and not their sum.
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 18);
  const Handle<H5Pclose> access(H5Pcreate(H5P_FILE_ACCESS));
  // A file that is only read needs no lock, and many network drives have none.
  H5Pset_file_locking(access, false, true);
  file_ = Handle<H5Fclose>(H5Fopen(path, H5F_ACC_RDONLY, access));
  if (file_ < 0) fail("HDF5 cannot read it");
}

Hdf5File::Variable Hdf5File::open(const std::string& name, std::uint64_t chunk_cache) {
  const Handle<H5Pclose> access(access_of(chunk_cache));
  Variable variable{name, Handle<H5Dclose>(H5Dopen2(file_, name.c_str(), access)), {}, {}, 0, ""};
  const char* const words = "cannot be opened";
  checked(hid_t{variable.dataset}, words);
  const Handle<H5Sclose> space(checked(H5Dget_space(variable.dataset), words));
  const Handle<H5Tclose> type(checked(H5Dget_type(variable.dataset), words));
  const Handle<H5Pclose> creation(checked(H5Dget_create_plist(variable.dataset), words));
  const int rank = H5Sget_simple_extent_ndims(space);
  variable.problem = problem_of(type, creation, rank);
  if (!variable.problem.empty()) return variable;
  const auto axes = static_cast<std::size_t>(rank);
  std::vector<hsize_t> sizes(axes);
  H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
  variable.sizes.assign(sizes.begin(), sizes.end());
  variable.value_bytes = H5Tget_size(type);
  if (H5Pget_layout(creation) != H5D_CHUNKED) return variable;
  std::vector<hsize_t> chunk(axes);
  if (H5Pget_chunk(creation, rank, chunk.data()) == rank) {
    variable.chunk.assign(chunk.begin(), chunk.end());
  }
  return variable;
}

std::string Hdf5File::catalogue() {
  const ReadAttributes global = attributes_of(file_);
  Json catalogue{
      {"attributes", global.good}, {"bad_attributes", global.bad}, {"variables", Json::array()}};
  for (const Link& link : links_in(file_)) {
    Variable variable{link.name, Handle<H5Dclose>(-1), {}, {}, 0, ""};
    ReadAttributes attributes;
    try {
      if (!link.is_hard) throw std::runtime_error("is a link to something else");
      H5O_info_t object{};
      checked(H5Oget_info_by_name1(file_, link.name.c_str(), &object, H5P_DEFAULT),
              "cannot be opened");
      if (object.type != H5O_TYPE_DATASET) continue;
      variable = open(link.name, kSmallChunkCache);
      const std::uint64_t chunk = chunk_bytes(variable.chunk, variable.value_bytes);
      if (chunk > kSmallChunk && chunk <= kMaxChunk) {
        // The cache belongs to all that have the dataset open.
        variable.dataset = Handle<H5Dclose>(-1);
        variable = open(link.name, std::max(kLargeChunkCache, chunk));
      }
      attributes = attributes_of(variable.dataset);
    } catch (const std::runtime_error& error) {
      variable.problem = error.what();
    }
    Json entry{{"name", link.name},
               {"sizes", variable.sizes},
               {"value_bytes", variable.value_bytes},
               {"attributes", attributes.good},
               {"bad_attributes", attributes.bad}};
    if (!variable.chunk.empty()) entry["chunk"] = variable.chunk;
    if (!variable.problem.empty()) entry["problem"] = variable.problem;
    catalogue["variables"].push_back(std::move(entry));
    variables_.push_back(std::move(variable));
  }
  return catalogue.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<double> Hdf5File::read(const ReadRequest& request) {
  if (request.variable >= variables_.size()) throw std::runtime_error("unknown variable");
  const Variable& variable = variables_[request.variable];
  if (!variable.problem.empty()) throw std::runtime_error(variable.name + " " + variable.problem);
  const std::size_t rank = variable.sizes.size();
  if (request.rank != rank || request.row_count > kMaxRows ||
      (rank == 0 && request.row_count > 0)) {
    throw std::runtime_error("unknown part of " + variable.name);
  }
  std::vector<hsize_t> first(request.first, request.first + rank);
  std::vector<hsize_t> count(request.count, request.count + rank);
  std::vector<std::uint64_t> rows(request.rows, request.rows + request.row_count);
  if (rows.empty()) rows.push_back(rank == 0 ? 0 : first[0]);
  if (request.row_count > 0) count[0] = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    for (const std::uint64_t row : rows) {
      const std::uint64_t from = axis == 0 ? row : first[axis];
      if (count[axis] == 0 || from >= variable.sizes[axis] ||
          count[axis] > variable.sizes[axis] - from) {
        throw std::runtime_error("unknown part of " + variable.name);
      }
    }
  }
  const std::uint64_t values = product_of(count) * rows.size();
  if (values > kMaxValues) throw std::runtime_error("too many values at once");

  const std::uint64_t chunk = chunk_bytes(variable.chunk, variable.value_bytes);
  if (chunk > kMaxChunk) {
    throw std::runtime_error(variable.name + " is stored in chunks of " +
                             std::to_string(chunk / static_cast<std::uint64_t>(kMiB)) +
                             " MiB (limit 1024 MiB); repack it with smaller ones (h5repack -l)");
  }
  limit_memory(kBytesBesides + kChunksAtOnce * static_cast<std::int64_t>(chunk));
  std::uint64_t chunks = rows.size();
  for (std::size_t axis = 0; axis < variable.chunk.size(); ++axis) {
    chunks *= count[axis] / variable.chunk[axis] + 2;
  }
  limit_cpu(1 + (8 * static_cast<double>(values) +
                 static_cast<double>(chunks) * static_cast<double>(chunk)) /
                    kSlowestBytesPerSecond);

  std::vector<double> result(values);
  const Handle<H5Sclose> in_file(checked(H5Dget_space(variable.dataset), variable.name));
  const hsize_t length = values;
  const Handle<H5Sclose> in_memory(H5Screate_simple(1, &length, nullptr));
  if (rank > 0) {
    H5Sselect_none(in_file);
    for (const std::uint64_t row : rows) {
      first[0] = row;
      checked(
          H5Sselect_hyperslab(in_file, H5S_SELECT_OR, first.data(), nullptr, count.data(), nullptr),
          variable.name);
    }
  }
  checked(
      H5Dread(variable.dataset, H5T_NATIVE_DOUBLE, in_memory, in_file, H5P_DEFAULT, result.data()),
      variable.name + " cannot be read");
  return result;
}

}  // namespace gpuconv::sofa
