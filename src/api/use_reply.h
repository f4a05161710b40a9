// What the attempts that run use, as the reply to the control method `use`. Pure.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <boost/json/object.hpp>

#include "base/launch.h"
#include "core/state.h"

namespace reeve::api {

/// More do not fit into a reply: those that use the most processor time are in it.
inline constexpr std::size_t kUseRowsMax = 1000;

struct UseQuery {
  std::optional<RunId> run;                        ///< of this one only
  std::function<bool(const core::Run&)> may_look;  ///< null: at all
};
/// {"use": [...], "left_out": n}; what is not known is null. not_found: the run is not active.
Result<boost::json::object> use_of(const core::State& state,
                                   const std::vector<AttemptSample>& samples, const UseQuery& query,
                                   Time now);
/// Of the parameters of the control method: "run" for one run only.
Result<UseQuery> use_query(const boost::json::object& params);

}  // namespace reeve::api
