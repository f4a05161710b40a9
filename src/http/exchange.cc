#include "http/exchange.h"

#include "http/connection.h"
#include "http/responder.h"

namespace reeve::http {
namespace {

constexpr std::size_t kShortenedHereMax = std::size_t{256} << 10;  ///< others wait meanwhile
constexpr std::size_t kShortenedMax = std::size_t{64} << 20;

}  // namespace

Exchange::~Exchange() {
  if (answered_) return;
  loop_->post([connection = connection_, number = number_] {
    if (const auto found = connection.lock())
      found->answer(number, {.status = 500, .headers = {}, .body = {}});
  });
}

void Exchange::reply(Response response) {
  if (answered_.exchange(true)) return;
  // Here and not by the connection: who answers with much does so from a thread of his own.
  if (coding_ != Coding::identity)
    shorten(response, coding_, loop_->is_here() ? kShortenedHereMax : kShortenedMax);
  loop_->call(
      [connection = connection_, number = number_, response = std::move(response)]() mutable {
        if (const auto found = connection.lock()) found->answer(number, std::move(response));
      });
}

void Exchange::begin(Response head, std::optional<std::uint64_t> length) {
  if (answered_.exchange(true)) return;
  unsent_ += head.body.size();
  loop_->call([self = shared_from_this(), head = std::move(head), length]() mutable {
    if (const auto found = self->connection_.lock())
      found->begin_stream(self->number_, std::move(head), self, length);
    else
      self->close();
  });
}

void Exchange::write(std::string bytes) {
  if (!open_ || bytes.empty()) return;
  unsent_ += bytes.size();
  loop_->call([connection = connection_, number = number_, bytes = std::move(bytes)]() mutable {
    if (const auto found = connection.lock()) found->stream(number, std::move(bytes));
  });
}

void Exchange::end() {
  open_ = false;
  loop_->call([connection = connection_, number = number_] {
    if (const auto found = connection.lock()) found->end_stream(number);
  });
}

void Exchange::on_change(std::function<void()> call) {
  loop_->call([self = shared_from_this(), call = std::move(call)]() mutable {
    self->changed_ = std::move(call);
    if (!self->open_ && self->changed_) std::exchange(self->changed_, nullptr)();
  });
}

void Exchange::took(std::size_t bytes) {
  const std::size_t left = unsent_ -= bytes;
  if (left == 0 && changed_) {
    const auto call = changed_;  // may be replaced by what it calls
    call();
  }
}

void Exchange::close() {
  open_ = false;
  unsent_ = 0;
  if (changed_) std::exchange(changed_, nullptr)();
}

// shared: by the connection and by whoever answers, from whatever thread
Stream::Stream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
void Stream::write(std::string bytes) const { exchange_->write(std::move(bytes)); }
std::size_t Stream::unsent() const { return exchange_->unsent(); }
bool Stream::is_open() const { return exchange_ != nullptr && exchange_->is_open(); }
void Stream::end() const { exchange_->end(); }
void Stream::on_change(std::function<void()> call) const { exchange_->on_change(std::move(call)); }

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
void Responder::reply(Response response) const { exchange_->reply(std::move(response)); }
Stream Responder::stream(Response head, std::optional<std::uint64_t> length) const {
  exchange_->begin(std::move(head), length);
  return Stream(exchange_);
}

}  // namespace reeve::http
