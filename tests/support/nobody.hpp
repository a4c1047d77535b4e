// nobody.hpp - a user who may not do everything, also where root runs the tests
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace gpuconv::test {

/// As long as it lives, root is nobody, and owns no file. Other users stay who they are.
class AsNobody {
 public:
  AsNobody()
      : was_root_(::geteuid() == 0),
        is_nobody_(!was_root_ || ::setresuid(kNobody, kNobody, 0) == 0) {
    const std::string folder = std::filesystem::temp_directory_path().string();
    if (!was_root_ || ::access(folder.c_str(), W_OK | X_OK) == 0) return;
    back();  // root has a folder of his own for temporary files
    is_nobody_ = false;
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (was_root_ && is_nobody_) back();
  }

  /// False where this root cannot be anybody else.
  explicit operator bool() const { return is_nobody_; }

 private:
  static void back() {
    if (::setresuid(0, 0, 0) != 0) ADD_FAILURE() << "still nobody";
    // Who has changed may not be looked into; LeakSanitizer has to.
    ::prctl(PR_SET_DUMPABLE, 1);
  }

  static constexpr uid_t kNobody = 65534;
  bool was_root_;
  bool is_nobody_;
};

}  // namespace gpuconv::test
