// spelling.hpp - which known word an unknown one was meant to be
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gpuconv {

/// Letters to insert, remove or replace to make one word of the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word of `known` from which `word` is at most 2 letters away, and not all of its own; empty
/// if there is none.
std::string nearest_word(std::string_view word, std::span<const std::string_view> known);

}  // namespace gpuconv
