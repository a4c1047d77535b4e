#include "host/read/integrity_check.hpp"

#include <gtest/gtest.h>

#include "tests/support/files.hpp"

namespace gpuconv {
namespace {

using namespace test;

/// `bytes` taken in pieces of any size give what they give at once.
IntegrityCheck checked(IntegrityCheck::Kind kind, const std::string& bytes, std::size_t piece) {
  IntegrityCheck check(kind);
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    const std::string part = bytes.substr(i, piece);
    check.take(static_cast<std::int64_t>(i),
               {reinterpret_cast<const unsigned char*>(part.data()), part.size()});
  }
  return check;
}

std::string page(int flags, int serial, const std::string& content, int number = 0,
                 int granules = 0) {
  std::string bytes = std::string("OggS\0", 5) + static_cast<char>(flags) +
                      little(static_cast<std::uint64_t>(granules), 8) +
                      little(static_cast<std::uint64_t>(serial), 4) +
                      little(static_cast<std::uint64_t>(number), 4) + little(0, 4) + '\1' +
                      static_cast<char>(content.size()) + content;
  std::uint32_t sum = 0;
  for (const char byte : bytes) {
    sum ^= static_cast<std::uint32_t>(static_cast<unsigned char>(byte)) << 24;
    for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ ((sum & 0x8000'0000) != 0 ? 0x04c11db7 : 0);
  }
  return bytes.replace(22, 4, little(sum, 4));
}

TEST(IntegrityCheckTest, ARecordedBroadcastMayBeginAtAnyPage) {
  const std::string header = page(2, 1, "header") + page(0, 1, "more", 1);
  const std::string late = page(0, 1, "sound", 700, 1000);
  const std::string last = page(4, 1, "", 701, 1100);
  EXPECT_EQ(checked(IntegrityCheck::Kind::ogg, header + late + last, 9).damage(), "");
  EXPECT_TRUE(checked(IntegrityCheck::Kind::ogg, header + late + last, 9).has_ended());
  const std::string gap = header + late + page(4, 1, "", 702, 1100);
  EXPECT_TRUE(says(checked(IntegrityCheck::Kind::ogg, gap, 9).damage(), {"missing"}));
  const std::string empty = page(4, 1, "", 701, 1100);
  std::string wrong = header + late + empty;
  wrong[wrong.size() - 22] ^= 1;  // in the header of the last page, which holds nothing
  EXPECT_TRUE(says(checked(IntegrityCheck::Kind::ogg, wrong, 9).damage(), {"checksum"}));
}

TEST(IntegrityCheckTest, SeesPagesInPiecesOfAnySize) {
  const std::string first = page(2, 1, "one") + page(2, 7, "other") + page(0, 1, "");
  const std::string whole = first + page(4, 7, "x") + page(4, 1, "OggS");
  for (const std::size_t piece : {1u, 2u, 7u, 28u, 1000u}) {
    EXPECT_FALSE(checked(IntegrityCheck::Kind::ogg, first, piece).has_ended()) << piece;
    EXPECT_FALSE(checked(IntegrityCheck::Kind::ogg, first + page(4, 7, "x"), piece).has_ended());
    const IntegrityCheck check =
        checked(IntegrityCheck::Kind::ogg, whole + "garbage" + whole, piece);
    EXPECT_TRUE(check.has_ended()) << piece;
    EXPECT_FALSE(check.has_another()) << piece;
    EXPECT_TRUE(checked(IntegrityCheck::Kind::ogg, whole + whole, piece).has_another()) << piece;
  }
}

TEST(IntegrityCheckTest, SeesAnotherFlacInPiecesOfAnySize) {
  const std::string flac("fLaC\x00\x00\x00\x22", 8);
  const std::string last("fLaC\x80\x00\x00\x22", 8);
  for (const std::size_t piece : {1u, 2u, 7u, 8u, 9u, 1000u}) {
    for (const std::string& none :
         {flac, flac + "fLaC", flac + "xfLaC\x01" + std::string("\0\0\x22", 3),
          flac + std::string("fLaC\0\0\0\x23", 8)}) {
      EXPECT_FALSE(checked(IntegrityCheck::Kind::flac, none, piece).has_another()) << piece;
    }
    EXPECT_TRUE(checked(IntegrityCheck::Kind::flac, flac + flac, piece).has_another()) << piece;
    EXPECT_TRUE(checked(IntegrityCheck::Kind::flac, flac + "fLa" + last, piece).has_another());
  }
}

TEST(IntegrityCheckTest, TakesNothingTwiceAndNothingAfterAGap) {
  const std::string flac("fLaC\x00\x00\x00\x22", 8);
  IntegrityCheck check(IntegrityCheck::Kind::flac);
  const std::span bytes(reinterpret_cast<const unsigned char*>(flac.data()), flac.size());
  check.take(0, bytes);
  check.take(0, bytes);
  check.take(9, bytes);
  EXPECT_FALSE(check.has_another());
  EXPECT_EQ(check.position(), 8);
  check.take(8, bytes);
  EXPECT_TRUE(check.has_another());
}

}  // namespace
}  // namespace gpuconv
