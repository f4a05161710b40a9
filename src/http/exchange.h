// One request that is being answered: what ties a handler's handles to the connection. Internal to
// http/. Members without a remark: the server's thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "http/content_coding.h"
#include "http/loop.h"
#include "http/message.h"

namespace reeve::http {

class Connection;

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  // shared: the loop outlives the server; the connection may go first
  Exchange(std::shared_ptr<Loop> loop, std::weak_ptr<Connection> connection, std::uint64_t number,
           Coding coding)
      : loop_(std::move(loop)),
        connection_(std::move(connection)),
        number_(number),
        coding_(coding) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Any thread.
  void reply(Response response);
  void begin(Response head, std::optional<std::uint64_t> length);
  void write(std::string bytes);
  void end();
  void on_change(std::function<void()> call);
  std::size_t unsent() const { return unsent_; }
  bool is_open() const { return open_; }

  // By the connection.
  void took(std::size_t bytes);
  void close();

 private:
  std::shared_ptr<Loop> loop_;
  std::weak_ptr<Connection> connection_;
  const std::uint64_t number_;
  const Coding coding_;  ///< that the reply may have
  std::atomic<bool> answered_{false};
  std::atomic<bool> open_{true};
  std::atomic<std::size_t> unsent_{0};
  std::function<void()> changed_;
};

}  // namespace reeve::http
