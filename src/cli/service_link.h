// The service that commands are to look at and act on instead of a state directory: which one it
// is, and asking it. --server goes before --state, that before REEVE_URL, that before the context
// in use. Sends tokens only where nobody else can read them, unless told to. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/json_values.h"
#include "cli/failure.h"
#include "http/client.h"

namespace reeve::cli {

struct Session;
struct ServiceContext;

class ServiceLink {
 public:
  /// Null: the command works on a directory.
  static Checked<std::unique_ptr<ServiceLink>> choose(const Session& session);

  /// The same, but a directory means the service that works on it, through its api.sock.
  static Checked<std::unique_ptr<ServiceLink>> open(const Session& session);

  /// With the token that the context has, if it has one, whatever REEVE_TOKEN says.
  static Checked<std::unique_ptr<ServiceLink>> of(const ServiceContext& context,
                                                  const Session& session);

  /// A failure carries what the service says. 304 is an answer.
  Result<http::Response> get(const std::string& target, const std::string& known_etag = {});
  /// Some of the bytes behind `position`, of what still has this ETag; conflict: it has another.
  Result<http::Response> get_part(const std::string& target, std::int64_t position,
                                  std::int64_t bytes, const std::string& etag);
  Result<api::JsonObject> get_json(const std::string& target);
  /// `key`: "" for a new one; each request is done once however often it has to be sent.
  Result<api::JsonObject> post(const std::string& target, const api::JsonObject& body,
                               const std::string& key = {});
  Status remove(const std::string& target);
  const std::string& name() const { return client_.address().text; }

 private:
  ServiceLink(http::Client client, std::string token, bool is_login)
      : client_(std::move(client)),
        token_(std::move(token)),
        is_login_(is_login) {}
  Result<http::Response> send(http::Client::Sent request);

  http::Client client_;
  std::string token_;
  bool is_login_ = false;  ///< the token was got by signing on, and ends
};

}  // namespace reeve::cli
