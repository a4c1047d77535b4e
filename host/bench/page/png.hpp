// png.hpp - a picture inside of a page
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gpuconv {

/// Rows of pixels from the top, three bytes (red, green, blue) each.
struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
};

/// "data:image/png;base64,...": an 8-bit RGB PNG (ISO/IEC 15948) as the address of an image.
std::string png_address(const Picture& picture);

}  // namespace gpuconv
