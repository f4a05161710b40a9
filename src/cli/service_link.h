// The service that commands are to look at and act on instead of a state directory: which one it
// is, and asking it. --server goes before --state, that before REEVE_URL, that before the context
// in use. Sends tokens only where nobody else can read them, unless told to. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_values.h"
#include "cli/failure.h"
#include "http/client.h"

namespace reeve::cli {

struct Session;
struct ServiceContext;
struct StateLayout;

class ServiceLink {
 public:
  /// Null: the command works on a directory.
  static Checked<std::unique_ptr<ServiceLink>> choose(const Session& session);

  /// The same, but a directory means the service that works on it, through its api.sock.
  static Checked<std::unique_ptr<ServiceLink>> open(const Session& session);

  /// The service that works on a directory, through its api.sock.
  static Checked<std::unique_ptr<ServiceLink>> at_directory(const StateLayout& layout,
                                                            const std::string& token = {});

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
  /// The same, where success has nothing to say.
  Status post_only(const std::string& target, const api::JsonObject& body);
  /// Replaces what is there; `condition`: If-Match or If-None-Match, or without a name for any.
  Result<api::JsonObject> put(const std::string& target, const api::JsonObject& body,
                              const http::Header& condition = {});
  Status remove(const std::string& target);
  /// How long the service may think before it answers; usual: 30 s.
  void set_patience(std::chrono::milliseconds patience) { client_.set_timeout(patience); }
  const std::string& name() const { return client_.address().text; }

 private:
  ServiceLink(http::Client client, std::string token, bool is_login)
      : client_(std::move(client)),
        token_(std::move(token)),
        is_login_(is_login) {}
  Result<http::Response> send(http::Client::Sent request);
  Result<http::Response> send_post(const std::string& target, const api::JsonObject& body,
                                   const std::string& key);
  Result<api::JsonObject> parsed(const http::Response& response) const;

  http::Client client_;
  std::string token_;
  bool is_login_ = false;  ///< the token was got by signing on, and ends
};

/// "path?name=value", escaped.
void add_parameter(std::string& target, std::string_view name, std::string_view value);
/// The objects of an array of a reply: what is none is left out, as the other side may be anybody.
std::vector<api::JsonObject> objects_of(const api::JsonObject& reply, std::string_view field);

}  // namespace reeve::cli
