// cases_test.cpp - SOFA files that people bring, and the measurement that is right in each
#include "tests/support/cases.hpp"

#include <fmt/core.h>

#include <complex>
#include <numbers>

#include "host/room/response.hpp"
#include "host/room/sofa/ears.hpp"
#include "tests/support/files.hpp"
#include "tests/support/sofa_writer.hpp"

namespace gpuconv::test {
namespace {

struct Case {
  const char* name;
  const char* file;
  std::uint64_t row;        ///< which measurement is right
  int left = 0, right = 1;  ///< and which receivers
  double azimuth = 90;
};

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class SofaCase : public testing::TestWithParam<Case> {};

TEST_P(SofaCase, GivesTheSamplesOfItsMeasurement) {
  const auto path = case_file(GetParam().file);
  if (!path) GTEST_SKIP() << "no test cases (" << GetParam().file << ")";
  SofaOptions options;
  options.azimuth = GetParam().azimuth;
  const Response response = load_response(*path, {options});
  const std::vector<double> row = read_row(*path, "Data.IR", GetParam().row);
  const std::size_t N = row.size() / 2;
  ASSERT_EQ(response.taps.left.size(), N);
  for (std::size_t n = 0; n < N; ++n) {
    const auto of = [&](int receiver) {
      return static_cast<float>(row[static_cast<std::size_t>(receiver) * N + n]);
    };
    ASSERT_EQ(response.taps.left[n], of(GetParam().left)) << n;
    ASSERT_EQ(response.taps.right[n], of(GetParam().right)) << n;
  }
}

// Directions are 10 or 15 degrees apart from 0 on, or 1; of a head that turns, a source that rests
// in front of the room stands at 90 degrees when the head looks to 270.
INSTANTIATE_TEST_SUITE_P(
    , SofaCase,
    testing::Values(Case{"VariableLengthStrings", "H01/l05_sofar_unicode.sofa", 9},
                    Case{"LongRoomResponses", "H02/brir360x16384.sofa", 90},
                    Case{"GzipWithoutShuffle", "H04/gzip_noshuffle.sofa", 9},
                    Case{"NewerLayoutOfHdf5", "H05b/h5py.sofa", 9},
                    Case{"Float32", "H06/ir_float32.sofa", 9},
                    Case{"UnlimitedDimension", "H08/unlimited_M.sofa", 9},
                    Case{"NumberAsAttribute", "H10/numeric_attribute.sofa", 9},
                    Case{"HeadThatTurns", "H15/brir_head_turns.sofa", 27},
                    Case{"FartherOfTwoDistances", "H17/two_distances.sofa", 45},
                    Case{"PositionsAgainstSamples", "E01/e01.sofa", 6},
                    Case{"ReceiversInTheOtherOrder", "E03/e03.sofa", 6, 1, 0},
                    Case{"PositionsExchanged", "R08/p07_swapped.sofa", 9, 1, 0},
                    Case{"SourcesInTheRoom", "R09/q04_srir_abs.sofa", 9},
                    Case{"ChunksOfSeven", "R10/c_7x2x128_11.sofa", 9}),
    name_of);

TEST(SofaCases, PositionsAgainstSamplesAreWarnedOfByName) {
  const auto path = case_file("E01/e01.sofa");
  if (!path) GTEST_SKIP() << "no test cases";
  const Response response = load_response(*path, {});
  ASSERT_EQ(response.warnings.size(), 1u);
  EXPECT_TRUE(says(response.warnings[0], {"ReceiverPosition"}));
}

TEST(SofaCases, SamplesAgainstAzimuthsAreRefusedWithThreeWaysOut) {
  const auto path = case_file("E02/e02.sofa");
  if (!path) GTEST_SKIP() << "no test cases";
  SofaOptions options;
  options.azimuth = 90;
  const std::string sentence =
      message_of<sofa::UndecidedEars>([&] { load_response(*path, {options}); });
  EXPECT_TRUE(says(sentence, {"receiver 0", "louder", "right", "--azimuths clockwise",
                              "--azimuths as-stored", "--receivers 1,0"}));
}

TEST(SofaCases, TransferFunctionsAreTransformedBack) {
  const auto path = case_file("H12/hrtf_tf.sofa");
  if (!path) GTEST_SKIP() << "no test cases";
  SofaOptions options;
  options.azimuth = 90;
  const Response response = load_response(*path, {options});
  EXPECT_EQ(response.rate, 16'000);
  ASSERT_EQ(response.taps.left.size(), 128u);
  const std::vector<double> real = read_row(*path, "Data.Real", 9);
  const std::vector<double> imaginary = read_row(*path, "Data.Imag", 9);
  for (std::size_t ear = 0; ear < 2; ++ear) {
    const Signal& taps = ear == 0 ? response.taps.left : response.taps.right;
    for (std::size_t k = 0; k < 128; ++k) {
      double sum = 0;
      for (std::size_t n = 0; n <= 64; ++n) {
        const std::complex<double> bin(real[65 * ear + n], imaginary[65 * ear + n]);
        const double turn = 2 * std::numbers::pi * static_cast<double>(k * n) / 128;
        sum += (n == 0 || n == 64 ? 1 : 2) * (bin * std::polar(1.0, turn)).real();
      }
      ASSERT_NEAR(taps[k], sum / 128, 1e-7) << k;
    }
  }
}

TEST(SofaCases, OfThreeEmittersOneHasToBeChosen) {
  const auto path = case_file("H14/mimo_3_emitters.sofa");
  if (!path) GTEST_SKIP() << "no test cases";
  EXPECT_TRUE(says(message_of<FileError>([&] { load_response(*path, {}); }),
                   {"has 3 emitters", "--emitter"}));
  for (std::size_t emitter = 0; emitter < 3; ++emitter) {
    SofaOptions options;
    options.emitter = static_cast<std::int64_t>(emitter);
    const Response response = load_response(*path, {options});
    const std::vector<double> row = read_row(*path, "Data.IR", 0);  // R N E
    ASSERT_EQ(response.taps.left.size(), 256u);
    for (std::size_t n = 0; n < 256; ++n) {
      ASSERT_EQ(response.taps.left[n], static_cast<float>(row[3 * n + emitter]));
      ASSERT_EQ(response.taps.right[n], static_cast<float>(row[3 * (256 + n) + emitter]));
    }
  }
}

}  // namespace
}  // namespace gpuconv::test
