#include "engine/inbox.h"

#include <thread>

#include <gtest/gtest.h>
#include <malloc.h>

namespace reeve::engine {
namespace {

Envelope tick() { return {core::Tick{}, nullptr}; }
/// An envelope that can be told from others.
Envelope numbered(std::uint64_t number) {
  return {core::AttemptStarted{Token{number}, kUnset}, nullptr};
}
std::uint64_t number_of(const Envelope& envelope) {
  return std::get<core::AttemptStarted>(envelope.event).token.value;
}

TEST(Inbox, gives_what_came_in_order_in_portions) {
  Inbox inbox(10);
  for (std::uint64_t i = 0; i < 5; ++i) {
    Envelope envelope = numbered(i);
    EXPECT_TRUE(inbox.try_push(envelope));
  }
  std::vector<std::uint64_t> seen;
  std::vector<Envelope> out;
  for (const std::size_t portion : {2, 2, 2, 2}) {
    inbox.drain(out, portion);
    for (const Envelope& envelope : out) seen.push_back(number_of(envelope));
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, a_full_one_refuses_and_leaves_the_envelope_alone) {
  Inbox inbox(2);
  Envelope first = tick();
  Envelope second = tick();
  int answered = 0;
  Envelope third{core::Tick{}, [&](const Result<Receipt>&) { ++answered; }};
  EXPECT_TRUE(inbox.try_push(first));
  EXPECT_TRUE(inbox.try_push(second));
  EXPECT_FALSE(inbox.try_push(third));
  third.done(Receipt{});
  EXPECT_EQ(answered, 1);
  std::vector<Envelope> out;
  inbox.drain(out, 1);
  EXPECT_TRUE(inbox.try_push(third));
}

TEST(Inbox, is_bounded_by_what_waits_however_it_is_drained) {
  Inbox inbox(4);
  std::vector<Envelope> out;
  std::uint64_t pushed = 0;
  std::uint64_t drained = 0;
  for (int round = 0; round < 1000; ++round) {
    for (Envelope envelope = numbered(pushed); inbox.try_push(envelope);) {
      envelope = numbered(++pushed);
    }
    EXPECT_EQ(pushed - drained, 4U);
    inbox.drain(out, 3);
    for (const Envelope& envelope : out) EXPECT_EQ(number_of(envelope), drained++);
  }
}

/// What the process has of the heap; 0 where a sanitizer has replaced it.
std::size_t heap_bytes() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

TEST(Inbox, that_is_never_empty_does_not_grow) {
  Inbox inbox(64);
  std::vector<Envelope> out;
  const std::size_t before = heap_bytes();
  for (std::uint64_t pushed = 0; pushed < 100'000;) {
    for (Envelope envelope = numbered(pushed); inbox.try_push(envelope);)
      envelope = numbered(++pushed);
    inbox.drain(out, 8);
    ASSERT_FALSE(inbox.empty());
  }
  EXPECT_LT(heap_bytes(), before + (std::size_t{1} << 20));
}

TEST(Inbox, a_producer_waits_for_room) {
  Inbox inbox(1);
  Envelope first = numbered(1);
  EXPECT_TRUE(inbox.push(first));
  std::thread producer([&] {
    for (std::uint64_t i = 2; i <= 100; ++i) {
      Envelope next = numbered(i);
      EXPECT_TRUE(inbox.push(next));
    }
  });
  std::vector<Envelope> out;
  std::uint64_t expected = 1;
  while (expected <= 100) {
    inbox.wait(std::nullopt);
    inbox.drain(out, 10);
    for (const Envelope& envelope : out) EXPECT_EQ(number_of(envelope), expected++);
  }
  producer.join();
}

TEST(Inbox, closing_lets_blocked_producers_and_the_consumer_go) {
  Inbox inbox(1);
  Envelope first = tick();
  EXPECT_TRUE(inbox.push(first));
  std::thread producer([&] {
    Envelope second = tick();
    EXPECT_FALSE(inbox.push(second));
  });
  inbox.close();
  producer.join();
  Envelope third = tick();
  EXPECT_FALSE(inbox.try_push(third));
  EXPECT_FALSE(inbox.push(third));
  inbox.wait(std::nullopt);  // returns: closed
  std::vector<Envelope> out;
  inbox.drain(out, 10);  // what came before stays
  EXPECT_EQ(out.size(), 1U);
}

TEST(Inbox, waits_until_something_comes_until_woken_or_until_it_is_time) {
  Inbox inbox(8);
  inbox.wait(Duration{0});
  inbox.wake();
  inbox.wait(std::nullopt);
  std::vector<Envelope> out;
  inbox.drain(out, 1);
  EXPECT_TRUE(out.empty());
  std::thread producer([&] {
    Envelope envelope = tick();
    EXPECT_TRUE(inbox.try_push(envelope));
  });
  inbox.wait(std::nullopt);
  EXPECT_FALSE(inbox.empty());
  producer.join();
  inbox.drain(out, 1);
  std::thread waker([&] { inbox.wake(); });
  inbox.wait(std::nullopt);
  waker.join();
}

TEST(Inbox, many_producers_lose_nothing) {
  constexpr std::uint64_t kEach = 500;
  Inbox inbox(16);
  std::vector<std::thread> producers;
  for (std::uint64_t p = 0; p < 4; ++p) {
    producers.emplace_back([&inbox, p] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        Envelope envelope = numbered(p * kEach + i);
        EXPECT_TRUE(inbox.push(envelope));
      }
    });
  }
  std::vector<std::uint64_t> next(4, 0);
  std::vector<Envelope> out;
  for (std::uint64_t seen = 0; seen < 4 * kEach;) {
    inbox.wait(std::nullopt);
    inbox.drain(out, 7);
    for (const Envelope& envelope : out) {
      const std::uint64_t number = number_of(envelope);
      EXPECT_EQ(number % kEach, next[number / kEach]++);  // each in its own order
      ++seen;
    }
  }
  for (std::thread& producer : producers) producer.join();
}

}  // namespace
}  // namespace reeve::engine
