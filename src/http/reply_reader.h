// Replies as bytes arrive: head, then a body of a known length, in chunks, or up to the end of the
// connection. Strict: what is ambiguous or malformed is an error. Internal to http/. Values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace reeve::http {

class ReplyReader {
 public:
  /// `has_body`: false for what answers HEAD.
  ReplyReader(bool has_body, std::size_t body_bytes_max)
      : has_body_(has_body),
        body_bytes_max_(body_bytes_max) {}

  /// Takes bytes in; true once the reply is complete. Bytes behind it are an error: nothing was
  /// asked for that they could answer.
  Result<bool> add(std::string_view bytes);
  /// The connection has ended. Fails if the reply is not complete then.
  Status end();

  Response take() { return std::move(response_); }
  bool keeps_alive() const { return keeps_alive_; }
  bool has_begun() const { return phase_ != Phase::head || !in_.empty(); }

 private:
  enum class Phase : std::uint8_t { head, body, chunk_size, chunk, chunk_end, trailer, rest, done };
  Result<bool> step();
  Result<bool> read_head();
  Status read_header(std::string_view line);
  Status choose_body();
  Result<bool> read_chunk_size();
  std::optional<std::string_view> take_line();
  Status take_body(std::size_t bytes);

  const bool has_body_;
  const std::size_t body_bytes_max_;
  Phase phase_ = Phase::head;
  Response response_;
  std::string in_;
  std::size_t at_ = 0;       ///< in_ is read up to here
  std::size_t missing_ = 0;  ///< bytes of the body, or of the chunk
  std::optional<std::size_t> length_;
  bool is_chunked_ = false;
  bool keeps_alive_ = true;
};

}  // namespace reeve::http
