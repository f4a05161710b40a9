#include "images/skopeo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>

#include "base/fd.h"
#include "base/text.h"
#include "images/documents.h"

namespace reeve::images {
namespace {

constexpr std::size_t kComplaintBytesMax = 16U << 10;

struct Sign {
  std::string_view text;  ///< in lower case
  ErrorCode code;
  std::string_view words;
};
// The first that is found counts: what is certain comes before what may have caused it.
constexpr Sign kSigns[] = {
    {"manifest unknown", ErrorCode::not_found, "there is no such image in the registry"},
    {"name unknown", ErrorCode::not_found, "there is no such image in the registry"},
    {"blob unknown", ErrorCode::not_found, "the registry lacks a layer of the image"},
    {"not found", ErrorCode::not_found, "there is no such image in the registry"},
    {"digest did not match", ErrorCode::corrupt,
     "a layer does not have the digest that the image says (cut off or changed)"},
    {"does not match", ErrorCode::corrupt,
     "what the registry gave does not have the digest that was asked for"},
    {"unauthorized", ErrorCode::permission_denied,
     "the registry wants a login: use `skopeo login` as the user of this engine"},
    {"access to the resource is denied", ErrorCode::permission_denied,
     "there is no such image, or the registry wants a login: use `skopeo login`"},
    {"server gave http response to https client", ErrorCode::unsupported,
     "the registry does not speak TLS, which only one on this machine need not"},
    {"x509:", ErrorCode::permission_denied,
     "the registry's certificate is not trusted; see containers-certs.d(5)"},
    {"no space left", ErrorCode::io_failed, "the disk is full"},
    {"source image rejected", ErrorCode::permission_denied,
     "the policy of this machine refuses it; see containers-policy.json(5)"},
    {"too many requests", ErrorCode::unavailable, "the registry asks to come back later"},
    {"toomanyrequests", ErrorCode::unavailable, "the registry asks to come back later"},
    {"connection refused", ErrorCode::unavailable, "the registry cannot be reached"},
    {"no such host", ErrorCode::unavailable, "the registry cannot be reached"},
    {"network is unreachable", ErrorCode::unavailable, "the registry cannot be reached"},
    {"timeout", ErrorCode::unavailable, "the registry does not answer"},
    {"server misbehaving", ErrorCode::unavailable, "the registry cannot be reached"},
    {"eof", ErrorCode::unavailable, "the registry ended the transfer"},
    {"connection reset", ErrorCode::unavailable, "the registry ended the transfer"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// skopeo's own words, without its time and level, short enough for a line.
std::string essence(std::string_view complaint) {
  constexpr std::size_t kBytesMax = 400;
  while (complaint.ends_with('\n')) complaint.remove_suffix(1);
  complaint = complaint.substr(complaint.rfind('\n') + 1);
  constexpr std::string_view kMessage = "msg=\"";
  if (const std::size_t at = complaint.find(kMessage); at != std::string_view::npos) {
    complaint.remove_prefix(at + kMessage.size());
    if (complaint.ends_with('"')) complaint.remove_suffix(1);
  }
  std::string text;
  for (std::size_t i = 0; i < complaint.size(); ++i) {
    if (complaint[i] == '\\' && i + 1 < complaint.size()) continue;
    text.push_back(complaint[i]);
  }
  return sanitize_for_terminal(text.substr(0, kBytesMax));
}

/// Whoever set a policy for this machine wants it to hold; a machine without one refuses nothing.
bool has_policy() {
  if (::access("/etc/containers/policy.json", F_OK) == 0) return true;
  const char* const home = ::getenv("HOME");
  return home != nullptr &&
         ::access((std::string(home) + "/.config/containers/policy.json").c_str(), F_OK) == 0;
}

[[noreturn]] void become(const char* program, char* const* arguments, int output, int errors,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  ::execvp(program, arguments);
  ::_exit(errno == ENOENT ? 127 : 126);
}

struct Streams {
  Fd output;
  Fd errors;
};

/// Until both have ended.
void read_both(const Streams& streams, const std::function<void(std::string_view)>& take,
               std::string& complaint) {
  std::array<char, 16384> buffer;
  std::array<pollfd, 2> waiting{pollfd{streams.output.get(), POLLIN, 0},
                                pollfd{streams.errors.get(), POLLIN, 0}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      const ssize_t got = ::read(waiting[i].fd, buffer.data(), buffer.size());
      if (got <= 0) {
        waiting[i].fd = -1;
        continue;
      }
      const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
      if (i == 0) take(bytes);
      if (i == 1) complaint.append(bytes);
      if (complaint.size() > kComplaintBytesMax)
        complaint.erase(0, complaint.size() - kComplaintBytesMax);
    }
  }
}

}  // namespace

Error explain_skopeo(std::string_view complaint, const ImageReference& image) {
  const std::string text = lower(complaint);
  const auto* const sign = std::ranges::find_if(
      kSigns, [&](const Sign& each) { return text.find(each.text) != std::string::npos; });
  Error error;
  error.code = ErrorCode::unavailable;
  std::string words = "skopeo could not fetch it";
  if (sign != std::end(kSigns)) {
    error.code = sign->code;
    words = sign->words;
  }
  error.message = "image " + image.name + ": " + words;
  if (const std::string own = essence(complaint); !own.empty()) error.causes.push_back(own);
  return error;
}

Status Skopeo::run(const ImageReference& image, std::vector<std::string> arguments,
                   const std::function<void(std::string_view)>& take) const {
  if (!has_policy()) arguments.insert(arguments.begin(), "--insecure-policy");
  arguments.insert(arguments.begin(), program_);
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  int output[2];
  int errors[2];
  if (::pipe2(output, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  Streams streams{Fd(output[0]), {}};
  Fd output_end(output[1]);
  if (::pipe2(errors, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  streams.errors.reset(errors[0]);
  Fd errors_end(errors[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(errno, "cannot start skopeo");
  if (pid == 0) become(program_.c_str(), words.data(), output_end.get(), errors_end.get(), parent);
  output_end.reset();
  errors_end.reset();
  std::string complaint;
  read_both(streams, take, complaint);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && complaint.empty())
    return fail(ErrorCode::unsupported, "image " + image.name +
                                            ": there is no skopeo, which fetches images: "
                                            "apt install skopeo");
  return tl::unexpected(explain_skopeo(complaint, image));
}

Result<std::string> Skopeo::manifest(const ImageReference& image,
                                     const std::string& reference) const {
  std::vector<std::string> arguments{"inspect", "--raw"};
  if (image.is_loopback()) arguments.emplace_back("--tls-verify=false");
  arguments.push_back("docker://" + reference);
  std::string text;
  TRY(run(image, std::move(arguments), [&](std::string_view bytes) {
    if (text.size() <= kDocumentBytesMax) text.append(bytes);
  }));
  return text;
}

Status Skopeo::copy(const ImageReference& image, const std::string& digest,
                    const std::string& layout, const std::string& blobs,
                    const std::function<void(std::string_view)>& tell) const {
  std::vector<std::string> arguments{"copy", "--remove-signatures", "--dest-shared-blob-dir",
                                     blobs};
  if (image.is_loopback()) arguments.emplace_back("--src-tls-verify=false");
  arguments.push_back("docker://" + image.name + "@" + digest);
  arguments.push_back("oci:" + layout + ":image");
  std::string line;
  return run(image, std::move(arguments), [&](std::string_view bytes) {
    for (const char c : bytes) {
      if (c != '\n') {
        if (line.size() < 256) line.push_back(c);
        continue;
      }
      constexpr std::string_view kBlob = "Copying blob ";
      if (line.starts_with(kBlob))
        tell(std::string_view(line).substr(kBlob.size(), kSha256DigitsAt + 64));
      line.clear();
    }
  });
}

}  // namespace reeve::images
