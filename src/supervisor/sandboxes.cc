#include "supervisor/sandboxes.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "base/sandbox_paths.h"
#include "sandbox/bundle.h"
#include "sandbox/seccomp.h"
#include "supervisor/attempt_limits.h"
#include "supervisor/files.h"
#include "supervisor/network_files.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kFreeMax = 64;
/// Of those in which a program waits: an interpreter takes some ten megabytes.
constexpr std::size_t kWarmFreeMax = 16;
/// So long it waits for nobody. What it has imported is never older than that.
constexpr Duration kWarmKept = std::chrono::minutes(5);
// The kernel lets go of a group soon after the last process of it has died.
constexpr Duration kLeavingRetried = std::chrono::milliseconds{20};
constexpr Duration kLeavingPatience = std::chrono::seconds{2};

std::string shape_of(const SandboxRequest& request, const Sandboxes::Kind& kind) {
  std::string shape = kind.work_directory;
  shape.append("\n").append(name(request.tier)).append("\n").append(name(request.network));
  for (const std::string& path : request.readable) shape.append("\n<").append(path);
  for (const std::string& path : request.writable) shape.append("\n>").append(path);
  if (request.user != kSandboxUser) shape.append("\n#").append(std::to_string(request.user));
  if (kind.image != nullptr) shape.append("\n@").append(kind.image->digest);
  if (kind.warm != nullptr) kind.warm->append_identity(shape);
  return shape;
}

/// What the task names, and where it is said.
enum class Naming : std::uint8_t { workdir, readable, writable };

/// Of errno: whether the path is to blame, and not the machine.
tl::unexpected<Error> not_given(int error, const std::string& path, Naming naming) {
  if (error == ENOTDIR) error = ENOENT;
  std::string text = naming == Naming::workdir ? "cannot work in " : "cannot give the sandbox ";
  text += path;
  if (error == ELOOP || error == ENAMETOOLONG)
    return fail(ErrorCode::not_found, text + ": " + std::strerror(error));
  if (error != ENOENT) return fail_errno(error, std::move(text));
  constexpr std::string_view kAdvice[] = {"make it before, or name another with `workdir`",
                                          "make it before, or take it out of `readable`",
                                          "make it before, or take it out of `writable`"};
  return fail(ErrorCode::not_found, fmt::format("{}: No such file or directory; {}", text,
                                                kAdvice[static_cast<std::size_t>(naming)]));
}

/// Refuses what goes through a symbolic link: a task may have left it where it could write, and the
/// next one would be given what it points to.
Result<sandbox::GivenPath> given(const std::string& path, const std::string& work_directory,
                                 Naming naming) {
  const std::string full = path.starts_with('/') ? path : work_directory + "/" + path;
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(full.c_str(), nullptr), &::free);
  if (!real) return not_given(errno, full, naming);
  if (plain_path(path, work_directory) != real.get())
    return fail(ErrorCode::permission_denied,
                fmt::format("cannot give the sandbox {}: it goes through a symbolic link; name {}, "
                            "if that is meant",
                            full, real.get()));
  struct stat about {};
  if (::stat(real.get(), &about) != 0) return not_given(errno, full, naming);
  if (naming == Naming::workdir && !S_ISDIR(about.st_mode))
    return fail(ErrorCode::not_found, fmt::format("cannot work in {}: it is no directory", full));
  if (is_own_of_sandbox(real.get()))
    return fail(ErrorCode::invalid_argument,
                fmt::format("a sandbox has its own {}: choose a directory below it, or run with "
                            "--sandbox none",
                            real.get()));
  return sandbox::GivenPath{real.get(), S_ISDIR(about.st_mode), naming != Naming::readable};
}

/// Outer before inner, each path once; what may be written wins.
void arrange(std::vector<sandbox::GivenPath>& paths) {
  std::ranges::sort(paths, [](const auto& left, const auto& right) {
    return left.path != right.path ? left.path < right.path : left.is_writable > right.is_writable;
  });
  const auto same = std::ranges::unique(paths, {}, &sandbox::GivenPath::path);
  paths.erase(same.begin(), same.end());
}

}  // namespace

std::optional<sandbox::CgroupUse> Sandbox::use() {
  if (!group) return std::nullopt;
  const auto all = group->use();
  if (!all) return std::nullopt;
  used = *all;
  sandbox::CgroupUse own = used;
  own.user_cpu -= used_before.user_cpu;
  own.system_cpu -= used_before.system_cpu;
  own.read_bytes -= used_before.read_bytes;
  own.written_bytes -= used_before.written_bytes;
  own.oom_kills -= used_before.oom_kills;
  return own;
}

Sandboxes::~Sandboxes() {
  sandboxes_.clear();
  dying_.clear();
  if (!groups_) return;
  const Instant until = monotonic_now() + kLeavingPatience;
  while (groups_->is_leaving() && monotonic_now() < until) {
    groups_->remove_leaving();
    if (groups_->is_leaving()) ::poll(nullptr, 0, 5);
  }
  groups_->remove_abandoned();
  device_groups_.sweep(settings_.state_id + ".");
  device_groups_.remove_abandoned();
}

Result<sandbox::Host*> Sandboxes::host() {
  if (host_) return &*host_;
  if (why_no_host_) return tl::unexpected(*why_no_host_);
  groups_ = sandbox::Cgroups::detect();
  groups_->sweep(settings_.state_id);
  device_groups_.sweep(settings_.state_id + ".");
  auto filter = sandbox::compile(sandbox::SeccompProfile::standard);
  auto opened = sandbox::Host::open();
  if (!opened || !filter) {
    why_no_host_ = opened ? filter.error() : opened.error();
    return tl::unexpected(*why_no_host_);
  }
  filter_.assign(reinterpret_cast<const char*>(filter->data()),
                 filter->size() * sizeof(sock_filter));
  host_ = *std::move(opened);
  return &*host_;
}

Result<sandbox::RootSpec> Sandboxes::spec_of(const SandboxRequest& request,
                                             const Kind& kind) const {
  const std::string& work_directory = kind.work_directory;
  const SharedImage& image = kind.image;
  sandbox::RootSpec spec;
  if (image == nullptr) {
    spec.system = sandbox::Host::system_entries();
  } else {
    spec.layers_directory = settings_.layers_directory;
    for (const images::Layer& layer : image->layers)
      spec.layers.emplace_back(images::digits_of(layer.content));
  }
  spec.devices = sandbox::Host::devices();
  spec.network = request.network;
  spec.inside_id = request.user;
  spec.keeps_groups = !host_->is_root();
  spec.oom_score_file = "/proc/self/oom_score_adj";
  // Where the sandbox has a directory of its own, as / or /tmp, the attempt works in that.
  if (!is_own_of_sandbox(work_directory)) {
    TRY_ASSIGN(sandbox::GivenPath work, given(work_directory, work_directory, Naming::workdir));
    spec.paths.push_back(std::move(work));
  }
  for (const std::string& path : request.readable) {
    TRY_ASSIGN(sandbox::GivenPath one, given(path, work_directory, Naming::readable));
    spec.paths.push_back(std::move(one));
  }
  for (const std::string& path : request.writable) {
    TRY_ASSIGN(sandbox::GivenPath one, given(path, work_directory, Naming::writable));
    spec.paths.push_back(std::move(one));
  }
  // The state of the engine is nobody's business, but for the artifacts that tasks hand on.
  const std::string& state = settings_.state_directory;
  const auto shows_state = [&](const auto& entry) { return is_path_below(state, entry.path); };
  if (std::ranges::any_of(spec.paths, shows_state) || std::ranges::any_of(spec.system, shows_state))
    spec.masked.push_back(state);
  arrange(spec.paths);
  return spec;
}

Result<Sandbox*> Sandboxes::compose(std::string shape, const SandboxRequest& request,
                                    const Kind& kind) {
  TRY_ASSIGN(sandbox::Host* const host, this->host());
  const bool is_contained = request.tier == SandboxTier::oci;
  if (is_contained && !host->is_root())
    return fail(ErrorCode::unsupported,
                "tier oci: it needs an engine that runs as root; tier native does not");
  TRY_ASSIGN(sandbox::RootSpec spec, spec_of(request, kind));
  const bool is_linked = request.network == SandboxNetwork::egress;
  if (is_linked) {
    TRY_ASSIGN(spec.placed, network_files(kind.hosts, kind.image != nullptr));
  }
  auto made = std::make_unique<Sandbox>();
  made->serves_once = is_linked;
  made->number = ++last_number_;
  made->shape = std::move(shape);
  made->image = kind.image;
  if (groups_->abilities().version != 0) {
    auto group =
        groups_->make(fmt::format("{}.{}.{}", settings_.state_id, made->number, ::getpid()));
    if (!group) return tl::unexpected(of_machine(std::move(group).error()));
    made->group = *std::move(group);
    spec.join_files = made->group->join_files();
  }
  if (is_contained) prepare_bundle(*made, spec);
  TRY(start(*made, spec, kind));
  Sandbox* const raw = made.get();
  sandboxes_.emplace(raw->number, std::move(made));
  return raw;
}

Status Sandboxes::start(Sandbox& sandbox, const sandbox::RootSpec& spec, const Kind& kind) {
  const std::string_view filter = spec.for_runtime ? std::string_view() : filter_;
  std::optional<sandbox::ProgramRequest> ahead;
  if (kind.warm != nullptr) ahead = kind.warm->request();
  TRY_ASSIGN(sandbox.zygote,
             sandbox::ZygoteProcess::start(*host_, spec, filter, ahead ? &*ahead : nullptr));
  leftovers_.add_enclosed(sandbox.zygote->pid());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.tag(sandbox.number);
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, sandbox.zygote->socket(), &event) != 0)
    return fail_errno(errno, "cannot watch a sandbox");
  return {};
}

/// The runtime gets what the zygote composes, and the rest in writing.
void Sandboxes::prepare_bundle(Sandbox& sandbox, sandbox::RootSpec& spec) const {
  spec.for_runtime = true;
  spec.files_owner = host_->outside().user;
  const std::string group =
      fmt::format("/reeve.{}.{}.{}", settings_.state_id, sandbox.number, ::getpid());
  if (::access(std::string(kDeviceGroups).c_str(), F_OK) == 0) {
    spec.device_groups = kDeviceGroups;
    sandbox.device_group = std::string(kDeviceGroups) + group;
  }
  sandbox.bundle_config = sandbox::bundle_config(
      {.root = &spec, .outside_id = host_->outside().user, .groups_path = group});
}

Status Sandboxes::hold_to_limits(Sandbox& sandbox, const Launch& launch) {
  const std::int64_t memory = launch.resources.memory_bytes;
  const sandbox::CgroupAbilities& abilities = groups_->abilities();
  if (memory > 0 && !abilities.memory)
    return fail(ErrorCode::unsupported,
                fmt::format("its memory cannot be limited: {}; ask for no memory, or run with "
                            "--sandbox none",
                            abilities.why_not));
  if (!sandbox.group) return {};
  const sandbox::CgroupLimits limits =
      limits_of(launch.resources, abilities, settings_.machine_bytes);
  sandbox.memory_bytes_max = limits.memory_bytes;
  const Status held = sandbox.group->limit(limits);
  if (!held) return tl::unexpected(of_machine(held.error()));
  return {};
}

Result<Sandbox*> Sandboxes::take(const Launch& launch, const Kind& kind, Serial user) {
  std::string shape = shape_of(launch.sandbox, kind);
  Sandbox* found = nullptr;
  for (const auto& [number, sandbox] : sandboxes_) {
    if (sandbox->user != kNoSerial || sandbox->is_broken || sandbox->shape != shape) continue;
    if (sandbox->serves_once) continue;
    if (found == nullptr) found = sandbox.get();
    if (sandbox->zygote->waiting_init() == 0) continue;
    found = sandbox.get();
    break;
  }
  if (found == nullptr) {
    TRY_ASSIGN(found, compose(std::move(shape), launch.sandbox, kind));
  }
  if (Status held = hold_to_limits(*found, launch); !held) {
    const bool is_too_small = held.error().code == ErrorCode::io_failed &&
                              found->zygote->is_warm() && launch.resources.memory_bytes > 0;
    if (!is_too_small) return tl::unexpected(std::move(held).error());
    return fail(ErrorCode::exhausted,
                "the warm program alone takes more memory than the task may have");
  }
  found->user = user;
  found->room = launch.resources;
  return found;
}

bool Sandboxes::suits(const Sandbox& sandbox, const Launch& launch, const Kind& kind) {
  return sandbox.room == launch.resources && sandbox.shape == shape_of(launch.sandbox, kind);
}

void Sandboxes::keep_ahead(const Launch& launch, const Kind& kind) {
  std::string shape = shape_of(launch.sandbox, kind);
  const bool is_there = std::ranges::any_of(sandboxes_, [&](const auto& entry) {
    const Sandbox& one = *entry.second;
    return one.user == kNoSerial && !one.is_broken && one.shape == shape;
  });
  // What is wrong shows again, and is told, when an attempt needs it.
  if (is_there) return;
  if (const auto made = compose(std::move(shape), launch.sandbox, kind); made && set_free(**made))
    trim();
}

/// False: it is of no more use. REQUIRES that it has no user.
bool Sandboxes::set_free(Sandbox& sandbox) {
  if (!sandbox.zygote->is_warm()) return true;
  // The next one starts now, and not within the limits of the last attempt.
  if (!hold_to_limits(sandbox, {})) return false;
  if (!sandbox.zygote->go_on()) return false;
  sandbox.free_since = monotonic_now();
  drop_at_ = std::min(drop_at_, sandbox.free_since + kWarmKept);
  return true;
}

void Sandboxes::on_time(Instant now) {
  if (groups_ && groups_->is_leaving() && settle_at_ <= now) {
    groups_->remove_leaving();
    settle_at_ = now + kLeavingRetried;
  }
  if (drop_at_ > now) return;
  drop_at_ = kNoDeadline;
  std::vector<SandboxNumber> spare;
  for (const auto& [number, sandbox] : sandboxes_) {
    if (sandbox->user != kNoSerial || !sandbox->zygote->is_warm()) continue;
    const Instant until = sandbox->free_since + kWarmKept;
    if (until <= now)
      spare.push_back(number);
    else
      drop_at_ = std::min(drop_at_, until);
  }
  for (const SandboxNumber number : spare) retire(number);
}

/// Not more than are useful stay free.
void Sandboxes::trim() {
  const auto is_free = [](const auto& entry) { return entry.second->user == kNoSerial; };
  const auto waits = [&](const auto& entry) {
    return is_free(entry) && entry.second->zygote->is_warm();
  };
  if (static_cast<std::size_t>(std::ranges::count_if(sandboxes_, waits)) > kWarmFreeMax) {
    auto oldest = std::ranges::find_if(sandboxes_, waits);
    for (auto at = oldest; at != sandboxes_.end(); ++at)
      if (waits(*at) && at->second->free_since < oldest->second->free_since) oldest = at;
    retire(oldest->first);
  }
  if (static_cast<std::size_t>(std::ranges::count_if(sandboxes_, is_free)) <= kFreeMax) return;
  retire(std::ranges::find_if(sandboxes_, is_free)->first);
}

Sandbox* Sandboxes::find(SandboxNumber number) {
  const auto at = sandboxes_.find(number);
  return at == sandboxes_.end() ? nullptr : at->second.get();
}

void Sandboxes::give_back(SandboxNumber number) {
  Sandbox* const sandbox = find(number);
  if (sandbox == nullptr) return;
  sandbox->user = kNoSerial;
  if (sandbox->serves_once) sandbox->is_broken = true;
  // The runtime makes it anew each time, and cannot remove it when it is killed.
  if (!sandbox->device_group.empty() && ::rmdir(sandbox->device_group.c_str()) != 0 &&
      errno != ENOENT)
    sandbox->is_broken = true;
  sandbox->used_before = {};
  // What cannot be counted from zero again is of no use to another.
  if (sandbox->group && !sandbox->group->reset()) sandbox->is_broken = true;
  if (sandbox->is_broken || !set_free(*sandbox)) return retire(number);
  trim();
}

int Sandboxes::give_pipe(int end) const {
  const sandbox::UserAndGroup& owner = host_->outside();
  return ::fchown(end, owner.user, owner.group) == 0 ? 0 : errno;
}

void Sandboxes::retire(SandboxNumber number) {
  auto node = sandboxes_.extract(number);
  node.mapped()->zygote->kill();
  if (node.mapped()->zygote->has_processes()) dying_.push_back(std::move(node.mapped()));
}

void Sandboxes::prepare(const std::string& work_directory) {
  // What is wrong shows again, and is told, when an attempt needs it.
  const Kind kind{.work_directory = work_directory, .image = nullptr};
  std::string shape = shape_of({}, kind);
  const bool is_there = std::ranges::any_of(
      sandboxes_, [&](const auto& entry) { return entry.second->shape == shape; });
  if (!is_there && !compose(std::move(shape), {}, kind)) return;
}

std::vector<std::string> Sandboxes::retire_spare_images() {
  std::vector<SandboxNumber> spare;
  std::vector<std::string> used;
  for (const auto& [number, sandbox] : sandboxes_) {
    if (sandbox->image == nullptr) continue;
    if (sandbox->user == kNoSerial)
      spare.push_back(number);
    else
      used.push_back(sandbox->image->digest);
  }
  for (const SandboxNumber number : spare) retire(number);
  return used;
}

Serial Sandboxes::on_child_ended(pid_t pid) {
  for (auto at = dying_.begin(); at != dying_.end(); ++at) {
    if (!(*at)->zygote->forget(pid)) continue;
    if (!(*at)->zygote->has_processes()) dying_.erase(at);
    return kNoSerial;
  }
  for (const auto& [number, sandbox] : sandboxes_) {
    if (!sandbox->zygote->forget(pid)) continue;
    sandbox->is_broken = true;
    const Serial user = sandbox->user;
    if (user == kNoSerial) retire(number);
    return user;
  }
  return kNoSerial;
}

}  // namespace reeve::supervisor
