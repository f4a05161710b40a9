#include "http/connection.h"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/none.hpp>
#include <fmt/format.h>

namespace reeve::http {
namespace {

namespace beast_http = boost::beast::http;
using beast_http::field;

constexpr std::size_t kTargetBytesMax = 8192;
constexpr std::size_t kWaitingReadMax = 65536;  ///< of requests behind one that is answered
constexpr std::size_t kKeptBytesMax = 4096;     ///< of a buffer that is empty
constexpr std::chrono::seconds kLinger{1};      ///< between requests, while the server stops
constexpr auto kForEver = Connection::Moment::max();

std::string_view view(boost::core::string_view text) { return {text.data(), text.size()}; }

bool is_same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return x == y || ((x | 32) == (y | 32) && (x | 32) >= 'a' && (x | 32) <= 'z');
  });
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

template <class Fields>
std::size_t count_of(const Fields& fields, field name) {
  const auto range = fields.equal_range(name);
  return static_cast<std::size_t>(std::distance(range.first, range.second));
}

/// "/path?query" of what was asked for, also in absolute form; "" where it is neither.
std::string_view origin_form(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const std::size_t slash = target.find('/', scheme.size());
    return slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.starts_with('/') ? target : std::string_view();
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

void add_chunk(std::string& out, std::string_view bytes) {
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", bytes.size());
  out.append(bytes).append("\r\n");
}

}  // namespace

Connection::Connection(ConnectionHost& host, std::unique_ptr<Transport> transport, Peer peer)
    : host_(host),
      transport_(std::move(transport)),
      peer_(std::move(peer)) {}

void Connection::enter(Phase phase, std::chrono::seconds limit) {
  phase_ = phase;
  deadline_ = limit.count() == 0 ? kForEver : std::chrono::steady_clock::now() + limit;
}

void Connection::start() {
  enter(Phase::greeting, host_.options().limits.header_time);
  transport_->greet([self = shared_from_this()](ErrorNumber error) {
    if (self->phase_ == Phase::closed) return;
    if (error) return self->close();
    self->peer_.certificate = self->transport_->certificate();
    self->next_request();
  });
}

void Connection::look_at_clock(Moment now) {
  if (now < deadline_) return;
  // Whoever has begun to say something is told; an idle connection just ends.
  if (phase_ == Phase::head || phase_ == Phase::body)
    return refuse(408, "the request took too long to arrive");
  close();
}

void Connection::stop() {
  if (host_.is_lingering() && !stream_) {
    // What is said next is answered, and the answer says that it was the last one here.
    if (phase_ == Phase::idle) enter(Phase::idle, kLinger);
    if (phase_ == Phase::handling) keep_alive_ = false;
    return;
  }
  if (phase_ == Phase::idle || phase_ == Phase::greeting || phase_ == Phase::head) return close();
  keep_alive_ = false;
  if (!stream_) return;
  if (!host_.options().farewell.empty() && !stream_left_) stream(number_, host_.options().farewell);
  end_stream(number_);
}

void Connection::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  const auto self = shared_from_this();  // shared: forget() may drop the last other handle
  transport_->close();
  if (stream_) std::exchange(stream_, nullptr)->close();
  host_.forget(*this);
}

void Connection::next_request() {
  enter(Phase::idle, host_.is_lingering() ? kLinger : host_.options().limits.idle_time);
  ++number_;
  request_ = {};
  is_head_request_ = false;
  is_old_ = false;
  body_.reset();
  head_.emplace();
  head_bytes_ = 0;
  head_->header_limit(static_cast<std::uint32_t>(host_.options().limits.header_bytes_max));
  head_->body_limit(boost::none);
  if (host_.is_stopping() && !host_.is_lingering()) return close();
  parse();
}

void Connection::read() {
  if (reading_ || phase_ == Phase::closed) return;
  reading_ = true;
  transport_->read([self = shared_from_this()](ErrorNumber error, std::string_view bytes) {
    self->take(error, bytes);
  });
}

void Connection::take(ErrorNumber error, std::string_view bytes) {
  reading_ = false;
  if (phase_ == Phase::closed) return;
  if (error) {
    // Half closed by the other side: what was asked for is still answered.
    if (error == boost::asio::error::eof && phase_ == Phase::handling) return;
    return close();
  }
  if (phase_ == Phase::closing) return read();  // what nobody wants any more
  in_.append(bytes);
  if (phase_ == Phase::streaming) {
    if (in_.size() - in_begin_ > kWaitingReadMax) return close();
    return read();
  }
  parse();
}

void Connection::parse() {
  while (phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body) {
    if (in_begin_ == in_.size()) {
      in_begin_ = 0;
      if (in_.capacity() > kKeptBytesMax)
        std::string().swap(in_);
      else
        in_.clear();
      return read();
    }
    if (phase_ == Phase::idle) enter(Phase::head, host_.options().limits.header_time);
    const bool goes_on = phase_ == Phase::head ? parse_head() : parse_body();
    if (!goes_on) return;
  }
}

bool Connection::parse_head() {
  ErrorNumber error;
  const std::size_t taken =
      head_->put(boost::asio::buffer(in_.data() + in_begin_, in_.size() - in_begin_), error);
  const std::string_view lines = std::string_view(in_).substr(in_begin_, taken);
  in_begin_ += taken;
  head_bytes_ += taken;
  const bool is_part = error == beast_http::error::need_more;
  // The library measures what is there at a time, and not always the whole.
  if (head_bytes_ + (is_part ? in_.size() - in_begin_ : 0) >
      host_.options().limits.header_bytes_max)
    error = beast_http::error::header_limit;
  else if (is_part) {
    in_.erase(0, in_begin_);
    in_begin_ = 0;
    read();
    return false;
  }
  if (error) {
    refuse_parsed(error);
    return false;
  }
  // The library joins such lines; others take them for headers of their own.
  if (lines.find("\r\n ") != std::string_view::npos ||
      lines.find("\r\n\t") != std::string_view::npos) {
    refuse(400, "a header may not go on in a second line");
    return false;
  }
  if (!head_->is_header_done()) return true;
  return check_head() && begin_body();
}

bool Connection::parse_body() {
  ErrorNumber error;
  if (!body_->is_done())
    in_begin_ +=
        body_->put(boost::asio::buffer(in_.data() + in_begin_, in_.size() - in_begin_), error);
  if (error && error != beast_http::error::need_more) {
    refuse_parsed(error);
    return false;
  }
  if (body_->is_done()) {
    dispatch();
    return false;
  }
  if (error == beast_http::error::need_more) {
    in_.erase(0, in_begin_);
    in_begin_ = 0;
    read();
    return false;
  }
  return true;
}

/// One way to read where the request ends, or none: what others might read otherwise is refused.
bool Connection::check_length(const HeadParser& head) {
  const auto& fields = head.get();
  const std::size_t lengths = count_of(fields, field::content_length);
  const std::size_t codings = count_of(fields, field::transfer_encoding);
  // "5, 5" is one number for some, and two for others.
  const std::string_view length = view(fields[field::content_length]);
  const bool is_number = std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; });
  if (lengths > 1 || codings > 1 || (lengths > 0 && codings > 0) || !is_number) {
    refuse(400, "the length of the body is ambiguous: one Content-Length or one Transfer-Encoding");
    return false;
  }
  if (codings == 1 &&
      (is_old_ || !is_same_word(view(fields[field::transfer_encoding]), "chunked"))) {
    refuse(is_old_ ? 400 : 501, "the only Transfer-Encoding is chunked");
    return false;
  }
  return true;
}

bool Connection::check_head() {
  const auto& fields = head_->get();
  is_old_ = fields.version() == 10;
  request_.method = std::string(view(fields.method_string()));
  is_head_request_ = request_.method == "HEAD";
  keep_alive_ = !is_old_ && fields.keep_alive() && !host_.is_stopping();
  const std::string_view raw = view(fields.target());
  const std::string_view target = origin_form(raw);
  if (raw.size() > kTargetBytesMax) return refuse(414, "the target is too long"), false;
  if (target.empty() || !is_printable(target))
    return refuse(400, "the target of the request is not a path"), false;
  if (count_of(fields, field::host) != (is_old_ ? count_of(fields, field::host) : 1))
    return refuse(400, "exactly one Host is needed"), false;
  if (!check_length(*head_)) return false;
  const std::size_t question = std::min(target.find('?'), target.size());
  request_.path = std::string(target.substr(0, question));
  request_.query = std::string(target.substr(std::min(question + 1, target.size())));
  for (const auto& each : fields)
    request_.headers.push_back({lower(view(each.name_string())), std::string(view(each.value()))});
  request_.peer = peer_;
  const std::string* const accepts = request_.header("accept-encoding");
  coding_ = accepts == nullptr || is_old_ ? Coding::identity : choose_coding(*accepts);
  return true;
}

bool Connection::begin_body() {
  const ServerOptions& options = host_.options();
  const std::size_t most = options.body_limit ? options.body_limit(request_.method, request_.path)
                                              : options.limits.body_bytes_max;
  const auto length = head_->content_length();
  if (length && *length > most)
    return refuse(413, fmt::format("the body is longer than {} bytes", most)), false;
  const std::string* const expects = request_.header("expect");
  const bool waits = expects != nullptr && is_same_word(*expects, "100-continue");
  if (expects != nullptr && !waits) return refuse(417, "only 100-continue may be expected"), false;
  body_.emplace(std::move(*head_));
  head_.reset();
  body_->body_limit(most);
  body_->eager(true);
  if (body_->is_done()) {
    dispatch();
    return false;
  }
  enter(Phase::body, options.limits.body_time);
  if (waits && in_begin_ == in_.size()) {
    waiting_ += "HTTP/1.1 100 Continue\r\n\r\n";
    write_next();
  }
  return true;
}

void Connection::dispatch() {
  request_.body = std::move(body_->get().body());
  body_.reset();
  enter(Phase::handling, std::chrono::seconds{0});
  // shared: see Responder
  auto exchange = std::make_shared<Exchange>(host_.loop(), weak_from_this(), number_, coding_);
  host_.handle(std::move(request_), Responder(std::move(exchange)));
}

void Connection::refuse_parsed(const ErrorNumber& error) {
  if (error == beast_http::error::header_limit || error == beast_http::error::buffer_overflow)
    return refuse(431, "the header is too long");
  if (error == beast_http::error::body_limit) return refuse(413, "the body is too long");
  if (error == beast_http::error::bad_version)
    return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  refuse(400, "this is not HTTP: " + error.message());
}

/// Afterwards nobody knows where the next request would begin: the connection ends.
void Connection::refuse(int status, std::string_view detail) {
  host_.count_refused();
  Response response{.status = status, .headers = {}, .body = {}};
  if (host_.options().refusal) response = host_.options().refusal(status, detail);
  keep_alive_ = false;
  phase_ = Phase::handling;
  answer(number_, std::move(response));
}

std::string Connection::head_of(const Response& response, std::optional<std::uint64_t> length) {
  std::string out;
  out.reserve(256 + response.body.size());
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 status_text(response.status));
  out += host_.date_line();
  for (const Header& header : response.headers)
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  if (length)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *length);
  else if (!is_old_)
    out += "Transfer-Encoding: chunked\r\n";
  if (!keep_alive_) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

void Connection::answer(std::uint64_t number, Response response) {
  if (number != number_ || phase_ != Phase::handling) return;
  enter(Phase::replying, host_.options().limits.write_time);
  const bool has_body = response.status != 204 && response.status != 304;
  std::string head = head_of(
      response, has_body ? std::optional<std::uint64_t>(response.body.size()) : std::nullopt);
  if (!has_body) {
    // Neither a length nor a coding: there is nothing behind the head.
    const std::size_t coding = head.find("Transfer-Encoding: chunked\r\n");
    if (coding != std::string::npos) head.erase(coding, 28);
  } else if (!is_head_request_) {
    head += response.body;
  }
  waiting_ += head;
  write_next();
}

void Connection::begin_stream(std::uint64_t number, Response head,
                              std::shared_ptr<Exchange> exchange,
                              std::optional<std::uint64_t> length) {
  if (number != number_ || phase_ != Phase::handling) return exchange->close();
  if (is_old_) keep_alive_ = false;
  waiting_ += head_of(head, length);
  stream_ = std::move(exchange);
  stream_ended_ = false;
  stream_left_ = is_head_request_ ? std::nullopt : length;
  enter(Phase::streaming, host_.options().limits.write_time);
  if (!head.body.empty()) stream(number, std::move(head.body));
  if (is_head_request_ || host_.is_stopping()) end_stream(number);
  write_next();
  read();  // notices when the other side goes
}

void Connection::stream(std::uint64_t number, std::string bytes) {
  if (number != number_ || phase_ != Phase::streaming || stream_ended_) return;
  if (stream_left_) {
    if (bytes.size() > *stream_left_) return close();  // the rest would be another reply
    *stream_left_ -= bytes.size();
    waiting_ += bytes;
  } else if (!is_head_request_) {
    if (is_old_)
      waiting_ += bytes;
    else
      add_chunk(waiting_, bytes);
  }
  waiting_payload_ += bytes.size();
  write_next();
}

void Connection::end_stream(std::uint64_t number) {
  if (number != number_ || phase_ != Phase::streaming || stream_ended_) return;
  if (stream_left_ && *stream_left_ > 0) return close();
  stream_ended_ = true;
  if (!is_old_ && !is_head_request_ && !stream_left_) waiting_ += "0\r\n\r\n";
  if (waiting_.empty() && !writing_) return reply_done();
  write_next();
}

void Connection::write_next() {
  if (writing_ || phase_ == Phase::closed) return;
  if (out_begin_ == out_.size()) {
    out_.clear();
    out_begin_ = 0;
    std::swap(out_, waiting_);
    out_payload_ = std::exchange(waiting_payload_, 0);
  }
  if (out_.empty()) return;
  writing_ = true;
  if (phase_ == Phase::streaming) enter(Phase::streaming, host_.options().limits.write_time);
  transport_->write(boost::asio::buffer(out_.data() + out_begin_, out_.size() - out_begin_),
                    [self = shared_from_this()](ErrorNumber error, std::size_t bytes) {
                      self->written(error, bytes);
                    });
}

void Connection::written(ErrorNumber error, std::size_t bytes) {
  writing_ = false;
  if (phase_ == Phase::closed) return;
  if (error) return close();
  out_begin_ += bytes;
  if (phase_ == Phase::replying) enter(Phase::replying, host_.options().limits.write_time);
  if (out_begin_ < out_.size()) return write_next();
  if (stream_ && out_payload_ > 0) stream_->took(std::exchange(out_payload_, 0));
  if (phase_ == Phase::closed) return;
  if (!waiting_.empty()) return write_next();
  if (phase_ == Phase::replying || (phase_ == Phase::streaming && stream_ended_))
    return reply_done();
  if (phase_ == Phase::streaming) deadline_ = kForEver;  // waits for something to happen
}

void Connection::reply_done() {
  if (stream_) std::exchange(stream_, nullptr)->close();
  if (phase_ == Phase::closed) return;
  if (keep_alive_) return next_request();
  say_goodbye();
}

/// Half closed, so that the reply arrives although bytes of the other side may still be on their
/// way; then what comes is thrown away for a moment.
void Connection::say_goodbye() {
  enter(Phase::closing, std::chrono::seconds{2});
  transport_->finish([self = shared_from_this()](ErrorNumber) {
    if (self->phase_ == Phase::closing) self->read();
  });
}

}  // namespace reeve::http
