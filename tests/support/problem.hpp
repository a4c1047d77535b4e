// problem.hpp - a convolution made from one line of text
//
// A token "METHOD:N:K:SEED" stands for one method on one source and one response: everything else
// follows from the seed. A failing test prints the token; gpuconv_tests --token=TOKEN runs it
// alone.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "host/methods/method.hpp"
#include "tests/support/closeness.hpp"

namespace gpuconv::test {

struct Problem {
  const Method* method;
  std::int64_t source_length;
  std::int64_t response_length;
  std::uint64_t seed;

  std::string token() const;
  Signal source() const;
  Stereo<Signal> response() const;
};

/// Throws std::invalid_argument.
Problem parse_token(const std::string& token);

/// Runs the problem: both ears within the method's bound, for the ear itself.
::testing::AssertionResult solve(const Problem& problem);

/// The same for a result that is there already; `worst`, if given, is raised to the largest part of
/// the bound that was used up.
::testing::AssertionResult judge(const Problem& problem, const Stereo<Signal>& wet,
                                 double* worst = nullptr);

/// A problem with log-uniform lengths for one of `methods`, of at most `operations`.
Problem random_problem(const std::vector<const Method*>& methods, double operations,
                       std::uint64_t seed);

/// Methods that can run here.
std::vector<const Method*> methods_here();

/// GPUCONV_SEED, or one that is always the same.
std::uint64_t test_seed();

/// An environment variable as a number.
std::int64_t number_from_environment(const char* name, std::int64_t otherwise);

}  // namespace gpuconv::test
