#include "host/read/ogg_serial.hpp"

#include <bit>
#include <functional>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/read/chunks.hpp"
#include "host/read/ogg_pages.hpp"

namespace gpuconv {
namespace {

// What changes in the header of a page: serial number, page number and checksum.
constexpr std::size_t kSerial = 14, kSum = 22, kSumEnd = 26;

/// Gives a page this serial number, and its checksum.
void set_serial(ogg_page& page, std::uint32_t serial) {
  for (std::size_t i = 0; i < 4; ++i) {
    page.header[kSerial + i] = static_cast<unsigned char>(serial >> 8 * i & 0xff);
  }
  ::ogg_page_checksum_set(&page);
}

/// Calls `visit` with the position of each page and the page.
void for_each_page(const OutputFile& file,
                   const std::function<void(std::int64_t, ogg_page&)>& visit) {
  constexpr std::size_t kBytesAtOnce = 1 << 16;
  const OggSync sync = open_ogg_sync();
  std::int64_t begin = 0;
  for (std::int64_t position = 0; position < file.bytes();) {
    stop_if_interrupted();
    const auto bytes = file.read_back(position, kBytesAtOnce);
    if (bytes.empty()) break;
    feed(*sync, bytes);
    position += std::ssize(bytes);
    ogg_page page;
    for (long size = 0; (size = ::ogg_sync_pageseek(sync.get(), &page)) > 0; begin += size) {
      visit(begin, page);
    }
  }
  if (begin != file.bytes()) throw FileError(file.path(), "has a page that is not whole");
}

}  // namespace

void set_ogg_serial(OutputFile& file) {
  std::uint32_t serial = 0;
  for_each_page(file, [&](std::int64_t, ogg_page& page) {
    set_serial(page, 0);
    const std::span<const unsigned char> sum(page.header + kSum, kSumEnd - kSum);
    serial = std::rotl(serial, 1) ^ static_cast<std::uint32_t>(number(sum, ByteOrder::little));
  });
  for_each_page(file, [&](std::int64_t position, ogg_page& page) {
    set_serial(page, serial);
    const std::span<const unsigned char> changed(page.header + kSerial, kSumEnd - kSerial);
    file.seek(position + static_cast<std::int64_t>(kSerial));
    file.write(std::as_bytes(changed));
  });
}

}  // namespace gpuconv
