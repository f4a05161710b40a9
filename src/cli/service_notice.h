// What a service tells systemd (sd_notify(3)): that it is ready, that it ends, that it lives.
// Nothing where nobody asked. Sends datagrams that never wait; used by one thread.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace reeve::cli {

class ServiceNotice {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them: what the service starts
  /// is not to speak for it. Before there are threads.
  static ServiceNotice take_environment();

  /// "READY=1". Lost if nobody receives it: a service does not end for that.
  void tell(std::string_view state) const;
  /// Of the pause between two signs of life, half of what is allowed; -1: none are wanted.
  int pause_milliseconds() const { return pause_milliseconds_; }

 private:
  std::string address_;  ///< as in sun_path, "" for none
  Fd socket_;
  int pause_milliseconds_ = -1;
};

}  // namespace reeve::cli
