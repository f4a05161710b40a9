#include "sandbox/bundle.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

RootSpec spec_of(SandboxNetwork network) {
  RootSpec spec;
  spec.system = {{"/usr", ""}, {"/bin", "usr/bin"}};
  spec.devices = {"/dev/null"};
  spec.paths = {{"/home/ada", true, true}, {"/tmp/work", true, true}};
  spec.masked = {"/home/ada/.reeve"};
  spec.network = network;
  spec.for_runtime = true;
  spec.files_owner = 77;
  spec.device_groups = "/sys/fs/cgroup/devices";
  return spec;
}

std::string config_of(const RootSpec& spec) {
  return bundle_config({.root = &spec, .outside_id = 77, .groups_path = "/reeve.x"});
}

TEST(Bundle, gives_no_privilege) {
  const auto config = boost::json::parse(config_of(spec_of(SandboxNetwork::none)));
  const auto& process = config.at("process");
  EXPECT_TRUE(process.at("noNewPrivileges").as_bool());
  EXPECT_EQ(process.at("user").at("uid").as_int64(), std::int64_t{kSandboxUser});
  for (const auto& [name, list] : process.at("capabilities").as_object())
    EXPECT_TRUE(list.as_array().empty()) << std::string(name);
  EXPECT_TRUE(config.at("root").at("readonly").as_bool());
  // Nobody of the host's is in the container, its root neither.
  for (const auto& each : config.at("linux").at("uidMappings").as_array())
    EXPECT_NE(each.at("hostID").as_int64(), 0);
}

TEST(Bundle, the_network_of_the_host_is_kept_only_when_asked_for) {
  EXPECT_THAT(config_of(spec_of(SandboxNetwork::none)), HasSubstr("\"network\""));
  EXPECT_THAT(config_of(spec_of(SandboxNetwork::host)), Not(HasSubstr("\"network\"")));
  // The one that was connected is that of whoever starts the runtime.
  EXPECT_THAT(config_of(spec_of(SandboxNetwork::egress)), Not(HasSubstr("\"network\"")));
}

TEST(Bundle, what_a_private_directory_covers_is_given_again_behind_it) {
  const auto config = boost::json::parse(config_of(spec_of(SandboxNetwork::none)));
  std::vector<std::string> targets;
  for (const auto& mount : config.at("mounts").as_array())
    targets.emplace_back(mount.at("destination").as_string().c_str());
  EXPECT_THAT(targets, ElementsAre("/proc", "/dev", "/dev/null", "/dev/pts", "/tmp", "/tmp/work",
                                   "/dev/shm", "/run/reeve"));
}

TEST(Bundle, what_hides_the_engine_is_mounted_again_too) {
  RootSpec spec = spec_of(SandboxNetwork::none);
  spec.paths = {{"/tmp/w", true, true}, {"/tmp/w/a/b/.reeve/artifacts", true, false}};
  spec.masked = {"/tmp/w/a/b/.reeve"};
  const auto config = boost::json::parse(config_of(spec));
  std::vector<std::string> pairs;
  for (const auto& mount : config.at("mounts").as_array()) {
    const std::string target = mount.at("destination").as_string().c_str();
    if (!target.starts_with("/tmp/")) continue;
    pairs.push_back(target);
    EXPECT_EQ(mount.at("source").as_string(), std::string(kRuntimeRoot) + target);
  }
  EXPECT_THAT(pairs, ElementsAre("/tmp/w", "/tmp/w/a", "/tmp/w/a/b", "/tmp/w/a/b/.reeve",
                                 "/tmp/w/a/b/.reeve/artifacts"));
}

TEST(Bundle, its_root_is_composed_and_left_to_the_runtime) {
  const SandboxPlan plan = plan_sandbox(spec_of(SandboxNetwork::none));
  EXPECT_EQ(format_steps(plan.root),
            "make a session keyring\n"
            "make namespaces [0x20000]\n"
            "keep mounts from spreading [0x84000]\n"
            "mount an empty root (mode=0755,size=1m) [0x6]\n"
            "make the root [0x1ed]\n"
            "make /usr [0x1ed]\n"
            "bind /usr\n"
            "make /usr read-only [0x7]\n"
            "link /bin\n"
            "make /proc [0x1ed]\n"
            "make /tmp [0x1ed]\n"
            "make /run [0x1ed]\n"
            "make /run/reeve [0x1ed]\n"
            "make /var [0x1ed]\n"
            "link /var/tmp\n"
            "bind /proc\n"
            "make /dev [0x1ed]\n"
            "make /dev/null\n"
            "make /dev/shm [0x1ed]\n"
            "make /dev/pts [0x1ed]\n"
            "link /dev/ptmx\n"
            "link /dev/fd\n"
            "link /dev/stdin\n"
            "link /dev/stdout\n"
            "link /dev/stderr\n"
            "bind /dev/null\n"
            "make /home/ada [0x1ed]\n"
            "give /home/ada\n"
            "hide /home/ada/.reeve (mode=0755,size=64k) [0xe]\n"
            "make /tmp/work [0x1ed]\n"
            "give /tmp/work\n"
            "make the cover of /home/ada/.reeve read-only [0x102f]\n"
            "mount /run (mode=0755,size=16m) [0x6]\n"
            "make /run/reeve [0x1ed]\n"
            "make /run/runtime [0x1ed]\n"
            "make /run/tmp [0x1ed]\n"
            "make /run/shm [0x1ed]\n"
            "hold /sys/fs/cgroup/devices\n"
            "take the control groups away\n"
            "hide the control groups (mode=0755,size=64k) [0xe]\n"
            "make /sys/fs/cgroup/devices [0x1ed]\n"
            "give /sys/fs/cgroup/devices\n");
  EXPECT_EQ(format_steps(plan.attempt),
            "mount /proc [0xe]\n"
            "mount /run/runtime (mode=0700,size=16m) [0x6]\n"
            "mount /run/tmp (mode=1777) [0x6]\n"
            "mount /run/shm (mode=1777) [0x6]\n"
            "mount /run/reeve (mode=0700,size=67108864,uid=77,gid=77) [0x6]\n");
}

}  // namespace
}  // namespace reeve::sandbox
