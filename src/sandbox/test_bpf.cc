#include "sandbox/test_bpf.h"

#include <linux/seccomp.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <vector>

namespace reeve::sandbox::test {
namespace {

/// Where the program stands. No value: the accumulator depends on an argument that is not known.
struct State {
  std::size_t place = 0;
  std::optional<std::uint32_t> accumulator = 0;
};

struct Input {
  Call call;
  bool knows_arguments = true;
};

struct Step {
  std::vector<State> next;
  std::string verdict;  ///< "" if it goes on
};

std::string verdict_name(std::uint32_t value) {
  switch (value) {
    case SECCOMP_RET_ALLOW: return "allow";
    case SECCOMP_RET_KILL_PROCESS: return "kill";
    case SECCOMP_RET_ERRNO | EPERM: return "EPERM";
    case SECCOMP_RET_ERRNO | ENOSYS: return "ENOSYS";
    default: return "malformed: returns " + std::to_string(value);
  }
}

/// The word of seccomp_data at an offset; no value inside if it is an argument and not known.
std::optional<State> load(const Input& input, const State& at, std::uint32_t offset) {
  constexpr std::size_t kArguments = offsetof(seccomp_data, args);
  State next{at.place + 1, 0};
  if (offset == offsetof(seccomp_data, nr)) {
    next.accumulator = input.call.number;
  } else if (offset == offsetof(seccomp_data, arch)) {
    next.accumulator = input.call.architecture;
  } else if (offset < kArguments || offset % 4 != 0 || offset >= sizeof(seccomp_data)) {
    return std::nullopt;
  } else if (!input.knows_arguments) {
    next.accumulator.reset();
  } else {
    const std::uint64_t whole = input.call.arguments.at((offset - kArguments) / 8);
    next.accumulator = static_cast<std::uint32_t>(offset % 8 == 0 ? whole : whole >> 32);
  }
  return next;
}

std::optional<bool> compare(std::uint16_t test, std::uint32_t left, std::uint32_t right) {
  switch (test) {
    case BPF_JEQ: return left == right;
    case BPF_JGT: return left > right;
    case BPF_JGE: return left >= right;
    case BPF_JSET: return (left & right) != 0;
    default: return std::nullopt;
  }
}

Step malformed(const State& at) { return {{}, "malformed at " + std::to_string(at.place)}; }

Step jump(const sock_filter& instruction, const State& at) {
  if (BPF_OP(instruction.code) == BPF_JA)
    return {{State{at.place + 1 + instruction.k, at.accumulator}}, ""};
  const State yes{at.place + 1 + instruction.jt, at.accumulator};
  const State no{at.place + 1 + instruction.jf, at.accumulator};
  const auto holds = compare(BPF_OP(instruction.code), at.accumulator.value_or(0), instruction.k);
  if (!holds) return malformed(at);
  if (!at.accumulator) return {{yes, no}, ""};
  return {{*holds ? yes : no}, ""};
}

Step step(const sock_filter& instruction, const Input& input, const State& at) {
  switch (instruction.code) {
    case BPF_RET | BPF_K: return {{}, verdict_name(instruction.k)};
    case BPF_LD | BPF_W | BPF_ABS: {
      const auto next = load(input, at, instruction.k);
      return next ? Step{{*next}, ""} : malformed(at);
    }
    case BPF_ALU | BPF_AND | BPF_K: {
      State next{at.place + 1, at.accumulator};
      if (next.accumulator) *next.accumulator &= instruction.k;
      return {{next}, ""};
    }
    default:
      if (BPF_CLASS(instruction.code) == BPF_JMP && BPF_SRC(instruction.code) == BPF_K)
        return jump(instruction, at);
      return malformed(at);
  }
}

/// Jumps only lead forward, so this ends.
std::set<std::string> run(std::span<const sock_filter> program, const Input& input) {
  std::set<std::string> found;
  std::vector<State> open{State{}};
  while (!open.empty()) {
    const State at = open.back();
    open.pop_back();
    if (at.place >= program.size()) {
      found.insert("malformed: runs past its end");
      continue;
    }
    Step taken = step(program[at.place], input, at);
    if (!taken.verdict.empty()) found.insert(std::move(taken.verdict));
    open.insert(open.end(), taken.next.begin(), taken.next.end());
  }
  return found;
}

}  // namespace

std::string verdict(std::span<const sock_filter> program, const Call& call) {
  return *run(program, {.call = call}).begin();
}

std::set<std::string> verdicts(std::span<const sock_filter> program, std::uint32_t number) {
  return run(program, {.call = {.number = number}, .knows_arguments = false});
}

}  // namespace reeve::sandbox::test
