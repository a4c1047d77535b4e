// response_cache.hpp - responses that are used again are opened, read and converted once
//
// A batch renders thousands of recordings in a few rooms. SOFA files stay open, and responses stay
// in memory as they came out of the resampler, as long as the files are what they were.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/room/response.hpp"

namespace gpuconv {

/// May be used by several threads at once, which read and convert different responses at the same
/// time; of SOFA files one thread reads at a time. What has not been used for longest goes first.
class ResponseCache {
 public:
  static constexpr std::int64_t kBytes = std::int64_t{256} << 20;
  static constexpr std::size_t kSets = 8;  ///< SOFA files that stay open

  explicit ResponseCache(std::int64_t bytes = kBytes) : bytes_(bytes) {}

  /// As load_response(). A pipe is read each time.
  std::shared_ptr<const Response> load(const std::string& path, const ResponseOptions& options);

  /// What load() has returned, at `rate` Hz. Throws what resample() throws.
  std::shared_ptr<const Response> convert(const std::shared_ptr<const Response>& response,
                                          int rate);

  /// Taps and rate of what load() would return, without delays. Reads only heads.
  struct Size {
    std::int64_t taps;
    int rate;
  };
  Size size(const std::string& path, const ResponseOptions& options);

  /// What every response from this file meets: throws FileError or UsageError, or returns a warning
  /// (or ""). Of a SOFA file no measurement is read but those that tell the ears apart.
  std::string check(const std::string& path, const ResponseOptions& options);

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Response> response;
    std::shared_ptr<const Response> source;  ///< what it was converted from, or none
  };
  struct OpenSet {
    std::string key;
    std::shared_ptr<SofaSet> set;
  };

  using Made = std::shared_ptr<const Response>;
  /// What is known by `is_wanted`, or what `make` makes: `name` tells one thing to be made from
  /// another, and a second thread waits for what the first one makes.
  Made find_or_make(const std::function<bool(const Entry&)>& is_wanted, const std::string& name,
                    const std::function<Entry()>& make);
  Made find(const std::function<bool(const Entry&)>& is_wanted);
  void keep(Entry entry);
  std::shared_ptr<SofaSet> open(const std::string& path, const std::string& identity);
  template <typename Use>
  auto with_set(const std::string& path, const std::string& identity, Use use);
  Made read(const std::string& path, const std::string& identity, const ResponseOptions& options);

  std::mutex mutex_;  // of what follows
  std::int64_t bytes_;
  std::list<Entry> entries_;  ///< the last used first
  std::map<std::string, std::shared_future<Made>> in_the_making_;
  std::mutex sofa_mutex_;  // of what follows
  std::list<OpenSet> sets_;
};

}  // namespace gpuconv
