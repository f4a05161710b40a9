// One request on its way through a handler: what was asked for, by whom, and the way back. Internal
// to api/. A handler, and then its callbacks one after the other, own it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/answer_counts.h"
#include "api/body_reader.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/log_entry.h"
#include "http/message.h"

namespace reeve::api {

struct Call {
  Call(http::Request asked, http::Responder back)
      : request(std::move(asked)),
        responder(std::move(back)) {}

  /// A handler that forgot to answer.
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const Route* route = nullptr;
  http::Request request;
  http::Responder responder;
  std::vector<PathValue> path;
  http::Parameters query;
  security::Identity identity;
  std::string request_id;
  LogSink* log = nullptr;              ///< may be null
  AnswerCounts* answers = nullptr;     ///< may be null
  mutable std::shared_ptr<void> turn;  ///< shared: given back before the answer is sent
  std::string idempotency_key;         ///< as sent, or ""
  std::function<void(const http::Response&)> on_answer;  ///< before it goes out; may be null
  mutable std::atomic<bool> is_answered{false};

  const std::string& path_value(std::string_view name) const;
  /// The first of that name, or null.
  const std::string* parameter(std::string_view name) const;
  std::string text(std::string_view name) const;
  /// Checked against the table already: whole numbers are.
  std::optional<std::int64_t> number(std::string_view name) const;

  void reply(http::Response response) const;
  void reply(int status, const JsonObject& body, std::vector<http::Header> headers = {}) const;
  void reply_nothing() const;  ///< 204
  void refuse(const Problem& problem) const;
  /// Begins an answer whose body comes bit by bit. On the server's thread.
  http::Stream stream(http::Response head,
                      std::optional<std::uint64_t> length = std::nullopt) const;

 private:
  void send(http::Response response) const;
  void note(int status, const Problem* problem) const;
};

/// What is wrong with a query string.
std::vector<FieldError> check_parameters(const Route& route, const http::Parameters& query);

}  // namespace reeve::api
