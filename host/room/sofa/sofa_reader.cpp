#include "host/room/sofa/sofa_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <system_error>
#include <utility>

#include "cuda/runtime/own_file.hpp"
#include "host/base/error.hpp"
#include "host/base/interrupt.hpp"
#include "host/files/input_file.hpp"
#include "host/files/spawn.hpp"
#include "host/read/foreign.hpp"
#include "host/room/sofa/protocol.hpp"

namespace gpuconv::sofa {
namespace {

namespace fs = std::filesystem;

// A catalogue of a thousand variables with all of their attributes is smaller.
constexpr std::uint64_t kMaxReplyBytes = std::uint64_t{64} << 20;
constexpr const char* kProgram = "gpuconv-sofa";

/// HDF5 begins at byte 0, 512, 1024, 2048 or any later power of two.
bool is_hdf5(int descriptor, std::int64_t bytes) {
  static constexpr unsigned char kSignature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  for (std::int64_t offset = 0; offset < bytes; offset = offset == 0 ? 512 : 2 * offset) {
    if (std::ranges::equal(peek(descriptor, offset, sizeof kSignature), kSignature)) return true;
  }
  return false;
}

/// Where gpuconv-sofa is: beside this program or library, or installed together with it.
fs::path reader_program() {
  if (const char* const named = std::getenv("GPUCONV_SOFA_READER")) return named;
  std::error_code error;
  const fs::path file = own_file();
  const fs::path beside = file.parent_path() / kProgram;
  if (fs::exists(beside, error)) return beside;
  // A program is in PREFIX/bin; a library in PREFIX/lib, or as far below PREFIX as
  // lib/python3.12/site-packages/gpuconv is.
  const bool is_library = file.filename().string().find(".so") != std::string::npos;
  fs::path prefix = file.parent_path();
  for (int levels = is_library ? 4 : 1; levels > 0; --levels) {
    prefix = prefix.parent_path();
    const fs::path installed = prefix / "libexec" / "gpuconv" / kProgram;
    if (fs::exists(installed, error)) return installed;
  }
  return beside;
}

/// Starts `program` with at most one argument, these two descriptors and none else, deaf to what it
/// prints. Returns 0 or an errno.
int start_reader(const fs::path& program, const char* argument, int socket, int file,
                 pid_t& process) {
  Spawn reader;
  reader.give(file, kFile);
  reader.give(socket, kSocket);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) reader.give_nothing(output, O_WRONLY);
  std::vector<std::string> arguments{kProgram};
  if (argument != nullptr) arguments.emplace_back(argument);
  return reader.start(program, std::move(arguments), kFile + 1, process);
}

/// What ended the reader, in words.
std::string words_of(int status) {
  if (!WIFSIGNALED(status)) {
    return fmt::format("{} ended with code {}", kProgram, WEXITSTATUS(status));
  }
  const int number = WTERMSIG(status);
  if (number == SIGXCPU) return "reading it takes too long: the file is damaged";
  if (number == SIGKILL) return fmt::format("{} was killed, perhaps for lack of memory", kProgram);
  return fmt::format("HDF5 crashed on it ({}): the file is damaged", ::strsignal(number));
}

std::vector<std::int64_t> sizes_of(const nlohmann::json& json) {
  std::vector<std::int64_t> sizes;
  for (const auto& size : json) {
    const auto value = size.get<std::uint64_t>();
    // What is larger than any file is a mistake that must not overflow later.
    sizes.push_back(static_cast<std::int64_t>(std::min(value, std::uint64_t{1} << 48)));
  }
  return sizes;
}

Attributes attributes_of(const nlohmann::json& json) {
  Attributes attributes;
  for (const auto& [name, text] : json.items()) attributes[name] = text.get<std::string>();
  return attributes;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text;
}

}  // namespace

std::string words_of(const std::vector<std::int64_t>& sizes) {
  std::string words;
  for (const std::int64_t size : sizes) {
    words += (words.empty() ? "[" : ", ") + std::to_string(size);
  }
  return words.empty() ? "[]" : words + "]";
}

SofaReader::SofaReader(const std::string& path) : path_(path) {
  InputFile file = open_input(path);
  if (file.bytes < 0) {
    throw FileError(path, "a SOFA file cannot come through a pipe; give its path");
  }
  if (!is_hdf5(file.descriptor.get(), file.bytes)) {
    const auto foreign = recognise(peek_into(file.descriptor.get()));
    throw FileError(path, foreign ? sentence(*foreign) : "is not HDF5, so not a SOFA file");
  }
  start(file.descriptor.get());
  read_catalogue();
}

SofaReader::~SofaReader() {
  if (process_ < 0) return;
  socket_ = FileDescriptor();  // asks the reader to end
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string SofaReader::hdf5_version() {
  SofaReader reader;
  reader.path_ = reader_program().string();
  const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  reader.start(nothing.get(), "--version");
  const std::vector<char> text = reader.receive_reply();
  return one_line({text.begin(), text.end()});
}

void SofaReader::start(int opened, const char* argument) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    throw FileError(path_, fmt::format("no socket to read it through ({})", std::strerror(errno)));
  }
  socket_ = FileDescriptor(ends[0]);
  FileDescriptor theirs(ends[1]);
  const fs::path program = reader_program();
  // Copies above the places to which they go, which a caller may have closed.
  FileDescriptor file(::fcntl(opened, F_DUPFD_CLOEXEC, kFile + 1));
  FileDescriptor socket(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kFile + 1));
  pid_t process = -1;
  const int error =
      file && socket ? start_reader(program, argument, socket.get(), file.get(), process) : errno;
  if (error != 0) {
    throw FileError(path_, fmt::format("{}, which reads SOFA files, cannot be started ({}: {})",
                                       kProgram, program.string(), std::strerror(error)));
  }
  process_ = process;
}

void SofaReader::receive(std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) {
      stop_if_interrupted();
      continue;
    }
    if (got <= 0) fail_with_end();
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

void SofaReader::fail_with_end() {
  stop_if_interrupted();
  int status = 0;
  socket_ = FileDescriptor();
  pid_t ended = process_ < 0 ? -1 : ::waitpid(process_, &status, 0);
  while (ended < 0 && errno == EINTR) ended = ::waitpid(process_, &status, 0);
  process_ = -1;
  throw FileError(path_, ended < 0 ? fmt::format("{} has ended", kProgram) : words_of(status));
}

std::vector<char> SofaReader::receive_reply() {
  ReplyHead head;
  receive({reinterpret_cast<char*>(&head), sizeof head});
  if (head.version != kVersion) {
    throw FileError(path_, fmt::format("{} is of another version than gpuconv", kProgram));
  }
  if (head.bytes > kMaxReplyBytes) {
    throw FileError(path_,
                    fmt::format("a reply of {} bytes (limit {})", head.bytes, kMaxReplyBytes));
  }
  std::vector<char> bytes(head.bytes);
  receive(bytes);
  if (head.status == Status::done) return bytes;
  throw FileError(path_, one_line({bytes.begin(), bytes.end()}));
}

void SofaReader::read_catalogue() {
  const std::vector<char> text = receive_reply();
  try {
    const auto json = nlohmann::json::parse(text);
    attributes_ = attributes_of(json.at("attributes"));
    bad_attributes_ = attributes_of(json.at("bad_attributes"));
    for (const auto& entry : json.at("variables")) {
      variables_.push_back(
          {entry.at("name").get<std::string>(), sizes_of(entry.at("sizes")),
           sizes_of(entry.value("chunk", nlohmann::json::array())),
           entry.at("value_bytes").get<std::int64_t>(), one_line(entry.value("problem", "")),
           attributes_of(entry.at("attributes")), attributes_of(entry.at("bad_attributes"))});
    }
  } catch (const nlohmann::json::exception& error) {
    throw FileError(path_, fmt::format("{} sent no catalogue ({})", kProgram, error.what()));
  }
}

const Variable* SofaReader::find(const std::string& name) const {
  const auto found = std::ranges::find(variables_, name, &Variable::name);
  if (found == variables_.end()) return nullptr;
  if (!found->problem.empty()) throw FileError(path_, name + " " + found->problem);
  return &*found;
}

std::string SofaReader::attribute(const std::string& name) const {
  if (const auto bad = bad_attributes_.find(name); bad != bad_attributes_.end()) {
    throw FileError(path_, fmt::format("its attribute {} is damaged: {}", name, bad->second));
  }
  const auto found = attributes_.find(name);
  return found == attributes_.end() ? "" : found->second;
}

std::string SofaReader::attribute(const Variable& variable, const std::string& name) const {
  const Attributes& bad = variable.bad_attributes;
  if (const auto found = bad.find(name); found != bad.end()) {
    throw FileError(path_, fmt::format("{}:{} is damaged: {}", variable.name, name, found->second));
  }
  const auto found = variable.attributes.find(name);
  return found == variable.attributes.end() ? "" : found->second;
}

std::vector<double> SofaReader::read(const Variable& variable, const Box& box) {
  ReadRequest request;
  request.variable = static_cast<std::uint32_t>(&variable - variables_.data());
  request.rank = static_cast<std::uint32_t>(variable.sizes.size());
  request.row_count = static_cast<std::uint32_t>(box.rows.size());
  std::ranges::copy(box.rows, request.rows);
  std::ranges::copy(box.first, request.first);
  std::ranges::copy(box.count, request.count);
  std::span<const char> bytes(reinterpret_cast<const char*>(&request), sizeof request);
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      stop_if_interrupted();
      continue;
    }
    if (sent < 0) fail_with_end();
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  const std::vector<char> reply = receive_reply();
  std::int64_t values = box.rows.empty() ? 1 : std::ssize(box.rows);
  for (std::size_t axis = box.rows.empty() ? 0 : 1; axis < box.count.size(); ++axis) {
    values *= box.count[axis];
  }
  std::vector<double> result(reply.size() / sizeof(double));
  if (std::ssize(result) != values || reply.size() % sizeof(double) != 0) {
    throw FileError(path_, fmt::format("{} sent {} values of {} where {} were asked for", kProgram,
                                       result.size(), variable.name, values));
  }
  std::memcpy(result.data(), reply.data(), reply.size());
  return result;
}

std::vector<double> SofaReader::read_all(const Variable& variable) {
  std::int64_t values = 1;
  for (const std::int64_t size : variable.sizes) {
    if (__builtin_mul_overflow(values, size, &values)) values = INT64_MAX;
  }
  if (values > static_cast<std::int64_t>(kMaxValues)) {
    throw FileError(path_,
                    fmt::format("{} has {} values (limit {})", variable.name, values, kMaxValues));
  }
  if (values == 0) return {};
  return read(variable, {{}, std::vector<std::int64_t>(variable.sizes.size(), 0), variable.sizes});
}

}  // namespace gpuconv::sofa
