#include "host/read/measured_source.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/support/files.hpp"

namespace gpuconv::test {
namespace {

#ifndef GPUCONV_EMULATED  // a sanitizer keeps what was freed

std::int64_t resident_bytes() {
  std::int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// The first 64 MiB are read to learn that it is long.
TEST(MeasuredSourceTest, WhatWasReadAheadIsFreedWhenItIsUsedUp) {
  const Folder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  constexpr std::size_t kMore = 100'000;
  std::thread writer([&] {
    std::ofstream pipe(path, std::ios::binary);
    const std::string block(1 << 20, '\0');
    for (std::int64_t sent = 0; sent < 4 * kEndless; sent += std::ssize(block)) pipe << block;
    pipe << block.substr(0, 4 * kMore);
  });
  {
    MeasuredSource source(path, {{},
                                 NonFinite::error,
                                 Truncated::error,
                                 Formats::allowed,
                                 RawFormat{16'000, 1, RawEncoding::f32}});
    EXPECT_EQ(source.length(), kEndless);
    const std::int64_t before = resident_bytes();
    std::vector<float> block(1 << 16);
    std::int64_t count = 0;
    while (const std::size_t got = source.read(block)) count += static_cast<std::int64_t>(got);
    EXPECT_EQ(count, kEndless + static_cast<std::int64_t>(kMore));
    EXPECT_LT(resident_bytes(), before - 3 * kEndless);
  }
  writer.join();
}

#endif

}  // namespace
}  // namespace gpuconv::test
