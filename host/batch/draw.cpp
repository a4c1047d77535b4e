#include "host/batch/draw.hpp"

#include <fmt/format.h>

#include <string>

#include "host/base/hash.hpp"

namespace gpuconv {
namespace {

template <typename Number>
std::string words_or_nothing(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "";
}

std::string text_of(const JobIdentity& job, int copy) {
  const std::string zero(1, '\0');
  if (!job.id.empty()) return fmt::format("id{0}{1}{0}{2}", zero, job.id, copy);
  return fmt::format("input{0}{1}{0}{2}{0}{3}{0}{4}{0}{5}", zero, job.input,
                     words_or_nothing(job.channel), words_or_nothing(job.offset),
                     words_or_nothing(job.duration), copy);
}

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Draws::Draws(std::uint64_t seed, const JobIdentity& job, int copy)
    : key_(hash_of(std::string_view(text_of(job, copy)), seed)) {}

std::uint64_t Draws::bits(Purpose purpose) const {
  return mix(key_ + (static_cast<std::uint64_t>(purpose) + 1) * 0x9e3779b97f4a7c15u);
}

std::size_t Draws::index(Purpose purpose, std::size_t count) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>((Wide{bits(purpose)} * Wide{count}) >> 64);
}

double Draws::fraction(Purpose purpose) const {
  return static_cast<double>(bits(purpose) >> 11) * 0x1p-53;
}

}  // namespace gpuconv
