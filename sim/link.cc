#include "sim/link.h"

#include <algorithm>
#include <utility>

namespace reeve::sim {
namespace {

constexpr Duration kLatencyMin{50};
constexpr Duration kLatencyMax{1500};
/// A reporter whose report finds the inbox full tries again after this.
constexpr Duration kKnockAgain{500};
constexpr std::uint64_t kForeignTokens = std::uint64_t{1} << 40;

}  // namespace

Link::Link(Basics& basics, const Far& far, EngineProcess& process)
    : basics_(basics),
      far_(far),
      process_(process) {}

void Link::note(Note note, Message message, Token token) {
  basics_.note(note, token.value, static_cast<std::uint64_t>(message), far_.pool.value);
}

std::vector<Time> Link::arrivals(Message message, Token token, Time& last) {
  Generator& random = basics_.channel;
  const ChannelRates& rates = basics_.rates;
  // What a connection is set up with is not lost while the connection lives.
  const bool setup =
      message == Message::set_capacity || message == Message::down || message == Message::up;
  if (!setup && random.chance(rates.lost)) {
    basics_.faults.count(Fault::message_lost);
    note(Note::message_lost, message, token);
    return {};
  }
  Time when = basics_.agenda.now() + random.between(kLatencyMin, kLatencyMax);
  if (!setup && random.chance(rates.late)) {
    basics_.faults.count(Fault::message_late);
    when += random.any_scale(std::chrono::milliseconds{2}, rates.late_max);
    note(Note::message_late, message, token);
  } else if (!setup && random.chance(rates.overtakes)) {
    basics_.faults.count(Fault::message_overtakes);
    when = basics_.agenda.now() + Duration{1};
  } else {
    when = std::max(when, last);
    last = when;
  }
  std::vector<Time> all{when};
  if (!setup && random.chance(rates.twice)) {
    basics_.faults.count(Fault::message_twice);
    note(Note::message_twice, message, token);
    all.push_back(when + random.any_scale(Duration{1}, rates.late_max));
  }
  return all;
}

// Towards the executor ----------------------------------------------------------------------------

void Link::to_executor(Message message, Token token, Delivery delivery) {
  if (!process_.act()) return;
  unsent_.push_back({message, token, std::move(delivery)});
}

void Link::flush() {
  if (!process_.is_alive()) return;
  for (const Outgoing& outgoing : unsent_) send_out(outgoing);
  unsent_.clear();
}

void Link::send_out(const Outgoing& outgoing) {
  note(Note::message_sent, outgoing.message, outgoing.token);
  const std::uint64_t life = far_.executor.life();
  for (const Time when : arrivals(outgoing.message, outgoing.token, last_out_))
    basics_.agenda.at(when, [this, life, outgoing] { arrive_at_executor(life, outgoing); });
}

void Link::arrive_at_executor(std::uint64_t life, const Outgoing& outgoing) {
  // What an engine says of capacity counts only while it lives: the next one states its own.
  const bool outdated = outgoing.message == Message::set_capacity && !process_.is_alive();
  if (life != far_.executor.life() || !far_.executor.is_up() || cut_ || outdated) {
    note(Note::message_stale, outgoing.message, outgoing.token);
    return;
  }
  if (is_frozen()) {
    frozen_.push_back([this, life, outgoing] { arrive_at_executor(life, outgoing); });
    return;
  }
  outgoing.delivery();
}

Status Link::attach(engine::ExecutorSink& sink) {
  sink_ = &sink;
  // The connection itself is made at once or, if the executor is away, when it is back.
  if (far_.executor.is_up()) return far_.executor.attach(*this);
  cut(true);
  return {};
}

void Link::set_capacity(const Resources& capacity) {
  capacity_ = capacity;
  to_executor(Message::set_capacity, {},
              [this, capacity] { far_.executor.set_capacity(capacity); });
}

void Link::start(Launch launch) {
  const Token token = launch.token;
  if (far_.flaw == LinkFlaw::repeats_starts) {
    Launch second = launch;
    second.token.value += kForeignTokens;
    to_executor(Message::start, token, [this, second] { far_.executor.start(second); });
  }
  to_executor(Message::start, token,
              [this, launch = std::move(launch)] { far_.executor.start(launch); });
}

void Link::stop(Token token, engine::StopMode mode, Duration grace) {
  to_executor(Message::stop, token,
              [this, token, mode, grace] { far_.executor.stop(token, mode, grace); });
}

void Link::probe(Token token) {
  to_executor(Message::probe, token, [this, token] { far_.executor.probe(token); });
}

void Link::forget(Token token) {
  to_executor(Message::forget, token, [this, token] { far_.executor.forget(token); });
}

// Towards the engine ------------------------------------------------------------------------------

void Link::to_engine(Message message, Token token, Delivery delivery) {
  if (!process_.is_alive()) return;
  const Outgoing incoming{message, token, std::move(delivery)};
  for (const Time when : arrivals(message, token, last_in_))
    basics_.agenda.at(when, [this, incoming] { arrive_at_engine(incoming); });
}

void Link::arrive_at_engine(const Outgoing& incoming) {
  if (!process_.is_alive()) return;
  const bool setup = incoming.message == Message::down || incoming.message == Message::up;
  if (cut_ && !setup) {
    note(Note::message_stale, incoming.message, incoming.token);
    return;
  }
  if (is_frozen() && !setup) {
    frozen_.push_back([this, incoming] { arrive_at_engine(incoming); });
    return;
  }
  at_door_.push_back(incoming);
  if (at_door_.size() == 1) enter();
}

void Link::enter() {
  while (process_.is_alive() && !at_door_.empty()) {
    if (!process_.has_room()) {
      basics_.agenda.after(kKnockAgain, [this] { enter(); });
      return;
    }
    const Outgoing incoming = std::move(at_door_.front());
    at_door_.pop_front();
    note(Note::message_sent, incoming.message, incoming.token);
    incoming.delivery();
    process_.on_posted();
  }
}

void Link::on_started(Token token, Time at) {
  to_engine(Message::started, token, [this, token, at] { sink_->on_started(token, at); });
}

void Link::on_progress(Progress progress) {
  const Token token = progress.token;
  to_engine(Message::progress, token,
            [this, progress = std::move(progress)] { sink_->on_progress(progress); });
}

void Link::on_ended(AttemptEnd end) {
  if (far_.flaw == LinkFlaw::drops_ends && end.token.value % 3 == 0) return;
  const Token token = end.token;
  to_engine(Message::ended, token, [this, end = std::move(end)] { sink_->on_ended(end); });
}

void Link::on_liveness(Token token, Liveness liveness) {
  to_engine(Message::liveness, token,
            [this, token, liveness] { sink_->on_liveness(token, liveness); });
}

void Link::on_down(std::string why) {
  to_engine(Message::down, {}, [this, why = std::move(why)] { sink_->on_down(why); });
}

void Link::on_up() {
  to_engine(Message::up, {}, [this] { sink_->on_up(); });
}

void Link::cut(bool noticed) {
  if (cut_) return;
  cut_ = true;
  noticed_ = noticed;
  if (noticed) on_down("the connection is lost");
}

void Link::freeze(Time until) {
  frozen_until_ = std::max(frozen_until_, until);
  basics_.agenda.at(frozen_until_, [this] { thaw(); });
}

void Link::thaw() {
  if (is_frozen()) return;
  const std::deque<Delivery> waiting = std::exchange(frozen_, {});
  for (const Delivery& delivery : waiting) delivery();
}

void Link::mend() {
  if (!cut_ || !far_.executor.is_up() || !process_.is_alive()) return;
  cut_ = false;
  const Resources capacity = capacity_;
  send_out({Message::set_capacity, {}, [this, capacity] { far_.executor.set_capacity(capacity); }});
  // A connection that was seen to break is made anew; one that only lost messages goes on.
  if (noticed_) static_cast<void>(far_.executor.attach(*this));
}

}  // namespace reeve::sim
