// The log of an attempt that a service keeps, piece by piece as it grows. One thread.
#pragma once

#include "base/ids.h"
#include "cli/log_tail.h"
#include "cli/service_link.h"

namespace reeve::cli {

class ServiceLog final : public LogFrames {
 public:
  ServiceLog(ServiceLink& link, TaskId task, std::uint32_t attempt)
      : link_(link),
        task_(task),
        attempt_(attempt) {}
  bool read(const Visit& visit) override;

 private:
  ServiceLink& link_;
  const TaskId task_;
  const std::uint32_t attempt_;
  std::int64_t position_ = 0;
  bool is_broken_ = false;
};

}  // namespace reeve::cli
