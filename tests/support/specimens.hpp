// specimens.hpp - small valid files whose headers are known field by field, made here
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gpuconv::test {

enum class Order { little, big };

/// A whole number in a header.
struct Field {
  std::string name;
  std::size_t offset;
  int bytes;
  Order order;
};

struct Specimen {
  std::string name;       ///< of the container, and what is special
  std::string extension;  ///< with its dot
  std::string bytes;
  std::vector<Field> fields;
  std::size_t header_bytes = 0;          ///< what follows are samples
  void (*mend)(std::string&) = nullptr;  ///< makes checksums right again after a change
};

/// Puts a file together and notes where its fields lie.
class SpecimenWriter {
 public:
  explicit SpecimenWriter(Order order = Order::little) : order_(order) {}

  SpecimenWriter& text(std::string_view characters);
  SpecimenWriter& number(const std::string& name, std::uint64_t value, int bytes);
  std::size_t size() const { return bytes_.size(); }

  /// Replaces a number that was not known when it was written.
  void set(const std::string& name, std::uint64_t value);

  /// The header is complete: `samples` follow.
  Specimen finish(const std::string& name, const std::string& extension,
                  const std::string& samples) const;

 private:
  Order order_;
  std::string bytes_;
  std::vector<Field> fields_;
};

/// Writes `value` into the field.
void put(std::string& bytes, const Field& field, std::uint64_t value);
std::uint64_t get(const std::string& bytes, const Field& field);

/// 32 frames of two channels at 16 kHz in every container that is read.
const std::vector<Specimen>& specimens();

/// By its name, which must be one of them.
const Specimen& specimen(const std::string& name);

/// Its bytes with `value` in a field.
std::string changed(const std::string& name, const std::string& field, std::uint64_t value);

/// small_sofa() (sofa_writer.hpp), whose fields are HDF5's matter.
Specimen sofa_specimen();

}  // namespace gpuconv::test
