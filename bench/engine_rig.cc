#include "bench/engine_rig.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "store/sqlite/sqlite_store.h"

namespace reeve::bench {

Time BenchClock::now() {
  const auto wall = std::chrono::system_clock::now();
  latest_ = std::max(latest_, std::chrono::time_point_cast<Duration>(wall));
  return latest_;
}

std::uint64_t BenchRandom::bits() {
  std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31);
}

Result<std::unique_ptr<EngineRig>> EngineRig::open(const RigOptions& options,
                                                   engine::Executor& executor) {
  std::unique_ptr<EngineRig> rig(new EngineRig);
  if (options.store == StoreKind::sqlite) {
    TRY_ASSIGN(rig->store_, store::sqlite::SqliteStore::open(options.directory + "/reeve.db"));
  } else {
    rig->store_ = std::make_unique<store::memory::MemoryStore>(rig->disk_);
  }
  engine::Ports ports{.clock = rig->clock_,
                      .random = rig->random_,
                      .store = *rig->store_,
                      .executors = {&executor}};
  engine::Options setup;
  setup.pools = {{.name = "local", .capacity = {.cpu_millicores = options.cpus * 1000}}};
  setup.engine_name = "bench";
  setup.sandbox.tier = options.tier;
  TRY_ASSIGN(rig->engine_, engine::Engine::open(std::move(ports), std::move(setup)));
  rig->engine_->add_observer(*rig);
  return rig;
}

EngineRig::~EngineRig() {
  const Status ignored = stop();  // whoever wants to know has called it before
  static_cast<void>(ignored);
}

void EngineRig::start() {
  thread_ = std::thread([this] {
    ended_ = engine_->run();
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  });
}

Status EngineRig::stop() {
  if (!thread_.joinable()) return {};
  engine_->stop();
  thread_.join();
  return ended_;
}

Result<engine::Receipt> EngineRig::submit(core::Event event) {
  std::promise<Result<engine::Receipt>> answer;
  engine_->submit(std::move(event),
                  [&answer](Result<engine::Receipt> receipt) { answer.set_value(receipt); });
  return answer.get_future().get();
}

bool EngineRig::wait_for_ends(std::uint64_t runs) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return succeeded_ + other_ >= runs || finished_; });
  return succeeded_ >= runs;
}

void EngineRig::on_committed(const engine::Committed& committed) {
  std::uint64_t succeeded = 0;
  std::uint64_t other = 0;
  for (const core::RunChange& change : committed.runs) {
    if (!core::is_final(change.to)) continue;
    ++(change.to == core::RunState::succeeded ? succeeded : other);
  }
  if (succeeded + other == 0) return;
  const std::lock_guard lock(mutex_);
  succeeded_ += succeeded;
  other_ += other;
  changed_.notify_all();
}

}  // namespace reeve::bench
