#include "cli/resource_list.h"

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace reeve::cli {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.m") == std::string_view::npos;
}

tl::unexpected<Failure> refuse(std::string_view option, std::string_view part,
                               std::string_view why) {
  return usage(fmt::format("--{} {}: {}", option, part, why));
}

Checked<void> read_part(std::string_view option, std::string_view part, Resources& out) {
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return refuse(option, part, "expected a number of cpus, or NAME=AMOUNT parts with commas");
  std::string_view name = part.substr(0, equals);
  const std::string_view amount = part.substr(equals + 1);
  const bool in_millis = name == "cpu" || name == "gpu";
  if (in_millis || name == "memory" || name == "disk") {
    const auto value = in_millis ? parse_millis(amount) : parse_bytes(amount);
    if (!value) return refuse(option, part, value.error().message);
    if (name == "cpu") out.cpu_millicores = *value;
    if (name == "gpu") out.gpu_milli = *value;
    if (name == "memory") out.memory_bytes = *value;
    if (name == "disk") out.disk_bytes = *value;
    return {};
  }
  for (const std::string_view prefix : {"licence.", "license."}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  Countable item{std::string(name), 0};
  const auto [stop, error] =
      std::from_chars(amount.data(), amount.data() + amount.size(), item.amount);
  if (error != std::errc{} || stop != amount.data() + amount.size() || item.amount < 1)
    return refuse(option, part, "expected a whole number above zero");
  out.countables.push_back(std::move(item));
  return {};
}

}  // namespace

Checked<Resources> parse_resource_list(std::string_view option, std::string_view text) {
  Resources out;
  if (is_number(text)) {
    const auto cpus = parse_millis(text);
    if (!cpus) return refuse(option, text, cpus.error().message);
    if (*cpus == 0) return refuse(option, text, "expected a number above zero");
    out.cpu_millicores = *cpus;
    return out;
  }
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    TRY(read_part(option, text.substr(begin, end - begin), out));
    begin = end + 1;
  }
  std::ranges::sort(out.countables);
  return out;
}

Resources machine_capacity() {
  Resources out;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const bool known = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const long cpus = known ? CPU_COUNT(&allowed) : ::sysconf(_SC_NPROCESSORS_ONLN);
  out.cpu_millicores = std::max(cpus, 1L) * 1000;
  const std::int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const std::int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) out.memory_bytes = pages * page_bytes;
  struct statvfs disk {};
  if (::statvfs(".", &disk) == 0)
    out.disk_bytes = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  return out;
}

Checked<Resources> parse_capacity(std::string_view option, std::string_view text) {
  TRY_ASSIGN(Resources given, parse_resource_list(option, text));
  const Resources machine = machine_capacity();
  if (given.cpu_millicores == 0) given.cpu_millicores = machine.cpu_millicores;
  if (given.memory_bytes == 0) given.memory_bytes = machine.memory_bytes;
  if (given.disk_bytes == 0) given.disk_bytes = machine.disk_bytes;
  return given;
}

}  // namespace reeve::cli
