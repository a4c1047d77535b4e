#include "host/room/response_cache.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/files/location.hpp"
#include "host/read/audio_file.hpp"
#include "host/read/foreign.hpp"
#include "host/room/resample.hpp"
#include "host/room/sofa/sofa_set.hpp"

namespace gpuconv {
namespace {

template <typename Value>
std::string words_of(const std::optional<Value>& value) {
  return value ? fmt::format("{}", *value) : "-";
}

std::string key_of(const std::string& identity, const ResponseOptions& options) {
  const SofaOptions& sofa = options.sofa;
  const std::string receivers =
      sofa.receivers ? fmt::format("{},{}", sofa.receivers->left, sofa.receivers->right) : "-";
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {}", identity, words_of(sofa.azimuth),
                     words_of(sofa.elevation), words_of(sofa.distance), words_of(sofa.emitter),
                     words_of(sofa.measurement), receivers, static_cast<int>(sofa.azimuths),
                     static_cast<int>(sofa.interpolation.value_or(Interpolation::nearest)),
                     static_cast<int>(options.nonfinite), static_cast<int>(options.truncated),
                     static_cast<int>(options.formats), options.both_ears);
}

std::int64_t bytes_of(const Response& response) {
  return static_cast<std::int64_t>((response.taps.left.size() + response.taps.right.size()) *
                                   sizeof(float));
}

}  // namespace

ResponseCache::Made ResponseCache::find(const std::function<bool(const Entry&)>& is_wanted) {
  const auto found = std::ranges::find_if(entries_, is_wanted);
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return found->response;
}

ResponseCache::Made ResponseCache::find_or_make(const std::function<bool(const Entry&)>& is_wanted,
                                                const std::string& name,
                                                const std::function<Entry()>& make) {
  std::promise<Made> promise;
  {
    std::unique_lock lock(mutex_);
    if (Made known = find(is_wanted)) return known;
    if (const auto making = in_the_making_.find(name); making != in_the_making_.end()) {
      const std::shared_future<Made> future = making->second;
      lock.unlock();
      return future.get();
    }
    in_the_making_.emplace(name, promise.get_future().share());
  }
  try {
    Entry entry = make();
    const Made made = entry.response;
    const std::lock_guard lock(mutex_);
    keep(std::move(entry));
    in_the_making_.erase(name);
    promise.set_value(made);
    return made;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    in_the_making_.erase(name);
    promise.set_exception(std::current_exception());
    throw;
  }
}

void ResponseCache::keep(Entry entry) {
  entries_.push_front(std::move(entry));
  std::int64_t total = 0;
  for (auto one = entries_.begin(); one != entries_.end();) {
    total += bytes_of(*one->response) + (one->source ? bytes_of(*one->source) : 0);
    one = total > bytes_ ? entries_.erase(one) : std::next(one);
  }
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

/// A reader may have been killed that has served before: then the set is opened once more.
template <typename Use>
auto ResponseCache::with_set(const std::string& path, const std::string& identity, Use use) {
  const auto is_it = [&](const OpenSet& one) { return one.key == identity; };
  const bool was_open = !identity.empty() && std::ranges::any_of(sets_, is_it);
  const std::shared_ptr<SofaSet> set = open(path, identity);
  try {
    return use(*set);
  } catch (const FileError&) {
    if (set->is_alive()) throw;
    sets_.remove_if([&](const OpenSet& one) { return one.set == set; });
    if (!was_open) throw;
  }
  return use(*open(path, identity));
}

ResponseCache::Made ResponseCache::read(const std::string& path, const std::string& identity,
                                        const ResponseOptions& options) {
  if (!is_sofa(path)) return std::make_shared<const Response>(load_response(path, options));
  const std::lock_guard lock(sofa_mutex_);
  return std::make_shared<const Response>(
      with_set(path, identity, [&](SofaSet& set) { return response_of(set, options); }));
}

std::shared_ptr<const Response> ResponseCache::load(const std::string& path,
                                                    const ResponseOptions& options) {
  const std::string identity = identity_of(path);
  if (identity.empty()) return read(path, identity, options);
  const std::string key = key_of(identity, options);
  return find_or_make([&](const Entry& entry) { return entry.key == key; }, key,
                      [&] {
                        return Entry{key, read(path, identity, options), nullptr};
                      });
}

std::shared_ptr<const Response> ResponseCache::convert(
    const std::shared_ptr<const Response>& response, int rate) {
  if (response->rate == rate) return response;
  // By the response itself: its file may be another one by now.
  const auto is_wanted = [&](const Entry& entry) {
    return entry.source == response && entry.response->rate == rate;
  };
  const auto* const address = static_cast<const void*>(response.get());
  return find_or_make(is_wanted, fmt::format("{} {}", address, rate), [&] {
    return Entry{"", std::make_shared<const Response>(resample(*response, rate)), response};
  });
}

ResponseCache::Size ResponseCache::size(const std::string& path, const ResponseOptions& options) {
  if (is_sofa(path)) {
    const std::lock_guard lock(sofa_mutex_);
    return with_set(path, identity_of(path), [](SofaSet& set) {
      return Size{set.taps(), set.rate()};
    });
  }
  const AudioReader reader(path, options.truncated, options.formats);
  return {reader.format().frames, reader.format().rate};
}

std::string ResponseCache::check(const std::string& path, const ResponseOptions& options) {
  if (is_sofa(path)) {
    const std::lock_guard lock(sofa_mutex_);
    return with_set(path, identity_of(path), [&](SofaSet& set) { return set.check(options.sofa); });
  }
  load(path, options);
  return "";
}

}  // namespace gpuconv
