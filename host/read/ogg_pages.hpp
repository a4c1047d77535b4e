// ogg_pages.hpp - libogg's search for pages (RFC 3533), which checks their checksums
#pragma once

#include <ogg/ogg.h>

#include <algorithm>
#include <memory>
#include <new>
#include <span>

namespace gpuconv {

struct CloseOggSync {
  void operator()(ogg_sync_state* sync) const {
    ::ogg_sync_clear(sync);
    delete sync;
  }
};
using OggSync = std::unique_ptr<ogg_sync_state, CloseOggSync>;

inline OggSync open_ogg_sync() { return OggSync(new ogg_sync_state{}); }

/// Appends bytes. Throws std::bad_alloc.
inline void feed(ogg_sync_state& sync, std::span<const unsigned char> bytes) {
  char* const buffer = ::ogg_sync_buffer(&sync, static_cast<long>(bytes.size()));
  if (buffer == nullptr) throw std::bad_alloc();
  std::ranges::copy(bytes, buffer);
  ::ogg_sync_wrote(&sync, static_cast<long>(bytes.size()));
}

}  // namespace gpuconv
