#include "host/audio/response_cache.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "host/audio/resample.hpp"
#include "host/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

/// What changes when a file does; "" for what can be read only once, or not at all.
std::string identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  return fmt::format("{}:{}:{}:{}.{:09}:{}.{:09}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

template <typename Value>
std::string words_of(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "-";
}

std::string key_of(const std::string& identity, const ResponseOptions& options, int rate) {
  const SofaOptions& sofa = options.sofa;
  const std::string receivers =
      sofa.receivers ? fmt::format("{},{}", sofa.receivers->left, sofa.receivers->right) : "-";
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", identity, words_of(sofa.azimuth),
                     words_of(sofa.elevation), words_of(sofa.distance), words_of(sofa.emitter),
                     words_of(sofa.measurement), receivers, static_cast<int>(sofa.azimuths),
                     static_cast<int>(options.nonfinite), static_cast<int>(options.truncated),
                     static_cast<int>(options.formats), rate);
}

std::int64_t bytes_of(const Response& response) {
  return static_cast<std::int64_t>((response.taps.left.size() + response.taps.right.size()) *
                                   sizeof(float));
}

}  // namespace

std::shared_ptr<const Response> ResponseCache::find(const std::string& key) {
  const auto found = std::ranges::find(entries_, key, &Entry::key);
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return found->response;
}

std::shared_ptr<const Response> ResponseCache::keep(const std::string& key,
                                                    std::shared_ptr<const Response> response) {
  entries_.push_front({key, response});
  std::int64_t total = 0;
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    total += bytes_of(*entry->response);
    entry = total > bytes_ ? entries_.erase(entry) : std::next(entry);
  }
  return response;
}

std::shared_ptr<SofaSet> ResponseCache::open(const std::string& path, const std::string& identity) {
  const auto found = std::ranges::find(sets_, identity, &OpenSet::key);
  if (found != sets_.end() && !identity.empty()) {
    sets_.splice(sets_.begin(), sets_, found);
    return found->set;
  }
  auto set = std::make_shared<SofaSet>(path);
  sets_.push_front({identity, set});
  if (sets_.size() > kSets) sets_.pop_back();
  return set;
}

/// A set that has failed is opened anew by the next one who asks.
template <typename Use>
auto ResponseCache::with_set(const std::string& path, const std::string& identity, Use use) {
  const std::shared_ptr<SofaSet> set = open(path, identity);
  try {
    return use(*set);
  } catch (const FileError&) {
    if (!set->is_alive()) sets_.remove_if([&](const OpenSet& one) { return one.set == set; });
    throw;
  }
}

std::shared_ptr<const Response> ResponseCache::load_locked(const std::string& path,
                                                           const ResponseOptions& options) {
  const std::string identity = identity_of(path);
  const std::string key = key_of(identity, options, 0);
  if (!identity.empty()) {
    if (auto known = find(key)) return known;
  }
  auto response = std::make_shared<const Response>(
      is_sofa(path)
          ? with_set(path, identity, [&](SofaSet& set) { return response_of(set, options); })
          : load_response(path, options));
  return identity.empty() ? response : keep(key, std::move(response));
}

std::shared_ptr<const Response> ResponseCache::load(const std::string& path,
                                                    const ResponseOptions& options) {
  const std::lock_guard lock(mutex_);
  return load_locked(path, options);
}

std::shared_ptr<const Response> ResponseCache::convert(std::shared_ptr<const Response> response,
                                                       const std::string& path,
                                                       const ResponseOptions& options, int rate) {
  if (response->rate == rate) return response;
  const std::lock_guard lock(mutex_);
  const std::string identity = identity_of(path);
  const std::string key = key_of(identity, options, rate);
  if (!identity.empty()) {
    if (auto known = find(key)) return known;
  }
  auto converted = std::make_shared<const Response>(resample(*response, rate));
  return identity.empty() ? converted : keep(key, std::move(converted));
}

std::string ResponseCache::check(const std::string& path, const ResponseOptions& options) {
  const std::lock_guard lock(mutex_);
  if (is_sofa(path)) {
    return with_set(path, identity_of(path), [&](SofaSet& set) { return set.check(options.sofa); });
  }
  load_locked(path, options);
  return "";
}

}  // namespace gpuconv
