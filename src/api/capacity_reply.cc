#include "api/capacity_reply.h"

#include <algorithm>
#include <array>
#include <string>

namespace reeve::api {
namespace {

namespace json = boost::json;

struct Amount {
  std::string_view name;
  std::int64_t Resources::*of;
};
constexpr std::array<Amount, 4> kAmounts{{{"cpu_millicores", &Resources::cpu_millicores},
                                          {"memory_bytes", &Resources::memory_bytes},
                                          {"disk_bytes", &Resources::disk_bytes},
                                          {"gpu_milli", &Resources::gpu_milli}}};

Result<std::int64_t> amount_of(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 0)
    return fail(ErrorCode::invalid_argument,
                "the engine's reply has no amount of " + std::string(name));
  return value->as_int64();
}

}  // namespace

json::object capacity_object(const Resources& capacity) {
  json::object out;
  for (const Amount& amount : kAmounts) out[amount.name] = capacity.*amount.of;
  json::object countables;
  for (const Countable& one : capacity.countables) countables[one.name] = one.amount;
  out["countables"] = std::move(countables);
  return out;
}

Result<Resources> capacity_of(const json::object& reply) {
  Resources capacity;
  for (const Amount& amount : kAmounts) {
    TRY_ASSIGN(capacity.*amount.of, amount_of(reply, amount.name));
  }
  const json::value* const countables = reply.if_contains("countables");
  if (countables == nullptr || !countables->is_object())
    return fail(ErrorCode::invalid_argument, "the engine's reply has no countables");
  for (const auto& [name, value] : countables->as_object()) {
    TRY_ASSIGN(const std::int64_t amount, amount_of(countables->as_object(), name));
    if (amount > 0) capacity.countables.push_back({std::string(name), amount});
  }
  std::ranges::sort(capacity.countables);
  return capacity;
}

}  // namespace reeve::api
