#include "sandbox/bundle.h"

#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace reeve::sandbox {
namespace {

using boost::json::array;
using boost::json::object;

object mount_of(std::string_view type, std::string_view source, std::string_view target,
                array options) {
  return {
      {"destination", target}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

std::string composed(std::string_view path) { return std::string(kRuntimeRoot).append(path); }

bool lies_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) && path.size() > directory.size() &&
         path[directory.size()] == '/';
}

/// From just below `given` down to what hides the masked directory in it: each is a mount.
void add_covers(std::string_view masked, std::string_view given, std::set<std::string>& places) {
  if (!lies_below(masked, given)) return;
  for (std::size_t end = masked.find('/', given.size() + 1); end != std::string_view::npos;
       end = masked.find('/', end + 1))
    places.emplace(masked.substr(0, end));
  places.emplace(masked);
}

/// What the private directories cover is given again on top of them. Each mount by itself, outer
/// before inner: crun 1.8 passes over those below, and would so show what they hide.
void give_again(const RootSpec& root, std::string_view covered, array& mounts) {
  std::set<std::string> places;
  for (const GivenPath& given : root.paths) {
    if (!lies_below(given.path, covered)) continue;
    places.insert(given.path);
    for (const std::string& masked : root.masked) add_covers(masked, given.path, places);
  }
  for (const std::string& place : places)
    mounts.push_back(mount_of("bind", composed(place), place, {"rbind"}));
}

array mounts_of(const RootSpec& root) {
  array mounts;
  mounts.push_back(mount_of("proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}));
  // As it is composed: the runtime then adds no devices of its own.
  mounts.push_back(mount_of("bind", composed("/dev"), "/dev", {"rbind"}));
  for (const std::string& device : root.devices)
    mounts.push_back(mount_of("bind", composed(device), device, {"bind"}));
  mounts.push_back(mount_of("devpts", "devpts", "/dev/pts",
                            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}));
  for (const RuntimeDirectory& own : kRuntimePrivate) {
    mounts.push_back(mount_of("bind", own.outside, own.inside, {"bind", "nosuid", "nodev"}));
    give_again(root, own.inside, mounts);
  }
  mounts.push_back(mount_of("bind", kFilesDirectory, kFilesDirectory, {"bind", "nosuid", "nodev"}));
  return mounts;
}

array mapping(std::uint32_t inside_id, std::uint32_t outside_id) {
  return {object{{"containerID", 0}, {"hostID", kRuntimeOutsideId}, {"size", 1}},
          object{{"containerID", inside_id}, {"hostID", outside_id}, {"size", 1}}};
}

object process_of(std::uint32_t inside_id) {
  object capabilities;
  for (const std::string_view set :
       {"bounding", "effective", "permitted", "inheritable", "ambient"})
    capabilities[set] = array{};
  return {{"terminal", false},
          {"user", object{{"uid", inside_id}, {"gid", inside_id}}},
          {"args", array{kContainedProgram, kContainedWord}},
          {"env", array{}},
          {"cwd", "/"},
          {"capabilities", std::move(capabilities)},
          {"rlimits", array{object{{"type", "RLIMIT_CORE"}, {"hard", 0}, {"soft", 0}}}},
          {"noNewPrivileges", true}};
}

object linux_of(const BundleSpec& spec) {
  array namespaces;
  for (const std::string_view type : {"pid", "ipc", "uts", "mount", "user", "cgroup"})
    namespaces.push_back(object{{"type", type}});
  if (spec.root->network == SandboxNetwork::none) namespaces.push_back(object{{"type", "network"}});
  object devices{{"devices", array{object{{"allow", false}, {"access", "rwm"}}}}};
  return {{"namespaces", std::move(namespaces)},
          {"uidMappings", mapping(spec.root->inside_id, spec.outside_id)},
          {"gidMappings", mapping(spec.root->inside_id, spec.outside_id)},
          {"resources", std::move(devices)},
          // What /proc holds back is held back by rights: tasks have none that count outside.
          {"cgroupsPath", spec.groups_path}};
}

}  // namespace

std::string bundle_config(const BundleSpec& spec) {
  const object config{{"ociVersion", "1.0.2"},
                      {"process", process_of(spec.root->inside_id)},
                      {"root", object{{"path", kRuntimeRoot}, {"readonly", true}}},
                      {"mounts", mounts_of(*spec.root)},
                      {"linux", linux_of(spec)}};
  return boost::json::serialize(config);
}

std::vector<std::string> runtime_command(const std::string& program) {
  return {program,  "--root",   std::string(kRuntimeState),
          "run",    "--bundle", std::string(kFilesDirectory),
          "attempt"};
}

}  // namespace reeve::sandbox
