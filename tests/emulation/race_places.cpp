#include "tests/emulation/race_places.hpp"

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <map>

namespace emulation::race {
namespace {

std::string hexadecimal(std::uintptr_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%jx", static_cast<std::uintmax_t>(number));
  return text;
}

std::string find_place(const void* code) {
  Dl_info info{};
  if (dladdr(code, &info) == 0) return "unknown code";
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(code) - reinterpret_cast<std::uintptr_t>(info.dli_fbase) - 1;
  const std::string address = hexadecimal(offset);
  const std::string command =
      "addr2line -s -e '" + std::string(info.dli_fname) + "' " + address + " 2>/dev/null";
  std::string line;
  if (std::FILE* const output = popen(command.c_str(), "r")) {
    char text[256];
    if (std::fgets(text, sizeof text, output) != nullptr) line = text;
    pclose(output);
  }
  while (!line.empty() && line.back() == '\n') line.pop_back();
  if (line.empty() || line.front() == '?') return "code address " + address;
  return line;
}

}  // namespace

std::string place(const void* code) {
  static std::map<const void*, std::string> places;
  const auto [found, is_new] = places.try_emplace(code);
  if (is_new) found->second = find_place(code);
  return found->second;
}

}  // namespace emulation::race
