// xla_ffi.hpp - the part of XLA's foreign function interface that the module reads and writes
//
// JAX calls a handler with a frame of C structures, each of which begins with its size; later
// versions append to them. Only what stands before the last member named here is looked at, so that
// building the module needs no JAX.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gpuconv::xla {

struct Extension {
  std::size_t struct_size;
  int type;
  Extension* next;
};
inline constexpr int kMetadataExtension = 1;

struct Version {
  std::size_t struct_size;
  Extension* extensions;
  int major;
  int minor;
};

struct Metadata {
  std::size_t struct_size;
  Version version;
};

struct MetadataExtension {
  Extension base;
  Metadata* metadata;
};

struct Error;  // XLA's own
inline constexpr int kInvalidArgument = 3;
inline constexpr int kInternal = 13;

struct ErrorArguments {
  std::size_t struct_size;
  Extension* extensions;
  const char* message;
  int code;
};

struct Api {
  std::size_t struct_size;
  Extension* extensions;
  Version version;
  const void* internal;
  Error* (*create_error)(ErrorArguments*);
};

struct Buffer {
  std::size_t struct_size;
  Extension* extensions;
  int dtype;
  void* data;
  std::int64_t rank;
  std::int64_t* dims;
};
inline constexpr int kFloat32 = 11;

/// Arguments or results: `values` are Buffer*.
struct Buffers {
  std::size_t struct_size;
  Extension* extensions;
  std::int64_t size;
  int* types;
  void** values;
};

struct Text {
  const char* data;
  std::size_t size;
};

/// Keyword arguments: of text, `values` are Text*.
struct Attributes {
  std::size_t struct_size;
  Extension* extensions;
  std::int64_t size;
  int* types;
  Text** names;
  void** values;
};

struct CallFrame {
  std::size_t struct_size;
  Extension* extensions;
  const Api* api;
  void* context;
  int stage;
  Buffers arguments;
  Buffers results;
  Attributes attributes;
};

}  // namespace gpuconv::xla
