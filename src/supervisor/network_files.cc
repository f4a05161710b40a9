#include "supervisor/network_files.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "sandbox/host.h"

namespace reeve::supervisor {
namespace {

constexpr const char* kHosts = "/etc/hosts";
constexpr std::string_view kNoServer =
    "# This sandbox asks no server for names: those that it may reach are in /etc/hosts.\n";
constexpr std::string_view kSources =
    "passwd: files\ngroup: files\nshadow: files\nhosts: files\nnetworks: files\n"
    "protocols: files\nservices: files\nethers: files\nrpc: files\n";

/// Whether the sandbox sees it at its path, read-only.
bool is_of_system(const std::string& path) {
  const auto entries = sandbox::Host::system_entries();
  return std::ranges::any_of(entries, [&](const sandbox::SystemEntry& entry) {
    return entry.link_target.empty() && path.starts_with(entry.path + "/");
  });
}

}  // namespace

Result<std::vector<sandbox::PlacedFile>> network_files(const std::string& hosts, bool is_layered) {
  std::vector<sandbox::PlacedFile> files{{kHosts, hosts},
                                         {"/etc/resolv.conf", std::string(kNoServer)},
                                         {"/etc/nsswitch.conf", std::string(kSources)}};
  if (is_layered) return files;
  std::vector<sandbox::PlacedFile> placed;
  for (sandbox::PlacedFile& file : files) {
    // Often a link to where a service keeps it, which is not in sight: then it is made there.
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(file.path.c_str(), nullptr),
                                                        &::free);
    if (!real && file.path == kHosts)
      return fail(ErrorCode::unsupported,
                  "egress: this machine has no /etc/hosts over which names could be put; make one");
    // Without it there is no server either.
    if (!real) continue;
    file.path = real.get();
    file.is_there = is_of_system(file.path);
    placed.push_back(std::move(file));
  }
  return placed;
}

}  // namespace reeve::supervisor
