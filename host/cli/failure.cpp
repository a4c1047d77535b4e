#include "host/cli/failure.hpp"

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/cli/message.hpp"

namespace gpuconv {
namespace {

int out_of_memory(const std::string& where) {
  for (const std::string_view part : {std::string_view("error: "), std::string_view(where),
                                      std::string_view("out of memory\n")}) {
    write_message(part);  // which takes none
  }
  return static_cast<int>(Exit::gpu);
}

/// Tells of the exception that is being handled, and returns its exit code. Throws where there is
/// no memory for that.
int tell_failure(const std::string& where) {
  if (const int signal = received_signal()) {
    // Whatever failed, failed because of it: a read that was cut short, say.
    print_message("error", std::string("stopped by a signal (") + ::sigdescr_np(signal) + ")");
    return 128 + signal;
  }
  try {
    throw;
  } catch (const Error& error) {
    print_message("error", where + error.what());
    return static_cast<int>(error.exit());
  } catch (const std::bad_alloc&) {
    return out_of_memory(where);
  } catch (const std::exception& error) {
    print_message("error", where + "internal error: " + error.what());
    return static_cast<int>(Exit::internal);
  }
}

}  // namespace

int report_failure(const std::string& where) {
  try {
    return tell_failure(where);
  } catch (const std::bad_alloc&) {
    return out_of_memory(where);
  }
}

}  // namespace gpuconv
