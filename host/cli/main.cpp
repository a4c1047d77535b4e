#include <fmt/format.h>

#include <cstdio>
#include <new>

#include "host/cli/cli.hpp"
#include "host/error.hpp"

int main(int argc, char** argv) {
  using gpuconv::Exit;
  try {
    return gpuconv::run(argc, argv);
  } catch (const gpuconv::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return static_cast<int>(error.exit());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "error: out of memory\n");
    return static_cast<int>(Exit::gpu);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: internal error: {}\n", error.what());
    return static_cast<int>(Exit::internal);
  }
}
