// The audit log alone: records that become durable per second, by the number of threads that append
// and wait, beside bare fdatasync calls of one thread; then how fast a log is proved. And how long
// it takes to recognise a token; and to show a page of a large log, from its start and by marks.
//   audit_bench [DIRECTORY [SECONDS [RECORDS]]]      SECONDS 0: only the pages
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/fd.h"
#include "security/audit_log.h"
#include "security/audit_pages.h"
#include "security/audit_reader.h"
#include "security/credentials.h"

namespace reeve::bench {
namespace {

using security::AuditLog;
using security::AuditRecord;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

AuditRecord record_of(std::uint64_t number) {
  return {.at = Time{std::chrono::microseconds{1'764'000'000'000'000 + number}},
          .who = "token:0123456789abc(ci)",
          .action = "runs.submit",
          .object = fmt::format("run_{:026}", number),
          .name_space = "default",
          .from = "127.0.0.1:50000",
          .request_id = fmt::format("req_{:026}", number),
          .detail = ""};
}

/// What one thread that writes and syncs for each record would reach.
double bare_syncs(const std::string& directory, double seconds) {
  const std::string path = directory + "/bare";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  ENSURE(file);
  const std::string bytes(200, 'x');
  const auto start = Clock::now();
  std::uint64_t count = 0;
  for (; seconds_since(start) < seconds; ++count) {
    ENSURE(::write(file.get(), bytes.data(), bytes.size()) == 200);
    ENSURE(::fdatasync(file.get()) == 0);
  }
  return static_cast<double>(count) / seconds_since(start);
}

double appends(const std::string& directory, int threads, double seconds) {
  std::filesystem::remove_all(directory + "/audit");
  const auto log = AuditLog::open(directory + "/audit").value();
  std::atomic<std::uint64_t> count{0};
  const auto start = Clock::now();
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      while (seconds_since(start) < seconds) ENSURE(log->append(record_of(count++)).has_value());
    });
  }
  for (std::thread& thread : running) thread.join();
  return static_cast<double>(count) / seconds_since(start);
}

/// As the service does it: requests that are answered when their record is durable.
double answers(const std::string& directory, int outstanding, double seconds) {
  std::filesystem::remove_all(directory + "/audit");
  std::atomic<std::uint64_t> done{0};
  std::uint64_t sent = 0;
  const auto start = Clock::now();
  {
    const auto log = AuditLog::open(directory + "/audit").value();
    while (seconds_since(start) < seconds) {
      if (sent - done >= static_cast<std::uint64_t>(outstanding)) {
        done.wait(done);
        continue;
      }
      log->append(record_of(sent++), [&done](const Status& status) {
        ENSURE(status.has_value());
        ++done;
        done.notify_one();
      });
    }
  }
  return static_cast<double>(done) / seconds_since(start);
}

void proof(const std::string& directory) {
  const auto key = security::audit_public_key(directory + "/audit").value();
  const auto start = Clock::now();
  const auto proof = security::verify_audit(directory + "/audit", {.key = key}).value();
  ENSURE(!proof.fault);
  const double seconds = seconds_since(start);
  fmt::print("proof of {} records: {:.2f} s, {:.0f} a second\n", proof.records, seconds,
             static_cast<double>(proof.records) / seconds);
}

void recognising(const std::string& directory) {
  std::filesystem::remove(directory + "/security.db");
  const auto credentials = security::Credentials::open(directory + "/security.db").value();
  const Time now{std::chrono::hours{490'000}};
  const security::NewToken token =
      credentials->create_token({"bench", {}, kNever}, "bench", now).value();
  constexpr int kTimes = 300'000;
  const auto start = Clock::now();
  for (int i = 0; i < kTimes; ++i) ENSURE(credentials->authenticate(token.text, now).has_value());
  fmt::print("recognising a token: {:.2f} us\n", seconds_since(start) / kTimes * 1e6);
  const std::string attempt = credentials->attempt_token(
      {Uuid::from_parts(1, 2, 3), "default", "build", 1, now + std::chrono::hours{1}});
  const auto again = Clock::now();
  for (int i = 0; i < kTimes; ++i) ENSURE(credentials->authenticate(attempt, now).has_value());
  fmt::print("recognising that of an attempt: {:.2f} us\n", seconds_since(again) / kTimes * 1e6);
}

/// Milliseconds of each, sorted.
std::string spread(std::vector<double> times) {
  std::ranges::sort(times);
  return fmt::format("median {:.2f} ms, p95 {:.2f} ms", times[times.size() / 2],
                     times[times.size() * 95 / 100]);
}

/// `read` is given a cursor and shows a hundred records from there on.
void time_pages(std::string_view what, int times, std::uint64_t records,
                const std::function<void(std::uint64_t, const security::AuditVisit&)>& read) {
  std::vector<double> taken;
  std::uint64_t cursor = 0;
  for (int i = 0; i < times; ++i) {
    cursor = (cursor + records / 3 * 2 + 12'345) % (records - 200);
    int shown = 0;
    const auto start = Clock::now();
    read(cursor, [&](std::uint64_t sequence, const AuditRecord&) {
      if (sequence > cursor) ++shown;
      return shown < 100;
    });
    taken.push_back(seconds_since(start) * 1e3);
    ENSURE(shown == 100);
  }
  fmt::print("{} ({} of them): {}\n", what, times, spread(std::move(taken)));
}

void pages(const std::string& directory, std::uint64_t records) {
  const std::string log_directory = directory + "/pages";
  if (!std::filesystem::exists(log_directory)) {
    const auto log = AuditLog::open(log_directory).value();
    std::atomic<std::uint64_t> done{0};
    for (std::uint64_t sent = 0; sent < records; ++sent) {
      while (sent - done >= 64) done.wait(done);
      log->append(record_of(sent), [&done](const Status& status) {
        ENSURE(status.has_value());
        ++done;
        done.notify_one();
      });
    }
  }
  std::uint64_t bytes = 0;
  for (const auto& each : std::filesystem::directory_iterator(log_directory))
    bytes += each.file_size();
  fmt::print("a log of {} records, {:.0f} MB\n", records, static_cast<double>(bytes) / 1e6);
  time_pages("a page, from the start of the log", 10, records,
             [&](std::uint64_t, const security::AuditVisit& visit) {
               ENSURE(security::read_audit(log_directory, visit).has_value());
             });
  security::AuditPages first(log_directory);
  time_pages("the first page by marks", 1, records,
             [&](std::uint64_t cursor, const security::AuditVisit& visit) {
               ENSURE(first.read(cursor, visit).has_value());
             });
  time_pages("until all has been looked at", 100, records,
             [&](std::uint64_t cursor, const security::AuditVisit& visit) {
               ENSURE(first.read(cursor, visit).has_value());
             });
  time_pages("a page by marks", 1000, records,
             [&](std::uint64_t cursor, const security::AuditVisit& visit) {
               ENSURE(first.read(cursor, visit).has_value());
             });
}

int run(int count, char** words) {
  const std::string directory = count > 1 ? words[1] : "audit-bench";
  const double seconds = count > 2 ? std::atof(words[2]) : 2;
  const std::uint64_t records = count > 3 ? std::strtoull(words[3], nullptr, 10) : 100'000;
  std::filesystem::create_directories(directory);
  if (seconds <= 0) {
    pages(directory, records);
    return 0;
  }
  fmt::print("bare write and fdatasync, one thread: {:.0f} a second\n",
             bare_syncs(directory, seconds));
  for (const int threads : {1, 8, 64, 256})
    fmt::print("{} threads that wait: {:.0f} records a second\n", threads,
               appends(directory, threads, seconds));
  for (const int outstanding : {64, 1000})
    fmt::print("{} that wait for their answer: {:.0f} records a second\n", outstanding,
               answers(directory, outstanding, seconds));
  proof(directory);
  recognising(directory);
  pages(directory, records);
  return 0;
}

}  // namespace
}  // namespace reeve::bench

int main(int count, char** words) { return reeve::bench::run(count, words); }
