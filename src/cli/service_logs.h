// The logs of attempts for the API: files of the state directory. Thread-safe: each call opens its
// own.
#pragma once

#include <string>

#include "api/log_source.h"

namespace reeve::cli {

class ServiceLogs final : public api::LogSource {
 public:
  explicit ServiceLogs(std::string state) : state_(std::move(state)) {}

  Result<std::int64_t> read(const api::LogName& name, std::int64_t position, std::size_t bytes_max,
                            const Visit& visit) override;
  std::string path(const api::LogName& name) const override;

 private:
  const std::string state_;
};

}  // namespace reeve::cli
