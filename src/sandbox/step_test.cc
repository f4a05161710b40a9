// What a sandbox is made of, read without making one.
#include "sandbox/step.h"

#include <sched.h>

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::sandbox {
namespace {

using testing::HasSubstr;
using testing::Not;

RootSpec small_spec() {
  RootSpec spec;
  spec.system = {{"/usr", ""}, {"/bin", "usr/bin"}};
  spec.devices = {"/dev/null"};
  spec.paths = {{"/home/ada/work", true, true}, {"/home/ada/work/.reeve/artifacts", true, false}};
  spec.masked = {"/home/ada/work/.reeve"};
  spec.join_files = {"/sys/fs/cgroup/pids/reeve/cgroup.procs"};
  return spec;
}

std::size_t position(const std::vector<Step>& steps, std::string_view name) {
  const auto at = std::ranges::find(steps, name, &Step::name);
  EXPECT_NE(at, steps.end()) << name;
  return static_cast<std::size_t>(at - steps.begin());
}

TEST(SandboxSteps, are_these_in_this_order) {
  EXPECT_EQ(format_steps(plan_sandbox(small_spec()).root),
            "join the control group /sys/fs/cgroup/pids/reeve/cgroup.procs\n"
            "make a session keyring\n"
            "enter the user namespace\n"
            "become an ordinary user [0x1]\n"
            "make namespaces [0x46020000]\n"
            "bring the loopback interface up\n"
            "keep mounts from spreading [0x84000]\n"
            "mount an empty root (mode=0755,size=1m) [0x6]\n"
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
            "make /home/ada/work [0x1ed]\n"
            "give /home/ada/work\n"
            "hide /home/ada/work/.reeve (mode=0755,size=64k) [0xe]\n"
            "make /home/ada/work/.reeve/artifacts [0x1ed]\n"
            "give /home/ada/work/.reeve/artifacts\n"
            "change to the composed root\n"
            "make the root read-only [0x1027]\n"
            "make the cover of /home/ada/work/.reeve read-only [0x102f]\n"
            "leave no core files\n"
            "give up all privileges to come\n");
  EXPECT_EQ(format_steps(plan_sandbox(small_spec()).attempt),
            "mount /proc [0xe]\n"
            "mount /tmp (mode=1777) [0x6]\n"
            "mount /dev/shm (mode=1777) [0x6]\n"
            "mount /run/reeve (mode=0700,size=67108864) [0x6]\n"
            "mount /dev/pts (newinstance,ptmxmode=0666,mode=0620) [0xa]\n");
}

TEST(SandboxSteps, of_a_linked_network_differ_by_its_files) {
  RootSpec spec = small_spec();
  const SandboxPlan without = plan_sandbox(spec);
  spec.network = SandboxNetwork::egress;
  EXPECT_EQ(plan_sandbox(spec), without);
  spec.placed = {{"/etc/hosts", "127.0.0.1 a\n", true}, {"/run/stub/resolv.conf", "#\n", false}};
  const std::vector<Step> root = plan_sandbox(spec).root;
  const std::string text = format_steps(root);
  EXPECT_THAT(text, HasSubstr("link /var/tmp\n"
                              "make /run/placed/etc/hosts\n"
                              "write /run/placed/etc/hosts (127.0.0.1 a\n)\n"
                              "put a file over /etc/hosts\n"
                              "make /run/stub/resolv.conf\n"
                              "write /run/stub/resolv.conf (#\n)\n"
                              "bind /proc\n"));
  const Step& over = root.at(position(root, "put a file over /etc/hosts"));
  EXPECT_EQ(over.source, "/tmp/run/placed/etc/hosts");
  EXPECT_EQ(over.target, "/tmp/etc/hosts");
  EXPECT_LT(position(root, "make /usr read-only"), position(root, "put a file over /etc/hosts"));
}

TEST(SandboxSteps, files_of_a_root_of_layers_are_its_top_layer) {
  RootSpec spec = small_spec();
  spec.system.clear();
  spec.layers_directory = "/state/layers";
  spec.layers = {"a"};
  spec.placed = {{"/etc/hosts", "127.0.0.1 a\n"}};
  const std::vector<Step> root = plan_sandbox(spec).root;
  EXPECT_EQ(root.at(position(root, "write /etc/hosts")).source, "/tmp/places/etc/hosts");
  EXPECT_LT(position(root, "write /etc/hosts"), position(root, "mount the image"));
}

TEST(SandboxSteps, a_runtime_is_started_in_a_linked_network) {
  RootSpec spec = small_spec();
  spec.for_runtime = true;
  const auto namespaces = [&] {
    const std::vector<Step> root = plan_sandbox(spec).root;
    return root.at(position(root, "make namespaces")).flags;
  };
  EXPECT_EQ(namespaces(), std::uint64_t{CLONE_NEWNS});
  spec.network = SandboxNetwork::egress;
  EXPECT_EQ(namespaces(), std::uint64_t{CLONE_NEWNS | CLONE_NEWNET});
}

TEST(SandboxSteps, an_image_is_mounted_on_its_places) {
  RootSpec spec = small_spec();
  spec.system.clear();
  spec.layers_directory = "/store/layers";
  spec.layers = {"lower", "upper"};
  const std::vector<Step> steps = plan_sandbox(spec).root;
  EXPECT_EQ(format_steps(steps),
            "join the control group /sys/fs/cgroup/pids/reeve/cgroup.procs\n"
            "make a session keyring\n"
            "enter the user namespace\n"
            "become an ordinary user [0x1]\n"
            "make namespaces [0x46020000]\n"
            "bring the loopback interface up\n"
            "keep mounts from spreading [0x84000]\n"
            "mount an empty root (mode=0755,size=1m) [0x6]\n"
            "make /proc [0x1ed]\n"
            "make /tmp [0x1ed]\n"
            "make /run [0x1ed]\n"
            "make /run/reeve [0x1ed]\n"
            "make /var [0x1ed]\n"
            "link /var/tmp\n"
            "make /dev [0x1ed]\n"
            "make /dev/null\n"
            "make /dev/shm [0x1ed]\n"
            "make /dev/pts [0x1ed]\n"
            "link /dev/ptmx\n"
            "link /dev/fd\n"
            "link /dev/stdin\n"
            "link /dev/stdout\n"
            "link /dev/stderr\n"
            "make /home/ada/work [0x1ed]\n"
            "make /tmp/root [0x1ed]\n"
            "make /tmp/layers [0x1ed]\n"
            "give the layers of the image\n"
            "mount the image (/tmp/places:upper:lower) [0x7]\n"
            "put the layers away\n"
            "bind /proc\n"
            "bind /dev/null\n"
            "give /home/ada/work\n"
            "hide /home/ada/work/.reeve (mode=0755,size=64k) [0xe]\n"
            "make /home/ada/work/.reeve/artifacts [0x1ed]\n"
            "give /home/ada/work/.reeve/artifacts\n"
            "change to the composed root\n"
            "make the cover of /home/ada/work/.reeve read-only [0x102f]\n"
            "leave no core files\n"
            "give up all privileges to come\n");
  // The layers come as a descriptor behind those of the paths.
  EXPECT_EQ(steps[position(steps, "give the layers of the image")].number, 3);
  EXPECT_EQ(steps[position(steps, "change to the composed root")].target, "/tmp/root");
  EXPECT_EQ(plan_sandbox(spec).attempt, plan_sandbox(small_spec()).attempt);
}

TEST(SandboxSteps, the_network_of_the_host_is_kept_only_when_asked_for) {
  RootSpec spec = small_spec();
  const auto flags = [&] {
    const std::vector<Step> steps = plan_sandbox(spec).root;
    return steps[position(steps, "make namespaces")].flags;
  };
  EXPECT_NE(flags() & CLONE_NEWNET, 0U);
  spec.network = SandboxNetwork::host;
  EXPECT_EQ(flags() & CLONE_NEWNET, 0U);
  EXPECT_THAT(format_steps(plan_sandbox(spec).root), Not(HasSubstr("loopback")));
}

TEST(SandboxSteps, a_path_below_a_private_directory_is_given_again_each_time) {
  RootSpec spec = small_spec();
  spec.paths = {{"/tmp/work", true, true}, {"/tmp/work/inner", true, false}};
  spec.masked.clear();
  const std::vector<Step> steps = plan_sandbox(spec).attempt;
  const std::size_t held = position(steps, "hold /tmp/work");
  const std::size_t mounted = position(steps, "mount /tmp");
  const std::size_t given = position(steps, "give /tmp/work");
  EXPECT_LT(held, mounted);
  EXPECT_LT(mounted, given);
  EXPECT_EQ(steps[held].number, steps[given].number);
  // What is inside it comes along.
  EXPECT_THAT(format_steps(steps), Not(HasSubstr("inner")));
}

TEST(SandboxSteps, what_is_masked_and_not_in_sight_needs_no_cover) {
  RootSpec spec = small_spec();
  spec.masked = {"/elsewhere/.reeve"};
  EXPECT_THAT(format_steps(plan_sandbox(spec).root), Not(HasSubstr("elsewhere")));
}

TEST(SandboxSteps, nothing_of_the_host_is_writable_but_what_is_given) {
  const std::vector<Step> steps = plan_sandbox(small_spec()).root;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind != StepKind::bind || steps[i].source.starts_with("/dev/")) continue;
    if (steps[i].source == "/proc") continue;  // covered by the attempt's own
    ASSERT_LT(i + 1, steps.size());
    EXPECT_EQ(steps[i + 1].kind, StepKind::seal) << steps[i].source;
    EXPECT_EQ(steps[i + 1].target, steps[i].target);
  }
}

}  // namespace
}  // namespace reeve::sandbox
