// nobody.hpp - a user who may not do everything, also where root runs the tests
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

namespace gpuconv::test {

/// As long as it lives, root is nobody, and owns no file. Other users stay who they are.
class AsNobody {
 public:
  AsNobody() { is_nobody_ = ::geteuid() != 0 || ::setresuid(kNobody, kNobody, 0) == 0; }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() {
    if (::geteuid() == kNobody && ::setresuid(0, 0, 0) != 0) ADD_FAILURE() << "still nobody";
  }

  /// False where this root can not be anybody else.
  explicit operator bool() const { return is_nobody_; }

 private:
  static constexpr uid_t kNobody = 65534;
  bool is_nobody_;
};

}  // namespace gpuconv::test
