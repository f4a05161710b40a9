// What the API says when it refuses: RFC 9457 problems with stable types. Values; pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/json_values.h"
#include "base/result.h"
#include "http/message.h"

namespace reeve::api {

/// One thing that is wrong with what was sent.
struct FieldError {
  std::string pointer;  ///< JSON Pointer into the body; "" for all of it
  std::string detail;
  int line = 0;  ///< of a workflow, from 1; 0: not in one
  int column = 0;
};

struct Problem {
  int status = 500;
  std::string type;  ///< "not-found": behind urn:reeve:problem:
  std::string title;
  std::string detail;
  std::vector<FieldError> errors;
  std::optional<int> retry_after;  ///< seconds
  std::string cause;               ///< for the log of the service alone: it is never sent

  Problem() = default;
  Problem(int http_status, std::string kind, std::string heading, std::string text)
      : status(http_status),
        type(std::move(kind)),
        title(std::move(heading)),
        detail(std::move(text)) {}
  Problem(const Error& error);  // NOLINT(google-explicit-constructor): errors become problems
};

/// What is wrong with the body or the parameters, all of it.
Problem invalid(std::vector<FieldError> errors);

JsonObject problem_json(const Problem& problem, const std::string& request_id);
http::Response problem_response(const Problem& problem, const std::string& request_id);
/// For requests that no route has seen.
http::Response bare_problem(int status, std::string_view detail);

}  // namespace reeve::api
