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

#include "host/audio/file_descriptor.hpp"

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

  const std::string& path() const { return path_; }
  std::int64_t file_bytes() const { return file_bytes_; }
  const Attributes& attributes() const { return attributes_; }
  const std::vector<Variable>& variables() const { return variables_; }

  /// False once gpuconv-sofa has ended: nothing more can be read.
  bool is_alive() const { return process_ >= 0; }

  /// The variable of this name, or none.
  const Variable* find(const std::string& name) const;

  /// Values as float64 in C order, at most kMaxValues. Throws FileError. One caller at a time.
  std::vector<double> read(const Variable& variable, const Box& box);

  /// All values of a small variable. Throws FileError, also if there are more than kMaxValues.
  std::vector<double> read_all(const Variable& variable);

 private:
  void start();
  void read_catalogue();
  std::vector<char> receive_reply();
  void receive(std::span<char> bytes);
  [[noreturn]] void fail_with_end();

  std::string path_;
  std::int64_t file_bytes_ = 0;
  FileDescriptor file_;
  FileDescriptor socket_;
  pid_t process_ = -1;
  Attributes attributes_;
  std::vector<Variable> variables_;
};

}  // namespace gpuconv::sofa
