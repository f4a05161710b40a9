#include "supervisor/warm.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kScript = "/run/reeve/script";

Launch launch_of(WarmKind kind, std::vector<std::string> arguments) {
  Launch launch;
  launch.arguments = std::move(arguments);
  launch.script = "text";
  launch.sandbox.warm.kind = kind;
  return launch;
}

WarmProgram program_of(const Launch& launch) {
  static const BaseEnvironment base({"PATH=/bin", "LANG=C", "TERM=dumb"});
  return warm_program(launch, {.base = &base, .script_path = kScript, .work_directory = "/work"});
}

std::string told(sandbox::WarmForm form, const WarmProgram& program,
                 std::vector<std::string> environment) {
  std::vector<char*> pointers;
  for (std::string& entry : environment) pointers.push_back(entry.data());
  pointers.push_back(nullptr);
  return hand_over_text(form, program,
                        {.arguments = {"python3", std::string(kScript)},
                         .script_path = kScript,
                         .work_directory = "/work",
                         .environment = pointers.data()});
}

TEST(Warm, only_text_in_the_native_tier_starts_warm) {
  Launch launch = launch_of(WarmKind::python, {"python3"});
  EXPECT_TRUE(starts_warm(launch));
  launch.sandbox.tier = SandboxTier::none;
  EXPECT_FALSE(starts_warm(launch));
  launch.sandbox.tier = SandboxTier::oci;
  EXPECT_FALSE(starts_warm(launch));
  launch.sandbox.tier = SandboxTier::native;
  launch.script.clear();
  EXPECT_FALSE(starts_warm(launch));
  // What does not fit was not let through by the parser; here it may come from anywhere.
  EXPECT_FALSE(starts_warm(launch_of(WarmKind::python, {"bash"})));
  EXPECT_FALSE(starts_warm(launch_of(WarmKind::command, {"sh"})));
  EXPECT_FALSE(starts_warm(launch_of(WarmKind::none, {"sh"})));
  EXPECT_FALSE(starts_warm(launch_of(WarmKind::python, {})));
}

TEST(Warm, an_interpreter_is_started_as_it_would_be_cold) {
  Launch launch = launch_of(WarmKind::python, {"python3"});
  launch.environment = {{"SECRET", "x"}, {"PYTHONPATH", "src"}, {"REEVE_TASK_ID", "t"}};
  launch.sandbox.warm.modules = {"json", "a\"b\n"};
  const WarmProgram program = program_of(launch);
  EXPECT_THAT(program.arguments, ElementsAre("python3", kScript));
  EXPECT_THAT(program.candidates, ElementsAre("/bin/python3"));
  // Sorted: the order of an environment is no reason to start another one.
  EXPECT_THAT(program.environment,
              ElementsAre("LANG=C", "PATH=/bin", "PYTHONPATH=/run/reeve/.warm:src", "TERM=dumb"));
  ASSERT_EQ(program.files.size(), 1U);
  EXPECT_THAT(program.files.front().content,
              StartsWith("MODULES = [\"json\", \"a\\\"b\\x0a\", ]\n"));
  EXPECT_EQ(program.work_directory, "/work");
}

TEST(Warm, programs_of_the_user_get_no_loader) {
  Launch launch = launch_of(WarmKind::command, {"python3"});
  launch.sandbox.warm.command = {"./template", "--quick"};
  const WarmProgram program = program_of(launch);
  EXPECT_THAT(program.arguments, ElementsAre("./template", "--quick"));
  EXPECT_TRUE(program.files.empty());
  EXPECT_THAT(program.environment, ElementsAre("LANG=C", "PATH=/bin", "TERM=dumb"));
}

TEST(Warm, what_interpreters_read_at_their_start_keeps_programs_apart) {
  const auto identity = [](const Launch& launch) {
    std::string text;
    program_of(launch).append_identity(text);
    return text;
  };
  const Launch plain = launch_of(WarmKind::python, {"python3"});
  Launch other = plain;
  other.environment = {{"COLOUR", "blue"}};
  EXPECT_EQ(identity(other), identity(plain));
  for (const char* name : {"PYTHONHASHSEED", "LC_ALL", "PATH", "TZ", "LD_PRELOAD"}) {
    other.environment = {{name, "1"}};
    EXPECT_NE(identity(other), identity(plain)) << name;
  }
  other = plain;
  other.sandbox.warm.modules = {"json"};
  EXPECT_NE(identity(other), identity(plain));
  EXPECT_NE(identity(launch_of(WarmKind::python, {"python3.11"})), identity(plain));
}

TEST(Warm, records_hold_every_byte) {
  const std::string text =
      told(sandbox::WarmForm::records, program_of(launch_of(WarmKind::python, {"python3"})),
           {"A=1\n2", "B=\xff="});
  EXPECT_EQ(text, std::string("directory=/work\0script=/run/reeve/script\0argument=python3\0"
                              "argument=/run/reeve/script\0environment=A=1\n2\0"
                              "environment=B=\xff=\0",
                              120));
}

TEST(Warm, text_for_a_shell_is_quoted) {
  const WarmProgram program = program_of(launch_of(WarmKind::sh, {"sh", "-e"}));
  EXPECT_THAT(program.arguments, ElementsAre("sh", "-e", "-c", HasSubstr(". /dev/fd/3"), "sh"));
  EXPECT_EQ(told(sandbox::WarmForm::sh, program,
                 {"PATH=/bin", "A=it's $x `y`\n", "no-name=1", "IFS=:", "1=2", "=3", "TERM=dumb"}),
            "exec 3<&-\n"
            "unset LANG\n"
            "export PATH='/bin'\n"
            "export A='it'\\''s $x `y`\n'\n"
            "export TERM='dumb'\n"
            ". '/run/reeve/script'\n");
}

}  // namespace
}  // namespace reeve::supervisor
