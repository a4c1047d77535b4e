// sofa_reader.hpp - a SOFA file, opened in a process of its own
//
// HDF5 never runs in this process: a malformed file can crash gpuconv-sofa and no more, and a
// program that holds another HDF5 (Python) does not meet a second one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "host/files/file_descriptor.hpp"

namespace gpuconv::sofa {

/// Names and texts of attributes; numbers are texts, too.
using Attributes = std::map<std::string, std::string>;

struct Variable {
  std::string name;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> chunk;  ///< sizes of the parts in which the values are stored, or none
  std::int64_t value_bytes = 0;     ///< of a value as it is stored
  std::string problem;              ///< why it cannot be read, or empty
  Attributes attributes;
  Attributes bad_attributes;  ///< why these cannot be read
};

/// "[2, 3]", for messages.
std::string words_of(const std::vector<std::int64_t>& sizes);

/// One box of values; see ReadRequest. Where there are `rows`, they replace the first axis.
struct Box {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
};

class SofaReader {
 public:
  /// Starts gpuconv-sofa and reads the catalogue. Throws FileError.
  explicit SofaReader(const std::string& path);
  SofaReader(const SofaReader&) = delete;
  SofaReader& operator=(const SofaReader&) = delete;
  ~SofaReader();

  /// The version of HDF5 that gpuconv-sofa holds: "1.10.8". Throws FileError if it does not start.
  static std::string hdf5_version();

  const std::string& path() const { return path_; }
  const std::vector<Variable>& variables() const { return variables_; }

  /// The text of a global attribute, or of one of a variable; "" if it is absent. Throws FileError
  /// if it is there and cannot be read.
  std::string attribute(const std::string& name) const;
  std::string attribute(const Variable& variable, const std::string& name) const;

  /// False once gpuconv-sofa has ended: nothing more can be read.
  bool is_alive() const { return process_ >= 0; }

  /// The variable of this name, or none. Throws FileError if it is there and cannot be read.
  const Variable* find(const std::string& name) const;

  /// Values as float64 in C order, at most kMaxValues. Throws FileError. One caller at a time.
  std::vector<double> read(const Variable& variable, const Box& box);

  /// All values of a small variable. Throws FileError, also if there are more than kMaxValues.
  std::vector<double> read_all(const Variable& variable);

 private:
  SofaReader() = default;
  void start(int file, const char* argument = nullptr);
  void read_catalogue();
  std::vector<char> receive_reply();
  void receive(std::span<char> bytes);
  [[noreturn]] void fail_with_end();

  std::string path_;
  FileDescriptor socket_;
  pid_t process_ = -1;
  Attributes attributes_;
  Attributes bad_attributes_;
  std::vector<Variable> variables_;
};

}  // namespace gpuconv::sofa
