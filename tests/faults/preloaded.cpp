// preloaded.cpp - a library that, preloaded into the program, makes one call to the system fail
//
//   GPUCONV_FAULT=FUNCTION:n:CODE              call number n of FUNCTION fails with errno CODE
//   GPUCONV_FAULT=FUNCTION:n:CODE:persistent   and all that follow
//   GPUCONV_FAULT_COUNT=FILE                   how many calls there were of each FUNCTION
//   GPUCONV_CALL_LOG=FILE                      a line for each fsync, rename and write, in order:
//                                              "fsync PATH", "rename TO", "write PATH"
//
// FUNCTION is one of kNames, each for a family (link: whatever gives a file a name only where there
// is no other file); read and write with CODE 0 do half of what they are
// asked for. Calls count from main() on: what loaders and constructors do before is not ours. Nor
// are the allocations of libsndfile 1.2.0, which forgets to check one (of 2 KB, for a list of
// chunks), and of soxr 0.1.3, which checks few: both would crash.
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace {

enum Function { kMalloc, kOpen, kRead, kWrite, kFsync, kRename, kLink, kClose, kFunctions };
constexpr const char* kNames[kFunctions] = {"malloc", "open",   "read", "write",
                                            "fsync",  "rename", "link", "close"};

// Plain data: the first malloc comes before any constructor.
std::atomic<bool> counts{false};
std::atomic<long> calls[kFunctions];
int planned_function = kFunctions;
long planned_call = 0;
int planned_code = 0;
bool is_persistent = false;

/// A library whose allocations do not fail, and where its code lies.
struct Spared {
  const char* name;
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};
Spared spared[] = {{"libsndfile."}, {"libsoxr."},      {"libmpg123."},
                   {"libvorbis."},  {"libvorbisenc."}, {"libogg."}};

int find_spared(dl_phdr_info* library, std::size_t, void*) {
  for (Spared& each : spared) {
    if (std::strstr(library->dlpi_name, each.name) == nullptr) continue;
    for (int i = 0; i < library->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = library->dlpi_phdr[i];
      if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
      each.begin = library->dlpi_addr + part.p_vaddr;
      each.end = each.begin + part.p_memsz;
    }
  }
  return 0;
}

/// Counts a call; true if it has to fail.
bool is_due(Function function) {
  if (!counts.load(std::memory_order_relaxed)) return false;
  const long call = ++calls[function];
  return function == planned_function &&
         (is_persistent ? call >= planned_call : call == planned_call);
}

/// True if the call has to fail; errno then says why.
bool fails(Function function) {
  if (!is_due(function)) return false;
  errno = planned_code;
  return true;
}

bool is_spared(const void* caller) {
  const auto place = reinterpret_cast<std::uintptr_t>(caller);
  for (const Spared& each : spared) {
    if (each.begin <= place && place < each.end) return true;
  }
  return false;
}

void read_plan() {
  const char* const plan = std::getenv("GPUCONV_FAULT");
  if (plan == nullptr) return;
  char name[16] = "";
  char rest[16] = "";
  std::sscanf(plan, "%15[a-z]:%ld:%d:%15s", name, &planned_call, &planned_code, rest);
  for (int i = 0; i < kFunctions; ++i) {
    if (std::strcmp(name, kNames[i]) == 0) planned_function = i;
  }
  is_persistent = std::strcmp(rest, "persistent") == 0;
}

void write_counts() {
  counts = false;
  const char* const path = std::getenv("GPUCONV_FAULT_COUNT");
  if (path == nullptr) return;
  const int file =
      static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  for (int i = 0; i < kFunctions; ++i) ::dprintf(file, "%s %ld\n", kNames[i], calls[i].load());
  ::syscall(SYS_close, file);
}

template <typename Real>
Real* next(const char* name) {
  return reinterpret_cast<Real*>(::dlsym(RTLD_NEXT, name));
}

int (*real_main)(int, char**, char**) = nullptr;

int counted_main(int argc, char** argv, char** environment) {
  read_plan();
  ::dl_iterate_phdr(find_spared, nullptr);
  std::atexit(write_counts);
  counts = true;
  return real_main(argc, argv, environment);
}

/// One write, so that lines of several threads stay whole.
void log_call(const char* what, const char* path) {
  static const char* const log = std::getenv("GPUCONV_CALL_LOG");
  if (log == nullptr || !counts.load(std::memory_order_relaxed)) return;
  char line[512];
  const int length = std::snprintf(line, sizeof line, "%s %s\n", what, path);
  const int file = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  ::syscall(SYS_write, file, line, static_cast<std::size_t>(length));
  ::syscall(SYS_close, file);
}

void log_call(const char* what, int file) {
  char link[64];
  char path[400] = "";
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const auto length = ::syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length > 0) log_call(what, static_cast<const char*>(path));
}

template <typename Call>
ssize_t transfer(Function function, std::size_t bytes, Call call) {
  if (!is_due(function)) return call(bytes);
  if (planned_code == 0) return call((bytes + 1) / 2);
  errno = planned_code;
  return -1;
}

}  // namespace

extern "C" {

int __libc_start_main(int (*main)(int, char**, char**), int argc, char** argv, void (*init)(),
                      void (*fini)(), void (*rtld_fini)(), void* stack_end) {
  real_main = main;
  return next<decltype(__libc_start_main)>("__libc_start_main")(counted_main, argc, argv, init,
                                                                fini, rtld_fini, stack_end);
}

#define GPUCONV_MALLOC_FAILS() (!is_spared(__builtin_return_address(0)) && fails(kMalloc))

void* malloc(std::size_t bytes) { return GPUCONV_MALLOC_FAILS() ? nullptr : __libc_malloc(bytes); }

void* calloc(std::size_t count, std::size_t bytes) {
  return GPUCONV_MALLOC_FAILS() ? nullptr : __libc_calloc(count, bytes);
}

void* realloc(void* memory, std::size_t bytes) {
  return GPUCONV_MALLOC_FAILS() ? nullptr : __libc_realloc(memory, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return GPUCONV_MALLOC_FAILS() ? nullptr : __libc_memalign(alignment, bytes);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  if (GPUCONV_MALLOC_FAILS()) return ENOMEM;
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

int open(const char* path, int flags, ...) {
  if (fails(kOpen)) return -1;
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));

FILE* fopen(const char* path, const char* mode) {
  return fails(kOpen) ? nullptr : next<FILE*(const char*, const char*)>("fopen")(path, mode);
}

FILE* fopen64(const char* path, const char* mode) __attribute__((alias("fopen")));

ssize_t read(int file, void* to, std::size_t bytes) {
  return transfer(kRead, bytes, [&](std::size_t n) { return ::syscall(SYS_read, file, to, n); });
}

ssize_t pread(int file, void* to, std::size_t bytes, off_t offset) {
  return transfer(kRead, bytes,
                  [&](std::size_t n) { return ::syscall(SYS_pread64, file, to, n, offset); });
}

ssize_t pread64(int file, void* to, std::size_t bytes, off_t offset)
    __attribute__((alias("pread")));

std::size_t fread(void* to, std::size_t size, std::size_t count, FILE* file) {
  if (fails(kRead)) return 0;
  return next<std::size_t(void*, std::size_t, std::size_t, FILE*)>("fread")(to, size, count, file);
}

ssize_t write(int file, const void* from, std::size_t bytes) {
  log_call("write", file);
  return transfer(kWrite, bytes,
                  [&](std::size_t n) { return ::syscall(SYS_write, file, from, n); });
}

int fsync(int file) {
  if (fails(kFsync)) return -1;
  const int result = static_cast<int>(::syscall(SYS_fsync, file));
  log_call("fsync", file);
  return result;
}

int rename(const char* from, const char* to) {
  if (fails(kRename)) return -1;
  log_call("rename", to);
  return static_cast<int>(::syscall(SYS_rename, from, to));
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if (fails(kLink)) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int link(const char* from, const char* to) {
  return fails(kLink) ? -1 : static_cast<int>(::syscall(SYS_link, from, to));
}

/// The descriptor is gone all the same, as with Linux.
int close(int file) {
  const bool has_failed = fails(kClose);
  const int code = errno;
  const int result = static_cast<int>(::syscall(SYS_close, file));
  if (!has_failed) return result;
  errno = code;
  return -1;
}

}  // extern "C"
