#include "sandbox/step.h"

#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>

#include <fmt/format.h>

namespace reeve::sandbox {
namespace {

/// Where the root is composed before it becomes the root. A mount hides what is there meanwhile.
constexpr std::string_view kStage = "/tmp";
/// Of a root made of layers, three directories in the stage: the root, the layers, and a layer
/// above them that holds only places to mount on, since a root without a writable layer grows none.
constexpr std::string_view kLayersStage = "/tmp/layers";
/// In the root, below /run: files that are mounted on the system's.
constexpr std::string_view kPlacedFiles = "/run/placed";
constexpr std::string_view kGroups = "/sys/fs/cgroup";
constexpr std::string_view kPlacesStage = "/tmp/places";
/// Directories of which every attempt has its own, empty at its start.
constexpr std::string_view kPrivate[] = {"/tmp", "/dev/shm"};
constexpr std::string_view kOwnDirectories[] = {"/proc", "/tmp", "/run", "/run/reeve", "/var"};
/// What an attempt may write into its own files.
constexpr std::int64_t kFilesBytesMax = std::int64_t{64} << 20;
constexpr std::uint64_t kReadOnlyAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

bool is_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && path.size() > directory.size() &&
         path[directory.size()] == '/';
}

class Planner {
 public:
  explicit Planner(const RootSpec& spec) : spec_(spec) {}

  SandboxPlan plan() {
    enclose();
    mount_base();
    if (spec_.for_runtime) stage_ = kRuntimeRoot;
    if (!spec_.layers.empty()) {
      // First the places, all of them; then the root; then what is mounted on it.
      stage_ = kPlacesStage;
      make_places();
      mount_layers();
      stage_ = kRuntimeRoot;
    }
    compose_system();
    compose_devices();
    give_paths();
    if (spec_.for_runtime) {
      make_room_for_runtime();
      prepare_runtime();
    } else {
      finish_root();
      prepare_attempt();
    }
    return std::move(plan_);
  }

 private:
  Step& root(StepKind kind, std::string name) { return add(plan_.root, kind, std::move(name)); }
  Step& attempt(StepKind kind, std::string name) {
    return add(plan_.attempt, kind, std::move(name));
  }
  static Step& add(std::vector<Step>& steps, StepKind kind, std::string name) {
    Step& step = steps.emplace_back();
    step.kind = kind;
    step.name = std::move(name);
    return step;
  }
  std::string staged(std::string_view path) const { return std::string(stage_).append(path); }
  bool is_layered() const { return !spec_.layers.empty(); }

  void directory(std::string_view path) {
    Step& step = root(StepKind::directory, fmt::format("make {}", path));
    step.target = staged(path);
    step.flags = 0755;
  }

  void enclose() {
    for (const std::string& file : spec_.join_files)
      root(StepKind::join_group, "join the control group " + file).source = file;
    if (!spec_.oom_score_file.empty()) {
      Step& step = root(StepKind::write_file, "be the first to go when memory is short");
      step.source = spec_.oom_score_file;
      step.data = "500";
    }
    root(StepKind::keyring, "make a session keyring");
    const bool is_own_network = spec_.network == SandboxNetwork::none;
    const bool is_linked = spec_.network == SandboxNetwork::egress;
    if (spec_.for_runtime) {
      // It makes the others itself, but for a network that somebody has to connect before.
      root(StepKind::unshare, "make namespaces").flags =
          CLONE_NEWNS | (is_linked ? CLONE_NEWNET : 0);
      if (is_linked) root(StepKind::loopback, "bring the loopback interface up");
      root(StepKind::propagation, "keep mounts from spreading").flags = MS_REC | MS_SLAVE;
      return;
    }
    root(StepKind::enter_user, "enter the user namespace").number = 0;
    Step& become = root(StepKind::become, "become an ordinary user");
    become.number = static_cast<std::int32_t>(spec_.inside_id);
    become.flags = spec_.keeps_groups ? 0 : 1;
    Step& fresh = root(StepKind::unshare, "make namespaces");
    fresh.flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (is_own_network || is_linked) fresh.flags |= CLONE_NEWNET;
    if (is_own_network || is_linked) root(StepKind::loopback, "bring the loopback interface up");
    root(StepKind::propagation, "keep mounts from spreading").flags = MS_REC | MS_SLAVE;
  }

  void mount_base() {
    Step& base = root(StepKind::mount, "mount an empty root");
    base.source = "tmpfs";
    base.target = kStage;
    base.flags = MS_NOSUID | MS_NODEV;
    base.data = "mode=0755,size=1m";
  }

  /// Everything that is mounted on a root of layers.
  void make_places() {
    for (const std::string_view path : kOwnDirectories) directory(path);
    if (!is_given("/var/tmp")) link("/var/tmp", "../tmp");
    make_device_places();
    for (const PlacedFile& file : spec_.placed) write(file.path, file.content);
    for (std::size_t i = 0; i < spec_.paths.size(); ++i)
      if (!is_inner(i)) place(spec_.paths[i]);
  }

  void mount_layers() {
    for (const std::string_view path : {kRuntimeRoot, kLayersStage}) {
      Step& step = root(StepKind::directory, fmt::format("make {}", path));
      step.target = path;
      step.flags = 0755;
    }
    Step& given = root(StepKind::attach, "give the layers of the image");
    given.target = kLayersStage;
    given.number = static_cast<std::int32_t>(spec_.paths.size()) + 1;
    Step& mounted = root(StepKind::overlay, "mount the image");
    mounted.source = kLayersStage;
    mounted.target = kRuntimeRoot;
    mounted.flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
    mounted.data = kPlacesStage;
    for (auto layer = spec_.layers.rbegin(); layer != spec_.layers.rend(); ++layer)
      mounted.data.append(":").append(*layer);
    root(StepKind::unmount, "put the layers away").target = kLayersStage;
  }

  void make_root() {
    Step& step = root(StepKind::directory, "make the root");
    step.target = kRuntimeRoot;
    step.flags = 0755;
  }

  void compose_system() {
    if (spec_.for_runtime && !is_layered()) make_root();
    for (const SystemEntry& entry : spec_.system) {
      if (entry.link_target.empty()) {
        directory(entry.path);
        bind(entry.path);
        seal(entry.path, kReadOnlyAttributes);
        for (const std::string& masked : spec_.masked)
          if (is_below(masked, entry.path)) mask(masked);
      } else {
        link(entry.path, entry.link_target);
      }
    }
    if (!is_layered()) {
      for (const std::string_view path : kOwnDirectories) directory(path);
      if (!is_given("/var/tmp")) link("/var/tmp", "../tmp");
    }
    if (!is_layered()) place_files();
    // A new /proc can be mounted only where one is in sight; attempts put theirs over it.
    bind("/proc");
  }

  /// The system's are read-only and shared: a file of the root's own is mounted on them.
  void place_files() {
    for (const PlacedFile& file : spec_.placed) {
      if (!file.is_there) {
        write(file.path, file.content);
        continue;
      }
      const std::string own = std::string(kPlacedFiles).append(file.path);
      write(own, file.content);
      Step& step = root(StepKind::bind, "put a file over " + file.path);
      step.source = staged(own);
      step.target = staged(file.path);
    }
  }

  void write(const std::string& path, const std::string& content) {
    root(StepKind::file, "make " + path).target = staged(path);
    Step& step = root(StepKind::write_file, "write " + path);
    step.source = staged(path);
    step.data = content;
  }

  /// Whether something is given there or below.
  bool is_given(std::string_view directory) const {
    return std::ranges::any_of(spec_.paths, [&](const GivenPath& given) {
      return given.path == directory || is_below(given.path, directory);
    });
  }

  void compose_devices() {
    if (!is_layered()) make_device_places();
    for (const std::string& device : spec_.devices) bind(device);
  }

  void make_device_places() {
    directory("/dev");
    for (const std::string& device : spec_.devices)
      root(StepKind::file, "make " + device).target = staged(device);
    directory("/dev/shm");
    directory("/dev/pts");
    link("/dev/ptmx", "pts/ptmx");
    link("/dev/fd", "/proc/self/fd");
    link("/dev/stdin", "/proc/self/fd/0");
    link("/dev/stdout", "/proc/self/fd/1");
    link("/dev/stderr", "/proc/self/fd/2");
  }

  void give_paths() {
    for (std::size_t i = 0; i < spec_.paths.size(); ++i) {
      const GivenPath& given = spec_.paths[i];
      // On a root of layers the others have their place already.
      if (!is_layered() || is_inner(i)) place(given);
      Step& step = root(StepKind::attach, "give " + given.path);
      step.target = staged(given.path);
      step.number = static_cast<std::int32_t>(i) + 1;
      for (const std::string& masked : spec_.masked)
        if (covers_now(masked, i)) {
          pin(masked, given.path);
          mask(masked);
        }
    }
  }

  /// Whether it lies in what is given before.
  bool is_inner(std::size_t index) const {
    return std::ranges::any_of(
        spec_.paths.begin(), spec_.paths.begin() + static_cast<std::ptrdiff_t>(index),
        [&](const GivenPath& outer) { return is_below(spec_.paths[index].path, outer.path); });
  }

  void place(const GivenPath& given) {
    if (given.is_directory)
      directory(given.path);
    else
      root(StepKind::file, "make " + given.path).target = staged(given.path);
  }

  /// Whether the path just given is the innermost that holds the masked directory.
  bool covers_now(const std::string& masked, std::size_t index) const {
    std::size_t innermost = spec_.paths.size();
    for (std::size_t i = 0; i < spec_.paths.size(); ++i)
      if (is_below(masked, spec_.paths[i].path)) innermost = i;
    return innermost == index;
  }

  /// Makes mounts of the directories between the two: the masked one could else be moved away with
  /// one above it, and another put in its place for the engine to find.
  void pin(const std::string& masked, const std::string& given) {
    for (std::size_t end = masked.find('/', given.size() + 1); end != std::string::npos;
         end = masked.find('/', end + 1)) {
      Step& step = root(StepKind::bind, "pin " + masked.substr(0, end));
      step.source = step.target = staged(masked.substr(0, end));
    }
  }

  bool is_in_sight(const std::string& masked) const {
    const auto shows = [&](const auto& entry) { return is_below(masked, entry.path); };
    return std::ranges::any_of(spec_.paths, shows) || std::ranges::any_of(spec_.system, shows);
  }

  void mask(const std::string& path) {
    Step& step = root(StepKind::mount, "hide " + path);
    step.source = "tmpfs";
    step.target = staged(path);
    step.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    step.data = "mode=0755,size=64k";
  }

  void bind(std::string_view path) {
    Step& step = root(StepKind::bind, fmt::format("bind {}", path));
    step.source = path;
    step.target = staged(path);
  }

  void seal(std::string_view path, std::uint64_t attributes) {
    Step& step = root(StepKind::seal, fmt::format("make {} read-only", path));
    step.target = staged(path);
    step.flags = attributes;
  }

  void link(std::string_view path, std::string_view to) {
    Step& step = root(StepKind::link, fmt::format("link {}", path));
    step.source = to;
    step.target = staged(path);
  }

  void finish_root() {
    root(StepKind::pivot, "change to the composed root").target = stage_;
    // Only these two mounts: what was given below them keeps its own rights.
    if (!is_layered()) {
      Step& sealed = root(StepKind::mount, "make the root read-only");
      sealed.target = "/";
      sealed.flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    }
    for (const std::string& masked : spec_.masked) {
      if (!is_in_sight(masked)) continue;
      Step& hidden = root(StepKind::mount, "make the cover of " + masked + " read-only");
      hidden.target = masked;
      hidden.flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    }
    Step& cores = root(StepKind::limit, "leave no core files");
    cores.number = RLIMIT_CORE;
    root(StepKind::no_privileges, "give up all privileges to come");
  }

  /// What the runtime keeps is its own and goes with it. Of the control groups it sees only that of
  /// devices, which it insists on: it is in the attempt's already.
  void make_room_for_runtime() {
    for (const std::string& masked : spec_.masked) {
      if (!is_in_sight(masked)) continue;
      Step& hidden = root(StepKind::mount, "make the cover of " + masked + " read-only");
      hidden.target = staged(masked);
      hidden.flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    }
    Step& run = root(StepKind::mount, "mount /run");
    run.source = "tmpfs";
    run.target = "/run";
    run.flags = MS_NOSUID | MS_NODEV;
    run.data = "mode=0755,size=16m";
    for (const std::string_view path :
         {kFilesDirectory, kRuntimeState, kRuntimePrivate[0].outside, kRuntimePrivate[1].outside}) {
      Step& own = root(StepKind::directory, fmt::format("make {}", path));
      own.target = path;
      own.flags = 0755;
    }
    if (spec_.device_groups.empty()) return;
    Step& kept = root(StepKind::keep, "hold " + spec_.device_groups);
    kept.source = spec_.device_groups;
    kept.number = static_cast<std::int32_t>(spec_.paths.size()) + 2;
    // It looks at the list of mounts, where what is merely covered still stands.
    root(StepKind::unmount, "take the control groups away").target = kGroups;
    Step& cover = root(StepKind::mount, "hide the control groups");
    cover.source = "tmpfs";
    cover.target = kGroups;
    cover.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    cover.data = "mode=0755,size=64k";
    Step& place = root(StepKind::directory, "make " + spec_.device_groups);
    place.target = spec_.device_groups;
    place.flags = 0755;
    Step& back = root(StepKind::attach, "give " + spec_.device_groups);
    back.target = spec_.device_groups;
    back.number = kept.number;
  }

  void prepare_runtime() {
    mount_own("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    mount_own("tmpfs", kRuntimeState, MS_NOSUID | MS_NODEV, "mode=0700,size=16m");
    for (const RuntimeDirectory& own : kRuntimePrivate)
      mount_own("tmpfs", own.outside, MS_NOSUID | MS_NODEV, "mode=1777");
    mount_own("tmpfs", kFilesDirectory, MS_NOSUID | MS_NODEV,
              fmt::format("mode=0700,size={},uid={},gid={}", kFilesBytesMax, spec_.files_owner,
                          spec_.files_owner));
  }

  void prepare_attempt() {
    mount_own("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    std::string size = "mode=1777";
    if (spec_.tmp_bytes_max > 0) size += fmt::format(",size={}", spec_.tmp_bytes_max);
    for (const std::string_view path : kPrivate) {
      const std::vector<std::size_t> below = given_below(path);
      for (const std::size_t i : below) keep(i);
      mount_own("tmpfs", path, MS_NOSUID | MS_NODEV, size);
      for (const std::size_t i : below) give_back(i);
    }
    mount_own("tmpfs", kFilesDirectory, MS_NOSUID | MS_NODEV,
              fmt::format("mode=0700,size={}", kFilesBytesMax));
    mount_own("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
  }

  void mount_own(std::string_view type, std::string_view path, std::uint64_t flags,
                 std::string_view data) {
    Step& step = attempt(StepKind::mount, fmt::format("mount {}", path));
    step.source = type;
    step.target = path;
    step.flags = flags;
    step.data = data;
  }

  /// The outermost given paths below a private directory; what is inside them comes along.
  std::vector<std::size_t> given_below(std::string_view directory) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < spec_.paths.size(); ++i) {
      const std::string& path = spec_.paths[i].path;
      const bool is_inner = std::ranges::any_of(
          found, [&](std::size_t outer) { return is_below(path, spec_.paths[outer].path); });
      if (is_below(path, directory) && !is_inner) found.push_back(i);
    }
    return found;
  }

  void keep(std::size_t index) {
    Step& step = attempt(StepKind::keep, "hold " + spec_.paths[index].path);
    step.source = spec_.paths[index].path;
    step.number = static_cast<std::int32_t>(index) + 1;
  }

  void give_back(std::size_t index) {
    const GivenPath& given = spec_.paths[index];
    Step& made =
        attempt(given.is_directory ? StepKind::directory : StepKind::file, "make " + given.path);
    made.target = given.path;
    made.flags = 0755;
    Step& step = attempt(StepKind::attach, "give " + given.path);
    step.target = given.path;
    step.number = static_cast<std::int32_t>(index) + 1;
  }

  const RootSpec& spec_;
  std::string_view stage_ = kStage;
  SandboxPlan plan_;
};

class Encoder {
 public:
  void number(std::uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  /// With a NUL, so that the zygote can use it where it lies; padded to whole numbers.
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value).push_back('\0');
    while (bytes_.size() % sizeof(std::uint64_t) != 0) bytes_.push_back('\0');
  }
  void steps(const std::vector<Step>& steps) {
    number(steps.size());
    for (const Step& step : steps) {
      number(static_cast<std::uint64_t>(step.kind));
      number(step.flags);
      number(static_cast<std::uint64_t>(static_cast<std::int64_t>(step.number)));
      text(step.source);
      text(step.target);
      text(step.data);
    }
  }
  template <class Texts>
  void texts(const Texts& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace

SandboxPlan plan_sandbox(const RootSpec& spec) { return Planner(spec).plan(); }

namespace {

void encode_program(Encoder& encoder, const ProgramRequest& request) {
  encoder.number(request.keeps_capabilities ? 1 : 0);
  encoder.text(request.work_directory);
  encoder.number(request.open_files_soft);
  encoder.number(request.open_files_hard);
  encoder.texts(request.arguments);
  encoder.texts(request.candidates);
  encoder.texts(request.environment);
}

void encode_files(Encoder& encoder, const std::vector<OwnFile>& files, std::uint32_t owner) {
  encoder.number(owner);
  encoder.number(files.size());
  for (const OwnFile& file : files) {
    encoder.text(file.path);
    encoder.number(file.mode);
    encoder.text(file.content);
  }
}

}  // namespace

std::string encode_plan(const SandboxPlan& plan, std::string_view filter,
                        const ProgramRequest* warm) {
  Encoder encoder;
  encoder.number(warm != nullptr ? 1 : 0);
  encoder.steps(plan.root);
  encoder.steps(plan.attempt);
  encoder.text(filter);
  if (warm != nullptr) {
    encode_program(encoder, *warm);
    encode_files(encoder, warm->files, warm->files_owner);
  }
  return encoder.take();
}

std::string encode_request(const ProgramRequest& request) {
  Encoder encoder;
  encode_program(encoder, request);
  encoder.number(request.stays_open ? 1 : 0);
  encode_files(encoder, request.files, request.files_owner);
  return encoder.take();
}

std::string encode_hand_over(const HandOver& attempt) {
  Encoder encoder;
  encoder.number(attempt.stays_open ? 1 : 0);
  encode_files(encoder, attempt.files, 0);
  encoder.text(attempt.text);
  return encoder.take();
}

std::string encode_contained(const ProgramRequest& request, std::string_view filter) {
  Encoder encoder;
  encode_program(encoder, request);
  encoder.text(filter);
  return encoder.take();
}

std::string format_steps(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += step.name;
    if (!step.data.empty()) text += fmt::format(" ({})", step.data);
    if (step.flags != 0) text += fmt::format(" [{:#x}]", step.flags);
    text += '\n';
  }
  return text;
}

std::string_view name(WarmStep step) {
  switch (step) {
    case WarmStep::none: break;
    case WarmStep::request: return "read what is to be started";
    case WarmStep::files: return "write its files";
    case WarmStep::pipes: return "make its pipes";
    case WarmStep::start: return "start it";
    case WarmStep::ended: return "wait for it";
    case WarmStep::answer: return "understand what it wrote to descriptor 4";
    case WarmStep::alone: return "have what it left behind beside it";
    case WarmStep::hand_over: return "give it the attempt";
  }
  return "?";
}

std::string_view name(ProgramStep step) {
  switch (step) {
    case ProgramStep::request: return "read the request";
    case ProgramStep::files: return "write the attempt's own files";
    case ProgramStep::fork: return "make the process";
    case ProgramStep::session: return "make a session";
    case ProgramStep::streams: return "set the standard streams";
    case ProgramStep::directory: return "change to the work directory";
    case ProgramStep::limits: return "set limits";
    case ProgramStep::privileges: return "give up capabilities";
    case ProgramStep::system_calls: return "filter system calls";
    case ProgramStep::execute: return "execute the program";
    case ProgramStep::terminal: return "take the terminal";
  }
  return "?";
}

}  // namespace reeve::sandbox
