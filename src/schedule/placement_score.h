// What decided one placement, by term: data, kept with the attempt. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "base/codec.h"
#include "base/time.h"
#include "schedule/nodes.h"

namespace reeve::schedule {

struct PlacementScore {
  // Its place in the queue: head starts in time (schedule/waiting.h), beside how long it waited.
  Duration priority{0};
  Duration deadline{0};
  Duration length{0};
  std::int32_t share_permille = 0;  ///< of the cluster, that its user had then; 0 with one user
  // Its node, among those that had room.
  std::uint32_t candidates = 0;  ///< 0: there was no choice, or no room yet
  std::uint8_t variant = 0;      ///< of its `resources`
  std::int32_t score = 0;        ///< terms times weights
  NodeTerms terms{};             ///< 0 to 1000 each; all 0 where there was no choice
  friend bool operator==(const PlacementScore&, const PlacementScore&) = default;

  static constexpr auto fields() {
    return std::tuple{field("priority", &PlacementScore::priority),
                      field("deadline", &PlacementScore::deadline),
                      field("length", &PlacementScore::length),
                      field("share_permille", &PlacementScore::share_permille),
                      field("candidates", &PlacementScore::candidates),
                      field("variant", &PlacementScore::variant),
                      field("score", &PlacementScore::score),
                      field("terms", &PlacementScore::terms)};
  }
};

/// For people: "priority 1h, share 6 %; node 812 of 3: fit 700, price 1000". "" when nothing of it
/// was other than for everybody else.
std::string describe(const PlacementScore& score);

}  // namespace reeve::schedule
