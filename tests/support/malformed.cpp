#include "tests/support/malformed.hpp"

#include <fmt/core.h>

#include <set>

namespace gpuconv::test {

std::vector<Malformed> malformed(const Specimen& specimen) {
  std::vector<Malformed> files;
  for (std::size_t length = 1; length <= specimen.header_bytes; ++length) {
    files.push_back({fmt::format("{} cut after {} bytes", specimen.name, length),
                     specimen.bytes.substr(0, length)});
  }
  for (const Field& field : specimen.fields) {
    const std::uint64_t largest = ~std::uint64_t{0} >> (64 - 8 * field.bytes);
    const std::uint64_t right = get(specimen.bytes, field);
    const std::set<std::uint64_t> values{
        0, 1, largest, largest / 2, largest / 2 + 1, (right + 1) & largest, (right - 1) & largest};
    for (const std::uint64_t value : values) {
      if (value == right) continue;
      std::string bytes = specimen.bytes;
      put(bytes, field, value);
      const std::string name = fmt::format("{} with {} = {:#x}", specimen.name, field.name, value);
      files.push_back({name, bytes});
      if (specimen.mend == nullptr) continue;
      specimen.mend(bytes);
      if (bytes != specimen.bytes) files.push_back({name + " and its checksum", bytes});
    }
  }
  return files;
}

}  // namespace gpuconv::test
