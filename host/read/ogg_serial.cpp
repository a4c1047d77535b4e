#include "host/read/ogg_serial.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/chunks.hpp"
#include "host/read/ogg_page.hpp"

namespace gpuconv {
namespace {

constexpr std::size_t kMostPageBytes = ogg::kSegments + 1 + 255 + 255 * 255;

void put(std::span<unsigned char> field, std::uint32_t value) {
  for (unsigned char& byte : field) {
    byte = static_cast<unsigned char>(value & 0xff);
    value >>= 8;
  }
}

/// The page that begins with `bytes`.
std::span<unsigned char> first_page(const OutputFile& file, std::span<unsigned char> bytes) {
  const auto damaged = [&] { return FileError(file.path(), "has a page that is not whole"); };
  if (bytes.size() <= ogg::kSegments || text(bytes) != "OggS") throw damaged();
  const std::size_t header_bytes = ogg::kSegments + 1 + bytes[ogg::kSegments];
  if (bytes.size() < header_bytes) throw damaged();
  const auto lengths = bytes.subspan(ogg::kSegments + 1, bytes[ogg::kSegments]);
  const std::size_t page_bytes =
      std::accumulate(lengths.begin(), lengths.end(), std::size_t{header_bytes});
  if (bytes.size() < page_bytes) throw damaged();
  return bytes.first(page_bytes);
}

/// Calls `visit` with the position of each page and its bytes.
void for_each_page(const OutputFile& file,
                   const std::function<void(std::int64_t, std::span<unsigned char>)>& visit) {
  for (std::int64_t position = 0; position < file.bytes();) {
    stop_if_interrupted();
    std::vector<unsigned char> bytes = file.read_back(position, kMostPageBytes);
    const auto page = first_page(file, bytes);
    visit(position, page);
    position += std::ssize(page);
  }
}

}  // namespace

void set_ogg_serial(OutputFile& file) {
  std::uint32_t serial = 0;
  for_each_page(file, [&](std::int64_t, std::span<unsigned char> page) {
    put(page.subspan(ogg::kSerial, 4), 0);
    put(page.subspan(ogg::kSum, 4), 0);
    serial = ogg::add_to(serial, page);
  });
  for_each_page(file, [&](std::int64_t position, std::span<unsigned char> page) {
    put(page.subspan(ogg::kSerial, 4), serial);
    put(page.subspan(ogg::kSum, 4), 0);
    put(page.subspan(ogg::kSum, 4), ogg::add_to(0, page));
    const auto changed = page.subspan(ogg::kSerial, ogg::kSum + 4 - ogg::kSerial);
    file.seek(position + static_cast<std::int64_t>(ogg::kSerial));
    file.write(std::as_bytes(std::span<const unsigned char>(changed)));
  });
}

}  // namespace gpuconv
