// The event loop of a server, which outlives it in the handles that other threads keep. Internal to
// http/. post() from any thread.
#pragma once

#include <array>
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
  /// Whether this is the loop's own thread.
  bool is_here() { return context.get_executor().running_in_this_thread(); }

  boost::asio::io_context context{1};
  /// What has just been read of some connection: its bytes are gone with the next one's, so that
  /// ten thousand connections on which nothing happens need no buffer each. The loop's own thread.
  std::array<char, 65'536> scratch{};

 private:
  std::atomic<bool> ended_{false};
};

}  // namespace reeve::http
