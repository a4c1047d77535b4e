#include "host/render/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "host/base/error.hpp"
#include "host/read/audio_format.hpp"

namespace gpuconv {
namespace {

/// In the order of the bits of a mask.
constexpr std::array<std::string_view, 11> kSpeakers{"FL",  "FR",  "FC", "LFE", "BL", "BR",
                                                     "FLC", "FRC", "BC", "SL",  "SR"};

/// The ears' channels of a loudspeaker in a file of HeSuVi with 14 channels. In one with 7, the
/// left ear hears the right side as the right ear hears the left side.
struct HesuviPair {
  std::string_view speaker;
  int left, right;
  int left_of_7, right_of_7;
};
constexpr std::array<HesuviPair, 8> kHesuvi{{{"FL", 1, 2, 1, 2},
                                             {"FR", 9, 8, 2, 1},
                                             {"FC", 7, 14, 7, 7},
                                             {"LFE", 7, 14, 7, 7},
                                             {"BL", 5, 6, 5, 6},
                                             {"BR", 13, 12, 6, 5},
                                             {"SL", 3, 4, 3, 4},
                                             {"SR", 11, 10, 4, 3}}};

/// What WAV's order makes of so many channels where a file does not say. 0: nothing.
std::uint32_t usual_mask(int channels) {
  switch (channels) {
    case 2:
      return 0x3;  // FL FR
    case 6:
      return 0x3f;  // 5.1: FL FR FC LFE BL BR
    case 8:
      return 0x63f;  // 7.1: FL FR FC LFE BL BR SL SR
    default:
      return 0;
  }
}

Routing pairs(int channels) {
  Routing routing;
  routing.name = channels == 2
                     ? "true stereo (LL LR RL RR)"
                     : fmt::format("pairs (left and right ear of each of {} channels)", channels);
  for (int c = 1; c <= channels; ++c) routing.routes.push_back({c, 2 * c - 1, 2 * c});
  return routing;
}

Routing hesuvi(int channels, std::uint32_t mask, int response_channels) {
  if (mask == 0) mask = usual_mask(channels);
  Routing routing;
  for (std::size_t bit = 0; bit < 32 && std::ssize(routing.routes) < channels; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    const std::string_view speaker = bit < kSpeakers.size() ? kSpeakers[bit] : "another";
    const auto* const pair = std::ranges::find(kHesuvi, speaker, &HesuviPair::speaker);
    if (pair == kHesuvi.end()) {
      throw UsageError(
          fmt::format("its channel {} is for the loudspeaker {}, which HeSuVi's files "
                      "do not have; --routing says where it goes",
                      routing.routes.size() + 1, speaker));
    }
    const bool is_of_7 = response_channels == 7;
    routing.routes.push_back({static_cast<int>(routing.routes.size()) + 1,
                              is_of_7 ? pair->left_of_7 : pair->left,
                              is_of_7 ? pair->right_of_7 : pair->right, std::string(speaker)});
  }
  if (std::ssize(routing.routes) != channels) {
    throw UsageError(
        fmt::format("has {} channels, and its header does not name their {} "
                    "loudspeakers; --routing says where they go",
                    channels, channels));
  }
  const bool has_lfe = std::ranges::count(routing.routes, "LFE", &Route::name) > 0;
  routing.name =
      fmt::format("HeSuVi, {} channels{}", response_channels, has_lfe ? "; LFE as FC" : "");
  return routing;
}

bool is_hesuvi(int response_channels) { return response_channels == 7 || response_channels == 14; }

[[noreturn]] void refuse(int channels, int response_channels) {
  throw UsageError(fmt::format(
      "has {} channels where one is needed{}; --channel N takes one of them. All are heard through "
      "a RESPONSE of {} channels{}{}, or by --routing (this one has {})",
      channels, channels == 2 ? " (the response comes second)" : "", 2 * channels,
      channels == 2 ? " (true stereo, LL LR RL RR)" : "",
      usual_mask(channels) != 0 ? ", one of HeSuVi's with 7 or 14" : "", response_channels));
}

/// Reads a number from 1 on at the begin of `text`, and takes it away.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 1 || number > kMaxChannels) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return number;
}

bool take(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Routing routing_in(const std::string& text) {
  Routing routing{"as asked", {}};
  std::string_view rest = text;
  const auto next = [&]() -> std::optional<Route> {
    const auto channel = take_number(rest);
    const auto left = channel && take(rest, ':') ? take_number(rest) : std::nullopt;
    const auto right = left && take(rest, ',') ? take_number(rest) : std::nullopt;
    if (!right || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
    return Route{*channel, *left, *right};
  };
  for (;;) {
    while (take(rest, ' ')) continue;
    if (rest.empty() && !routing.routes.empty()) return routing;
    const auto route = next();
    if (!route) {
      throw UsageError("--routing '" + text +
                       "': expected CHANNEL:LEFT,RIGHT for each channel of INPUT, such as "
                       "'1:1,2 2:3,4'");
    }
    if (std::ranges::count(routing.routes, *route) > 0) {
      throw UsageError(fmt::format("--routing '{}': {}:{},{} stands there twice", text,
                                   route->channel, route->left, route->right));
    }
    routing.routes.push_back(*route);
  }
}

Routing routing_for(Layout layout, int channels, std::uint32_t mask, int response_channels) {
  const bool fits_pairs = response_channels == 2 * channels;
  const bool fits_hesuvi = is_hesuvi(response_channels);
  if (layout == Layout::automatic && fits_pairs && fits_hesuvi) {
    throw UsageError(
        fmt::format("has {} channels and RESPONSE {}, which may be pairs or HeSuVi's: "
                    "--layout says which",
                    channels, response_channels));
  }
  if (layout != Layout::hesuvi && fits_pairs) return pairs(channels);
  if (layout != Layout::pairs && fits_hesuvi) return hesuvi(channels, mask, response_channels);
  refuse(channels, response_channels);
}

Routing checked_routing(Routing routing, int channels, int response_channels) {
  for (const Route& route : routing.routes) {
    if (route.channel > channels) {
      throw UsageError(
          fmt::format("--routing: INPUT has no channel {} (limit 1..{})", route.channel, channels));
    }
    const int ear = std::max(route.left, route.right);
    if (ear > response_channels) {
      throw UsageError(fmt::format("--routing: RESPONSE has no channel {} (limit 1..{})", ear,
                                   response_channels));
    }
  }
  const auto left_out = [&](int count, const auto& has) {
    std::vector<int> channels_left_out;
    for (int c = 1; c <= count; ++c) {
      if (std::ranges::none_of(routing.routes, [&](const Route& route) { return has(route, c); })) {
        channels_left_out.push_back(c);
      }
    }
    return channels_left_out;
  };
  routing.input_not_heard =
      left_out(channels, [](const Route& route, int c) { return route.channel == c; });
  routing.response_not_heard = left_out(response_channels, [](const Route& route, int c) {
    return route.left == c || route.right == c;
  });
  return routing;
}

std::string unheard_words(const Routing& routing) {
  std::string words;
  for (const auto& [channels, file] :
       {std::pair(&routing.input_not_heard, "INPUT"), {&routing.response_not_heard, "RESPONSE"}}) {
    if (channels->empty()) continue;
    words += fmt::format("{}channel{} {} of {}", words.empty() ? "" : "; ",
                         channels->size() == 1 ? "" : "s", fmt::join(*channels, ", "), file);
  }
  return words;
}

Stereo<bool> dry_ears(const Routing& routing, const Route& route, int channels) {
  const bool is_alone = std::ranges::all_of(
      routing.routes, [&](const Route& other) { return other.channel == route.channel; });
  if (is_alone) return {true, true};
  const std::string& speaker = route.name;
  if (speaker == "FC" || speaker == "LFE") return {true, true};
  if (speaker.ends_with('L')) return {true, false};
  if (speaker.ends_with('R')) return {false, true};
  if (channels == 2) return {route.channel == 1, route.channel == 2};
  throw UsageError(fmt::format(
      "--dry: at which ear each of the {} channels of INPUT belongs is known of two "
      "channels and of HeSuVi's loudspeakers only; leave --dry out, or take one of them "
      "by --channel",
      channels));
}

std::string words_of(const Routing& routing) {
  std::string words;
  for (const Route& route : routing.routes) {
    words +=
        fmt::format("{}{}{} to {},{}", words.empty() ? "" : "; ", route.channel,
                    route.name.empty() ? "" : " (" + route.name + ")", route.left, route.right);
  }
  return words;
}

}  // namespace gpuconv
