#include "egress/names.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <netdb.h>

#include "egress/machine.h"

namespace reeve::egress {
namespace {

using Answer = Result<std::vector<IpNetwork>>;

/// Shared by the threads and whoever waits for them, who may leave first.
struct Questions {
  std::mutex mutex;
  std::condition_variable answered;
  std::map<std::string, Answer, std::less<>> answers;
};

Answer ask(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int error = ::getaddrinfo(name.c_str(), nullptr, &hints, &first);
  if (error == EAI_NONAME || error == EAI_NODATA)
    return fail(ErrorCode::not_found, "egress: there is no host " + name);
  if (error != 0)
    return fail(ErrorCode::unavailable,
                "egress: cannot find the addresses of " + name + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(first, &::freeaddrinfo);
  std::vector<IpNetwork> found;
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next)
    if (const auto address = address_of(at->ai_addr)) found.push_back(*address);
  return found;
}

}  // namespace

Result<Addresses> resolve(const std::vector<std::string>& names, Duration limit) {
  const auto questions = std::make_shared<Questions>();  // shared: see there
  for (const std::string& name : names) {
    std::thread([questions, name] {
      Answer answer = ask(name);
      const std::lock_guard lock(questions->mutex);
      questions->answers.emplace(name, std::move(answer));
      questions->answered.notify_all();
    }).detach();
  }
  std::unique_lock lock(questions->mutex);
  const bool is_complete = questions->answered.wait_for(
      lock, limit, [&] { return questions->answers.size() == names.size(); });
  Addresses found;
  for (const std::string& name : names) {
    const auto at = questions->answers.find(name);
    if (at == questions->answers.end()) continue;
    if (!at->second) return tl::unexpected(at->second.error());
    found.emplace(name, *at->second);
  }
  if (is_complete) return found;
  std::string missing;
  for (const std::string& name : names)
    if (!found.contains(name)) missing += (missing.empty() ? "" : ", ") + name;
  return fail(ErrorCode::unavailable, "egress: the resolver of this machine did not say within " +
                                          format_duration(limit) + " which addresses " + missing +
                                          " has");
}

}  // namespace reeve::egress
