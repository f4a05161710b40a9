// The supervisor's accounts, without a process: admission, tokens, limits, environment, command,
// options, ends.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "supervisor/admission.h"
#include "supervisor/command.h"
#include "supervisor/ends.h"
#include "supervisor/environment.h"
#include "supervisor/files.h"
#include "supervisor/limits.h"
#include "supervisor/options.h"
#include "supervisor/state_lock.h"
#include "supervisor/token_set.h"
#include "supervisor/verdict.h"

namespace reeve::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Launch launch_of(std::uint64_t token, std::int64_t millicores) {
  Launch launch;
  launch.token = Token{token};
  launch.resources.cpu_millicores = millicores;
  return launch;
}

Resources cpus(std::int64_t millicores) { return launch_of(0, millicores).resources; }

std::uint64_t admitted(Admission& admission) {
  const auto launch = admission.admit();
  return launch ? launch->token.value : 0;
}

TEST(Admission, keeps_the_order_strictly) {
  Admission admission;
  admission.add(launch_of(1, 1000));
  EXPECT_EQ(admitted(admission), 0U) << "no capacity stated";
  admission.set_capacity(cpus(2000));
  admission.add(launch_of(2, 2000));
  admission.add(launch_of(3, 1000));
  EXPECT_EQ(admitted(admission), 1U);
  EXPECT_EQ(admitted(admission), 0U) << "3 would fit, but 2 is before it";
  admission.release(cpus(1000), {});
  EXPECT_EQ(admitted(admission), 2U);
  admission.release(cpus(2000), {});
  EXPECT_EQ(admitted(admission), 3U);
  EXPECT_EQ(admitted(admission), 0U);
}

Launch member_of(std::uint64_t batch, std::uint64_t token) {
  Launch launch = launch_of(token, 1000);
  launch.batch = Token{batch};
  return launch;
}

TEST(Admission, a_batch_has_the_room_of_one) {
  Admission admission;
  admission.set_capacity(cpus(1000));
  for (const std::uint64_t token : {1, 2, 3}) admission.add(member_of(1, token));
  admission.add(launch_of(4, 1000));
  EXPECT_EQ(admission.waiting(), 4U);
  EXPECT_EQ(admitted(admission), 1U);
  EXPECT_TRUE(admission.is_followed(Token{1}));
  EXPECT_EQ(admitted(admission), 0U);
  admission.release(cpus(1000), Token{1});
  EXPECT_EQ(admitted(admission), 2U);
  admission.release(cpus(1000), Token{1});
  EXPECT_EQ(admitted(admission), 3U);
  EXPECT_FALSE(admission.is_followed(Token{1}));
  admission.release(cpus(1000), Token{1});
  EXPECT_EQ(admitted(admission), 4U);
}

TEST(Admission, what_is_taken_out_of_a_batch_leaves_the_others_their_place) {
  Admission admission;
  admission.set_capacity(cpus(1000));
  for (const std::uint64_t token : {1, 2, 3}) admission.add(member_of(1, token));
  admission.add(launch_of(4, 1000));
  EXPECT_TRUE(admission.remove(Token{1}));
  EXPECT_FALSE(admission.is_waiting(Token{1}));
  EXPECT_EQ(admitted(admission), 2U) << "before 4, which came later";
  admission.release(cpus(1000), Token{1});
  EXPECT_TRUE(admission.remove(Token{3})) << "its room was free for it";
  EXPECT_EQ(admitted(admission), 4U);
  admission.release(cpus(1000), {});
  admission.add(member_of(1, 5));
  EXPECT_EQ(admitted(admission), 5U) << "one that comes late is a batch of its own";
}

TEST(Admission, gives_up_batches_too) {
  Admission admission;
  admission.set_capacity(cpus(1000));
  for (const std::uint64_t token : {1, 2}) admission.add(member_of(1, token));
  for (const std::uint64_t token : {3, 4}) admission.add(member_of(3, token));
  EXPECT_EQ(admitted(admission), 1U);
  std::size_t count = 0;
  while (admission.remove_first()) ++count;
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(admission.waiting(), 0U);
}

TEST(Admission, what_is_taken_out_lets_the_next_through) {
  Admission admission;
  admission.set_capacity(cpus(1000));
  admission.add(launch_of(1, 5000));
  admission.add(launch_of(2, 1000));
  EXPECT_EQ(admitted(admission), 0U);
  EXPECT_EQ(admission.remove(Token{9}), std::nullopt);
  EXPECT_EQ(admission.remove(Token{1})->token, Token{1});
  EXPECT_FALSE(admission.is_waiting(Token{1}));
  EXPECT_EQ(admitted(admission), 2U);
  EXPECT_EQ(admission.waiting(), 0U);
}

TEST(Admission, a_lower_capacity_waits_for_what_runs) {
  Admission admission;
  admission.set_capacity(cpus(3000));
  for (std::uint64_t token = 1; token <= 4; ++token) admission.add(launch_of(token, 1000));
  for (std::uint64_t token = 1; token <= 3; ++token) EXPECT_EQ(admitted(admission), token);
  admission.set_capacity(cpus(1000));
  admission.release(cpus(1000), {});
  EXPECT_EQ(admitted(admission), 0U);
  admission.release(cpus(1000), {});
  EXPECT_EQ(admitted(admission), 0U);
  admission.release(cpus(1000), {});
  EXPECT_EQ(admitted(admission), 4U);
}

RC_GTEST_PROP(TokenSet, is_a_set, (const std::vector<std::uint8_t>& tokens)) {
  TokenSet compact;
  std::set<std::uint64_t> plain;
  for (const std::uint8_t token : tokens) {
    compact.insert(Token{token});
    plain.insert(token);
  }
  std::size_t ranges = 0;
  for (std::uint64_t token = 0; token <= 256; ++token) {
    RC_ASSERT(compact.contains(Token{token}) == plain.contains(token));
    if (plain.contains(token) && !plain.contains(token + 1)) ++ranges;
  }
  RC_ASSERT(compact.range_count() == ranges);
}

TEST(TokenSet, stays_small_and_never_forgets) {
  TokenSet set;
  for (std::uint64_t i = 0; i < TokenSet::kRangesMax + 100; ++i) set.insert(Token{i * 2});
  EXPECT_EQ(set.range_count(), TokenSet::kRangesMax);
  for (std::uint64_t i = 0; i < TokenSet::kRangesMax + 100; ++i)
    ASSERT_TRUE(set.contains(Token{i * 2}));
  EXPECT_TRUE(set.contains(Token{1})) << "the lowest gaps are filled";
}

TEST(TokenSet, the_ends_of_the_numbers) {
  TokenSet set;
  set.insert(Token{~0ULL});
  set.insert(Token{0});
  EXPECT_TRUE(set.contains(Token{~0ULL}));
  EXPECT_TRUE(set.contains(Token{0}));
  EXPECT_FALSE(set.contains(Token{1}));
  EXPECT_EQ(set.range_count(), 2U);
}

TEST(Limits, each_is_found_at_its_time) {
  const Instant now = Instant{seconds(100)};
  Launch launch;
  launch.start_timeout = seconds(1);
  launch.run_timeout = seconds(10);
  launch.idle_timeout = seconds(4);
  Limits limits = Limits::of(launch, now);
  EXPECT_EQ(limits.next(), now + seconds(1));
  EXPECT_EQ(limits.check(now), Breach::none);
  EXPECT_EQ(limits.check(now + seconds(1)), Breach::start_timeout);
  limits.start_by = kNoDeadline;
  EXPECT_EQ(limits.check(now + seconds(4)), Breach::idle_timeout);
  limits.last_life = now + seconds(8);
  EXPECT_EQ(limits.check(now + seconds(9)), Breach::none);
  EXPECT_EQ(limits.next(), now + seconds(10));
  EXPECT_EQ(limits.check(now + seconds(10)), Breach::run_timeout);
  limits.stop(now + seconds(15));
  EXPECT_EQ(limits.check(now + seconds(14)), Breach::none);
  EXPECT_EQ(limits.next(), now + seconds(15));
  limits.stop(now + seconds(20));
  EXPECT_EQ(limits.next(), now + seconds(15)) << "a grace only gets shorter";
  EXPECT_EQ(limits.check(now + seconds(15)), Breach::grace_over);
  limits.clear();
  EXPECT_EQ(limits.next(), kNoDeadline);
}

TEST(Limits, none_and_endless_ones_never_come) {
  Limits limits = Limits::of(Launch{}, Instant{seconds(5)});
  EXPECT_EQ(limits.next(), kNoDeadline);
  EXPECT_EQ(deadline_after(Instant{seconds(5)}, Duration::max()), kNoDeadline);
  EXPECT_EQ(deadline_after(Instant{seconds(5)}, seconds(-5)), kNoDeadline);
}

std::vector<std::string> entries_of(const EnvironmentBlock& block) {
  std::vector<std::string> entries;
  for (char* const* at = block.pointers(); *at != nullptr; ++at) entries.emplace_back(*at);
  std::ranges::sort(entries);
  return entries;
}

TEST(Environment, later_and_nearer_values_win) {
  const BaseEnvironment base({"A=1", "B=1", "C=1", "A=2", "nonsense", "=x", "REEVE_TOKEN=outer",
                              "REEVE_URL=kept", "AA=3"});
  const EnvironmentBlock block(base, {{"B", "2"}, {"D", "4"}, {"B", "3"}, {"bad=", "x"}, {"", "y"}},
                               {{"D", "5"}, {"REEVE_TOKEN", "mine"}});
  EXPECT_EQ(entries_of(block), (std::vector<std::string>{"A=2", "AA=3", "B=3", "C=1", "D=5",
                                                         "REEVE_TOKEN=mine", "REEVE_URL=kept"}));
  EXPECT_STREQ(block.find("B"), "3");
  EXPECT_STREQ(block.find("AA"), "3");
  EXPECT_EQ(block.find("E"), nullptr);
}

TEST(Command, scripts_go_where_their_interpreter_finds_them) {
  Launch launch;
  launch.arguments = {"bash", "-e"};
  launch.script = "true";
  EXPECT_FALSE(needs_script_file(launch));
  EXPECT_EQ(command_line(launch, "/f"), (std::vector<std::string>{"bash", "-e", "-c", "true"}));
  launch.script = std::string(kInlineScriptBytesMax + 1, ' ');
  EXPECT_TRUE(needs_script_file(launch));
  EXPECT_EQ(command_line(launch, "/f"), (std::vector<std::string>{"bash", "-e", "/f"}));
  launch.arguments = {"/usr/bin/python3"};
  launch.script = "1";
  EXPECT_TRUE(needs_script_file(launch));
  launch.arguments = {"/bin/sh"};
  EXPECT_FALSE(needs_script_file(launch));
  launch.script.clear();
  EXPECT_EQ(command_line(launch, "/f"), launch.arguments);
}

TEST(Command, programs_are_looked_up_as_by_a_shell) {
  using Files = std::vector<std::string>;
  EXPECT_EQ(program_candidates("/a/b", "/bin"), (Files{"/a/b"}));
  EXPECT_EQ(program_candidates("./b", "/bin"), (Files{"./b"}));
  EXPECT_EQ(program_candidates("b", "/x:/y"), (Files{"/x/b", "/y/b"}));
  EXPECT_EQ(program_candidates("b", "/x::/y:"), (Files{"/x/b", "./b", "/y/b", "./b"}));
  EXPECT_EQ(program_candidates("b", ""), (Files{"./b"}));
  EXPECT_EQ(program_candidates("b", nullptr).size(), 3U);
  EXPECT_TRUE(program_candidates("", "/x").empty());
}

TEST(Options, are_read_as_they_are_written) {
  Options options;
  options.state_directory = "/state";
  options.engine_socket = 7;
  options.idle_end = milliseconds(1500);
  options.image_bytes_max = 12345;
  options.oci_runtime = "crun";
  const auto read = parse_options(format_options(options));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, options);
}

TEST(Options, mistakes_are_told) {
  using Arguments = std::vector<std::string>;
  for (const Arguments& wrong :
       {Arguments{}, Arguments{"--state"}, Arguments{"--state", "relative"},
        Arguments{"--state", "/s", "--engine-socket", "x"},
        Arguments{"--state", "/s", "--idle-end-ms", "-1"}, Arguments{"--state", "/s", "--no", "1"}})
    EXPECT_EQ(parse_options(wrong).error().code, ErrorCode::invalid_argument);
}

struct SpawnCase {
  SpawnStep step;
  int error;
  OutcomeClass kind;
  int code;
  ReasonCode reason;
};

TEST(Verdict, failures_of_the_machine_are_not_the_tasks) {
  using enum OutcomeClass;
  using R = ReasonCode;
  const SpawnStep program = SpawnStep::program;
  const SpawnStep directory = SpawnStep::directory;
  for (const SpawnCase& c : {
           SpawnCase{program, ENOENT, exited, 127, R::command_not_found},
           SpawnCase{program, ENOTDIR, exited, 127, R::command_not_found},
           SpawnCase{program, EACCES, exited, 126, R::command_not_executable},
           SpawnCase{program, ENOEXEC, exited, 126, R::command_not_executable},
           SpawnCase{program, E2BIG, exited, 126, R::command_not_executable},
           SpawnCase{program, EAGAIN, start_failed, 0, R::could_not_start},
           SpawnCase{program, ENOMEM, start_failed, 0, R::could_not_start},
           SpawnCase{program, EMFILE, start_failed, 0, R::could_not_start},
           SpawnCase{program, ENFILE, start_failed, 0, R::could_not_start},
           SpawnCase{program, EIO, start_failed, 0, R::could_not_start},
           SpawnCase{program, ETXTBSY, start_failed, 0, R::could_not_start},
           SpawnCase{directory, ENOENT, rejected, 0, R::path_not_usable},
           SpawnCase{directory, ENOTDIR, rejected, 0, R::path_not_usable},
           SpawnCase{directory, EACCES, rejected, 0, R::path_not_usable},
           SpawnCase{directory, ELOOP, rejected, 0, R::path_not_usable},
           SpawnCase{directory, ENAMETOOLONG, rejected, 0, R::path_not_usable},
           SpawnCase{directory, ENOMEM, start_failed, 0, R::could_not_start},
           SpawnCase{directory, EIO, start_failed, 0, R::could_not_start},
           SpawnCase{SpawnStep::session, EPERM, start_failed, 0, R::could_not_start},
           SpawnCase{SpawnStep::limits, EPERM, start_failed, 0, R::could_not_start},
           SpawnCase{SpawnStep::streams, ENOENT, start_failed, 0, R::could_not_start},
       }) {
    const Outcome outcome = outcome_of_failed_spawn(c.step, c.error);
    EXPECT_EQ(outcome.kind, c.kind) << c.error;
    EXPECT_EQ(outcome.code, c.code) << c.error;
    EXPECT_EQ(outcome.reason.code, c.reason) << c.error;
  }
}

TEST(Verdict, a_refusal_is_tried_again_where_it_may_pass) {
  for (const ErrorCode passing :
       {ErrorCode::exhausted, ErrorCode::io_failed, ErrorCode::unavailable, ErrorCode::conflict})
    EXPECT_EQ(outcome_of_refusal(passing).kind, OutcomeClass::start_failed);
  for (const ErrorCode lasting : {ErrorCode::unsupported, ErrorCode::invalid_argument})
    EXPECT_EQ(outcome_of_refusal(lasting).kind, OutcomeClass::rejected);
  for (const ErrorCode path : {ErrorCode::not_found, ErrorCode::permission_denied}) {
    EXPECT_EQ(outcome_of_refusal(path).reason.code, ReasonCode::path_not_usable);
    EXPECT_EQ(outcome_of_refusal(path).kind, OutcomeClass::rejected);
    // The engine's own files and control groups are no fault of the task.
    EXPECT_EQ(outcome_of_refusal(of_machine({path, "cannot write", {}}).code).kind,
              OutcomeClass::start_failed);
  }
}

class StateDirectory : public testing::Test {
 protected:
  StateDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "reeve_state_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~StateDirectory() override { std::filesystem::remove_all(directory_); }
  std::string spool() const { return state_file(directory_, kSpoolName); }

  static Ended end_of(std::uint64_t token) {
    Ended ended;
    ended.end.token = Token{token};
    ended.end.outcome = {OutcomeClass::exited, 3, {ReasonCode::exit_status, 0, 3}};
    ended.end.message = "message " + std::to_string(token);
    return ended;
  }

  std::string directory_;
};

TEST_F(StateDirectory, ends_survive_in_the_spool_until_they_are_forgotten) {
  Ends first(spool());
  EXPECT_TRUE(first.load());
  EXPECT_TRUE(first.save());
  EXPECT_FALSE(std::filesystem::exists(spool())) << "nothing to keep";
  for (std::uint64_t token = 1; token <= 3; ++token) first.add(end_of(token));
  EXPECT_TRUE(first.forget(Token{2}));
  EXPECT_FALSE(first.forget(Token{2}));
  EXPECT_TRUE(first.save());
  Ends second(spool());
  EXPECT_TRUE(second.load());
  EXPECT_EQ(second.size(), 2U);
  ASSERT_NE(second.find(Token{3}), nullptr);
  EXPECT_EQ(*second.find(Token{3}), end_of(3));
  EXPECT_TRUE(second.forget(Token{1}));
  EXPECT_TRUE(std::filesystem::exists(spool()));
  EXPECT_TRUE(second.forget(Token{3}));
  EXPECT_FALSE(std::filesystem::exists(spool()));
}

TEST_F(StateDirectory, a_damaged_spool_gives_what_stands_before_the_damage) {
  Ends first(spool());
  for (std::uint64_t token = 1; token <= 3; ++token) first.add(end_of(token));
  EXPECT_TRUE(first.save());
  const std::string whole = read_file_prefix(spool(), 1 << 20);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(spool(), std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    Ends torn(spool());
    static_cast<void>(torn.load());
    EXPECT_LE(torn.size(), 2U);
  }
  for (std::size_t place = 9; place < whole.size(); ++place) {
    std::string flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ 1);
    std::ofstream(spool(), std::ios::binary | std::ios::trunc) << flipped;
    Ends damaged(spool());
    EXPECT_FALSE(damaged.load()) << place;
    damaged.for_each([](const Ended& ended) { EXPECT_EQ(ended, end_of(ended.end.token.value)); });
  }
}

TEST_F(StateDirectory, one_holds_the_lock_and_leaves_word_of_a_bad_end) {
  {
    auto first = StateLock::take(directory_);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->was_left_dirty());
    EXPECT_EQ(StateLock::take(directory_).error().code, ErrorCode::conflict);
    first->mark_dirty();
  }
  {
    auto second = StateLock::take(directory_);
    ASSERT_TRUE(second);
    EXPECT_TRUE(second->was_left_dirty());
    second->mark_clean();
  }
  EXPECT_FALSE(StateLock::take(directory_)->was_left_dirty());
}

TEST_F(StateDirectory, has_one_id_for_its_life) {
  const auto id = load_state_id(directory_);
  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 32U);
  EXPECT_EQ(load_state_id(directory_), id);
  std::ofstream(state_file(directory_, kIdName)) << "damaged";
  const auto other = load_state_id(directory_);
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *id);
}

TEST_F(StateDirectory, directories_are_made_as_needed) {
  EXPECT_TRUE(make_directories(directory_ + "/a/b/c"));
  EXPECT_TRUE(make_directories(directory_ + "/a/b/c"));
  std::ofstream(directory_ + "/file") << "x";
  EXPECT_FALSE(make_directories(directory_ + "/file"));
  EXPECT_FALSE(make_directories(directory_ + "/file/below"));
  EXPECT_EQ(read_file(directory_ + "/file", 0).error().code, ErrorCode::exhausted);
  EXPECT_EQ(*read_file(directory_ + "/file", 1), "x");
  EXPECT_EQ(read_file(directory_ + "/none", 1).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace reeve::supervisor
