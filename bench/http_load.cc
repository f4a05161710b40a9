// A client that does nothing but load a service: one thread, epoll, connections that are kept.
// Each command prints one JSON object, with the share of the processor time that was the client's.
//
//   http_load get  --path PATH   --connections N --seconds S     GET again and again
//   http_load post --body JSON   --connections N --seconds S     POST /v1/runs, a new key each
//   http_load bulk --tasks N     --body JSON                     one POST /v1/runs:bulk
//   http_load ends --tasks N     --body JSON     the same, until a stream has told of all the ends
//   http_load sse  --connections N --seconds S --body JSON       how late events are, N streams
//   http_load idle --connections N       opens streams, says so, holds them until stdin ends
// all with --port P --token T --server PID (whose processor time is compared).
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "bench/http_clients.h"

namespace reeve::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point began) {
  return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Of another process, from /proc; 0 where there is none.
double cpu_seconds_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(text.substr(name_end + 1));
  std::string word;
  double ticks = 0;
  for (int field = 3; rest >> word; ++field)
    if (field == 14 || field == 15) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Processor time from its making on, here and in the service.
class Meter {
 public:
  explicit Meter(std::string server) : server_(std::move(server)) {}
  double seconds() const { return seconds_since(began_); }
  std::string report() const {
    const double own = own_cpu_seconds() - own_;
    const double its = cpu_seconds_of(server_) - its_;
    return fmt::format("\"client_cpu\": {:.3f}, \"server_cpu\": {:.3f}, \"client_share\": {:.3f}",
                       own, its, own + its > 0 ? own / (own + its) : 0);
  }

 private:
  const std::string server_;
  const SteadyClock::time_point began_ = SteadyClock::now();
  const double own_ = own_cpu_seconds();
  const double its_ = cpu_seconds_of(server_);
};

double quantile(std::vector<double>& values, double at) {
  if (values.empty()) return 0;
  const auto place = static_cast<std::size_t>(at * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(place));
  return values[place];
}

std::string latency_report(std::vector<double>& values) {
  return fmt::format("\"p50_ms\": {:.3f}, \"p95_ms\": {:.3f}, \"p99_ms\": {:.3f}",
                     quantile(values, 0.5) * 1e3, quantile(values, 0.95) * 1e3,
                     quantile(values, 0.99) * 1e3);
}

/// Requests one behind the other on each connection, until the time is over.
Status load(const LoadOptions& options, const std::function<std::string()>& next) {
  HttpClients clients(options.port);
  TRY(clients.connect(options.connections));
  std::vector<SteadyClock::time_point> sent(options.connections);
  std::vector<double> took;
  std::uint64_t bad = 0;
  const Meter meter(options.server);
  const auto send = [&](std::size_t client) {
    sent[client] = SteadyClock::now();
    clients.send(client, next());
  };
  clients.on_reply = [&](std::size_t client, const HttpReply& reply) {
    took.push_back(seconds_since(sent[client]));
    if (reply.status >= 300 && bad++ == 0)
      std::fprintf(stderr, "%d %s\n", reply.status, std::string(reply.body).c_str());
    send(client);
  };
  for (std::size_t i = 0; i < options.connections; ++i) send(i);
  while (meter.seconds() < options.seconds) TRY(clients.wait(100));
  const double seconds = meter.seconds();
  const std::string shares = meter.report();
  fmt::print("{{\"requests\": {}, \"bad\": {}, \"per_second\": {:.0f}, {}, {}}}\n", took.size(),
             bad, static_cast<double>(took.size()) / seconds, latency_report(took), shares);
  return {};
}

Status load_get(const LoadOptions& options) {
  const std::string request = options.get(options.path);
  return load(options, [&] { return request; });
}

Status load_post(const LoadOptions& options) {
  std::uint64_t count = 0;
  return load(options,
              [&] { return options.post("/v1/runs", options.body, fmt::format("{}", ++count)); });
}

std::string lines_of(const LoadOptions& options) {
  std::string lines;
  lines.reserve((options.body.size() + 1) * options.tasks);
  for (std::uint64_t i = 0; i < options.tasks; ++i) lines.append(options.body).append("\n");
  return lines;
}

/// With a stream: until it has told of the end of every run.
Status bulk(const LoadOptions& options, bool to_the_end) {
  HttpClients clients(options.port);
  TRY(clients.connect(to_the_end ? 2 : 1));
  std::uint64_t ends = 0;
  std::uint64_t gaps = 0;
  std::optional<int> status;
  bool is_open = false;
  clients.on_reply = [&](std::size_t, const HttpReply& reply) {
    status = reply.status;
    if (reply.status != 200)
      std::fprintf(stderr, "%d %s\n", reply.status, std::string(reply.body.substr(0, 400)).c_str());
  };
  std::string lines;  // whole ones, and the beginning of the next: a read ends anywhere
  clients.on_bytes = [&](std::size_t, std::string_view bytes) {
    is_open = true;
    lines += bytes;
    const std::size_t whole = lines.rfind('\n') + 1;
    const std::string_view complete = std::string_view(lines).substr(0, whole);
    ends += count_of(complete, "event: dev.reeve.run.succeeded\n");
    gaps += count_of(complete, "event: dev.reeve.stream.gap\n");
    lines.erase(0, whole);
  };
  if (to_the_end) {
    clients.follow(1, options.get("/v1/events"));
    while (!is_open) TRY(clients.wait(1000));
  }
  std::string request =
      options.post("/v1/runs:bulk", lines_of(options), "bulk", "application/x-ndjson");
  const Meter meter(options.server);
  clients.send(0, std::move(request));
  const auto is_over = [&] { return status && (!to_the_end || ends >= options.tasks); };
  while (!is_over() && meter.seconds() < 40) TRY(clients.wait(1000));
  fmt::print("{{\"status\": {}, \"ends\": {}, \"gaps\": {}, \"tasks_per_second\": {:.0f}, {}}}\n",
             status.value_or(0), ends, gaps,
             static_cast<double>(is_over() ? options.tasks : 0) / meter.seconds(), meter.report());
  return {};
}

/// Every stream is told of every run that the last connection submits, twenty a second.
Status late_events(const LoadOptions& options) {
  HttpClients clients(options.port);
  const std::size_t submitter = options.connections;
  TRY(clients.connect(options.connections + 1));
  std::vector<bool> is_open(options.connections);
  std::size_t missing = options.connections;
  std::vector<double> late;
  clients.on_bytes = [&](std::size_t client, std::string_view bytes) {
    if (!is_open[client]) --missing;
    is_open[client] = true;
    add_delays(bytes, late);
  };
  for (std::size_t i = 0; i < options.connections; ++i)
    clients.follow(i, options.get("/v1/events"));
  while (missing > 0) TRY(clients.wait(1000));
  late.clear();
  const Meter meter(options.server);
  std::uint64_t submitted = 0;
  while (meter.seconds() < options.seconds) {
    if (static_cast<double>(submitted) / 20 <= meter.seconds())
      clients.send(submitter,
                   options.post("/v1/runs", options.body, fmt::format("late-{}", ++submitted)));
    TRY(clients.wait(10));
  }
  fmt::print("{{\"runs\": {}, \"received\": {}, {}, {}}}\n", submitted, late.size(),
             latency_report(late), meter.report());
  return {};
}

Status hold_idle(const LoadOptions& options) {
  HttpClients clients(options.port);
  TRY(clients.connect(options.connections));
  std::vector<bool> is_open(options.connections);
  std::size_t missing = options.connections;
  clients.on_bytes = [&](std::size_t client, std::string_view) {
    if (!is_open[client]) --missing;
    is_open[client] = true;
  };
  for (std::size_t i = 0; i < options.connections; ++i)
    clients.follow(i, options.get("/v1/events"));
  while (missing > 0) TRY(clients.wait(1000));
  fmt::print("{{\"streams\": {}}}\n", options.connections);
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  return {};
}

int run(const LoadOptions& options) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit) == 0);  // else connecting fails, and says
  }
  Status status;
  if (options.command == "get")
    status = load_get(options);
  else if (options.command == "post")
    status = load_post(options);
  else if (options.command == "bulk")
    status = bulk(options, false);
  else if (options.command == "ends")
    status = bulk(options, true);
  else if (options.command == "sse")
    status = late_events(options);
  else if (options.command == "idle")
    status = hold_idle(options);
  else
    status = fail(ErrorCode::invalid_argument, "get, post, bulk, ends, sse or idle");
  if (!status) std::fprintf(stderr, "http_load: %s\n", status.error().text().c_str());
  return status ? 0 : 1;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) { return reeve::bench::run(reeve::bench::LoadOptions(argc, argv)); }
