// The event loop of a server, which outlives it in the handles that other threads keep. Internal to
// http/. post() from any thread.
#pragma once

#include <atomic>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace reeve::http {

class Loop {
 public:
  /// At once on the loop's own thread, else soon. Dropped when the loop has ended.
  template <class Call>
  void call(Call call) {
    if (!ended_) boost::asio::dispatch(context, std::move(call));
  }
  template <class Call>
  void post(Call call) {
    if (!ended_) boost::asio::post(context, std::move(call));
  }
  void end() { ended_ = true; }

  boost::asio::io_context context{1};

 private:
  std::atomic<bool> ended_{false};
};

}  // namespace reeve::http
