// A whole service whose tasks end at once without a process: the real API, server, engine and
// SQLite store. Prints its port and the token of an administrator, serves until its stdin ends.
//
//   service_bench serve --directory DIR [--ending at_once|never] [--cpus N]
//   service_bench fill  --directory DIR --runs N       finished runs of one task, by the store
#include <sys/statvfs.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "api/problem.h"
#include "api/service.h"
#include "bench/engine_rig.h"
#include "bench/finished_runs.h"
#include "config/settings.h"
#include "http/server.h"
#include "store/sqlite/sqlite_history.h"

namespace reeve::bench {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{1} << 20;

/// There is no output, as there are no processes.
class NoLogs final : public api::LogSource {
 public:
  Result<std::int64_t> read(const api::LogName& /*name*/, std::int64_t position,
                            std::size_t /*bytes_max*/, const Visit& /*visit*/) override {
    return position;
  }
  std::string path(const api::LogName& /*name*/) const override { return {}; }
};

Time wall_now() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

struct Place {
  std::string directory;
  std::int64_t cpus = 4096;
  NullExecutor::Ending ending = NullExecutor::Ending::at_once;
  std::uint64_t runs = 1'000'000;
};

/// Free bytes, asked for before each submission as `reeve serve` does.
std::int64_t room_at(const std::string& path) {
  struct statvfs found {};
  return ::statvfs(path.c_str(), &found) == 0
             ? static_cast<std::int64_t>(found.f_bavail * found.f_frsize)
             : -1;
}

Status serve(const Place& place) {
  NullExecutor executor(place.ending);
  NoLogs logs;
  TRY_ASSIGN(const auto rig,
             EngineRig::open({.directory = place.directory, .cpus = place.cpus}, executor));
  TRY_ASSIGN(const auto credentials, security::Credentials::open(place.directory + "/security.db"));
  TRY(security::make_admin_token(*credentials, place.directory + "/admin.token", wall_now()));
  TRY_ASSIGN(const auto audit, security::AuditLog::open(place.directory + "/audit"));
  // shared: with the service
  const auto settings = std::make_shared<const config::Settings>();
  TRY_ASSIGN(auto service,
             api::Service::open({.engine = &rig->engine(),
                                 .open_history = [path = place.directory + "/reeve.db"]()
                                     -> Result<std::unique_ptr<engine::History>> {
                                   return store::sqlite::SqliteHistory::open(path);
                                 },
                                 .logs = &logs,
                                 .credentials = credentials.get(),
                                 .audit = audit.get(),
                                 .settings = [settings] { return settings; },
                                 .check_workflow = [](const spec::Workflow&) { return Status(); },
                                 .plan = [](const spec::Parsed&, const std::string&)
                                     -> Result<boost::json::array> { return boost::json::array(); },
                                 .now = wall_now,
                                 .disk_room = [path = place.directory] { return room_at(path); },
                                 .version = "bench",
                                 .work_directory = place.directory + "/work",
                                 .own_user = ::geteuid()}));
  http::ServerOptions options;
  options.addresses = {"127.0.0.1:0"};
  options.body_limit = [](std::string_view method, std::string_view path) {
    return api::Service::body_limit(method, path, kBodyBytesMax);
  };
  options.refusal = [](int status, std::string_view detail) {
    return api::bare_problem(status, detail);
  };
  TRY_ASSIGN(const auto server,
             http::Server::open(std::move(options),
                                [&service](http::Request request, http::Responder responder) {
                                  service->handle(std::move(request), std::move(responder));
                                }));
  service->serve_on(*server);
  rig->start();
  server->start();
  std::string token;
  std::ifstream(place.directory + "/admin.token") >> token;
  const std::string address = server->addresses().front();
  fmt::print("{{\"port\": {}, \"token\": \"{}\"}}\n", address.substr(address.rfind(':') + 1),
             token);
  std::fflush(stdout);
  while (std::getchar() != EOF) continue;
  service->drain();
  server->stop();
  // The engine tells the service what it commits: it stops first.
  const Status stopped = rig->stop();
  service.reset();
  return stopped;
}

Place place_of(int argc, char** argv) {
  Place place;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = argv[i + 1];
    const char* const end = value.data() + value.size();
    if (name == "--directory") place.directory = value;
    if (name == "--cpus") std::from_chars(value.data(), end, place.cpus);
    if (name == "--runs") std::from_chars(value.data(), end, place.runs);
    if (name == "--ending" && value == "never") place.ending = NullExecutor::Ending::never;
  }
  return place;
}

}  // namespace
}  // namespace reeve::bench

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  const reeve::bench::Place place = reeve::bench::place_of(argc, argv);
  reeve::Status status =
      reeve::fail(reeve::ErrorCode::invalid_argument, "serve or fill, with --directory DIR");
  if (command == "serve") status = reeve::bench::serve(place);
  if (command == "fill")
    status = reeve::bench::fill_with_finished_runs(place.directory + "/reeve.db", place.runs);
  if (!status) std::fprintf(stderr, "service_bench: %s\n", status.error().text().c_str());
  return status ? 0 : 1;
}
