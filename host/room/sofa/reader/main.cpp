// main.cpp - gpuconv-sofa: reads one SOFA file for gpuconv, which starts it; see protocol.hpp
//
// Whatever a malformed file does to HDF5, it happens here: this process has limits on memory and
// CPU time, and gpuconv says in one line what it died of.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "host/room/sofa/protocol.hpp"
#include "host/room/sofa/reader/hdf5_file.hpp"
#include "host/room/sofa/reader/limits.hpp"

namespace {

using namespace gpuconv::sofa;

constexpr std::int64_t kBytesToOpen = std::int64_t{160} << 20;
// A megabyte of headers is more than any file of measurements has.
constexpr double kSecondsToOpen = 1;
constexpr double kFileBytesPerSecond = 1e8;

bool send_all(const void* data, std::size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t sent = ::send(kSocket, from, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    from += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive(ReadRequest& request) {
  char* to = reinterpret_cast<char*>(&request);
  std::size_t bytes = sizeof request;
  while (bytes > 0) {
    const ssize_t got = ::recv(kSocket, to, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool reply(Status status, const void* data, std::size_t bytes) {
  const ReplyHead head{status, kVersion, bytes};
  return send_all(&head, sizeof head) && send_all(data, bytes);
}

/// Replies with what `work` returns, or with why it failed.
template <typename Work>
bool answer(Work work) {
  try {
    const auto result = work();
    return reply(Status::done, result.data(), result.size() * sizeof result[0]);
  } catch (const std::bad_alloc&) {
    static constexpr char kWords[] = "not enough memory";
    return reply(Status::refused, kWords, sizeof kWords - 1);
  } catch (const std::exception& error) {
    const std::string words = error.what();
    return reply(Status::refused, words.data(), words.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  struct stat socket {};
  struct stat file {};
  if (::fstat(kSocket, &socket) != 0 || !S_ISSOCK(socket.st_mode) || ::fstat(kFile, &file) != 0) {
    std::fputs("gpuconv-sofa: reads SOFA files for gpuconv, which starts it\n", stderr);
    return 1;
  }
  if (argc > 1 && std::string_view(argv[1]) == "--version") {
    return answer([] { return hdf5_version(); }) ? 0 : 1;
  }
  // Ctrl-C is for gpuconv, which then closes the socket.
  for (const int number : {SIGINT, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
  limit_memory(kBytesToOpen);
  limit_cpu(kSecondsToOpen + static_cast<double>(file.st_size) / kFileBytesPerSecond);
  std::optional<Hdf5File> opened;
  const bool is_heard = answer([&] {
    opened.emplace(("/proc/self/fd/" + std::to_string(kFile)).c_str());
    return opened->catalogue();
  });
  if (!is_heard || !opened) return 0;
  for (ReadRequest request; receive(request);) {
    if (!answer([&] { return opened->read(request); })) break;
  }
  return 0;
}
