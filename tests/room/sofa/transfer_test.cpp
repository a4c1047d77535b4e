// transfer_test.cpp - responses of SOFA files that hold transfer functions
#include "host/room/sofa/transfer.hpp"

#include <complex>
#include <numbers>

#include "tests/support/sofa_fixture.hpp"

namespace gpuconv::test {
namespace {

/// The four directions as transfer functions of `length` taps, on the bins from `first` on.
SofaContents as_transfer_functions(std::size_t length, std::size_t first) {
  SofaContents file = four_directions();
  const SofaArray taps = file["Data.IR"];
  file.arrays.erase("Data.IR");
  file.arrays.erase("Data.SamplingRate");
  file.attributes["DataType"] = "TF";
  const std::size_t bins = length / 2 + 1;
  SofaArray grid{{bins - first}, {}, {{"Units", "hertz"}}};
  SofaArray real{{4, 2, bins - first}, {}, {}};
  SofaArray imaginary = real;
  for (std::size_t n = first; n < bins; ++n) {
    grid.values.push_back(static_cast<double>(n) * 16'000 / static_cast<double>(length));
  }
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t n = first; n < bins; ++n) {
      const double turn =
          -2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(length);
      const std::complex<double> bin =
          taps.values[2 * row] + taps.values[2 * row + 1] * std::polar(1.0, turn);
      real.values.push_back(bin.real());
      imaginary.values.push_back(bin.imag());
    }
  }
  file["N"] = grid;
  file["Data.Real"] = real;
  file["Data.Imag"] = imaginary;
  return file;
}

TEST_F(SofaFile, TransferFunctionsOnAUniformGridBecomeResponses) {
  for (const std::size_t length : {8u, 9u, 30u, 127u, 130u, 1'031u}) {
    const Response response = at(as_transfer_functions(length, 0), 90, 0);
    EXPECT_EQ(response.rate, 16'000) << length;
    ASSERT_EQ(response.taps.left.size(), length);
    for (const Side side : kSides) {
      const float first = side == Side::left ? 5 : 7;
      EXPECT_NEAR(response.taps[side][0], first, 1e-6) << length;
      EXPECT_NEAR(response.taps[side][1], first + 1, 1e-6) << length;
      for (std::size_t n = 2; n < length; ++n) EXPECT_NEAR(response.taps[side][n], 0, 1e-6);
    }
  }
}

TEST_F(SofaFile, WithoutTheBinAtZeroThatOfTheFirstIsTakenAndSaid) {
  for (const double sign : {1.0, -1.0}) {
    SofaContents file = as_transfer_functions(64, 1);
    for (const char* const name : {"Data.Real", "Data.Imag"}) {
      for (double& value : file[name].values) value *= sign;
    }
    const Response response = at(file, 90, 0);
    EXPECT_EQ(response.rate, 16'000);
    EXPECT_NEAR(response.taps.left[0], sign * 5, 0.01);
    EXPECT_NEAR(response.taps.left[1], sign * 6, 0.01);
    ASSERT_EQ(response.warnings.size(), 1u);
    EXPECT_TRUE(says(response.warnings[0], {"no bin at 0 Hz", "250 Hz"}));
  }
}

TEST_F(SofaFile, TheLengthOfATransformIsNotJudgedByOneRow) {
  // Odd, though the last bin of the first measurement is 0.
  SofaContents odd = as_transfer_functions(159, 0);
  odd["N"].values.clear();
  for (std::size_t n = 0; n < 80; ++n) odd["N"].values.push_back(static_cast<double>(n) * 100);
  for (const char* const name : {"Data.Real", "Data.Imag"}) {
    odd[name].values[79] = odd[name].values[159] = 0;
  }
  EXPECT_EQ(at(odd, 90, 0).rate, 15'900);
  // A usual rate, though the last bin has a phase.
  SofaContents even = as_transfer_functions(160, 0);
  for (std::size_t row = 0; row < 8; ++row) even["Data.Imag"].values[81 * row + 80] = 0.1;
  EXPECT_EQ(at(even, 90, 0).rate, 16'000);
  EXPECT_TRUE(says(at(even, 90, 0).description, {"transformed to 160 taps at 16000 Hz"}));
}

TEST_F(SofaFile, TransformsOfPrimeLengthsAreRightAndSoon) {
  constexpr std::size_t kLength = 4'099;
  const Response response = at(as_transfer_functions(kLength, 0), 90, 0);
  ASSERT_EQ(response.taps.left.size(), kLength);
  EXPECT_NEAR(response.taps.left[0], 5, 1e-6);
  EXPECT_NEAR(response.taps.left[1], 6, 1e-6);
  for (std::size_t n = 2; n < kLength; ++n) ASSERT_NEAR(response.taps.left[n], 0, 1e-6) << n;
}

TEST_F(SofaFile, OtherGridsOfFrequenciesAreRefused) {
  SofaContents file = as_transfer_functions(16, 0);
  file["N"].values[3] += 10;
  EXPECT_TRUE(says(refusal(file), {"data type TF", "uniform grid", "frequency 3"}));
  file = as_transfer_functions(16, 3);
  EXPECT_TRUE(says(refusal(file), {"uniform grid"}));
  file["N"].values.pop_back();
  file["N"].sizes[0] -= 1;
  EXPECT_TRUE(says(refusal(file), {"N has 5 frequencies for 6 bins"}));
}

}  // namespace
}  // namespace gpuconv::test
