// ogg_page.hpp - the header of a page of Ogg: RFC 3533, section 6
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gpuconv::ogg {

// Where its fields begin.
inline constexpr std::size_t kFlags = 5;
inline constexpr std::size_t kGranules = 6;
inline constexpr std::size_t kSerial = 14;
inline constexpr std::size_t kNumber = 18;
inline constexpr std::size_t kSum = 22;
inline constexpr std::size_t kSegments = 26;  ///< how many lengths follow, of one byte each

inline constexpr unsigned kFirstPage = 2;
inline constexpr unsigned kLastPage = 4;

/// The checksum `sum` of a page goes on over `bytes`; it begins at 0 and takes itself for 0.
std::uint32_t add_to(std::uint32_t sum, std::span<const unsigned char> bytes);

}  // namespace gpuconv::ogg
