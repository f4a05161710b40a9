#include "supervisor/image_fetches.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/image_reference.h"

namespace reeve::supervisor {
namespace {

/// Tags that are remembered, over all runs.
constexpr std::size_t kNamesMax = 1024;
constexpr std::size_t kLineBytesMax = 64U << 10;

[[noreturn]] void become(char* const* arguments, int lines, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(lines, STDOUT_FILENO) < 0) ::_exit(1);
  ::execv("/proc/self/exe", arguments);
  ::_exit(1);
}

}  // namespace

ImageFetches::ImageFetches(Settings settings, Leftovers& leftovers)
    : settings_(std::move(settings)),
      leftovers_(leftovers),
      store_(settings_.state_directory + "/images") {}

ImageFetches::~ImageFetches() {
  for (const auto& [number, fetch] : fetches_)
    if (fetch.pid > 0) ::kill(fetch.pid, SIGKILL);
}

SharedImage ImageFetches::find_ready(const std::string& digest) {
  const auto at = ready_.find(digest);
  SharedImage image = at == ready_.end() ? nullptr : at->second;
  if (image == nullptr && !is_cleaning()) {
    if (auto found = store_.find(digest)) {
      image = std::make_shared<const images::Image>(*std::move(found));
      ready_[digest] = image;
    }
  }
  if (image != nullptr) store_.touch(digest);
  return image;
}

bool ImageFetches::is_cleaning() const {
  return std::ranges::any_of(fetches_, [](const auto& entry) { return entry.second.name.empty(); });
}

Result<SharedImage> ImageFetches::want(const Wish& wish) {
  TRY_ASSIGN(const ImageReference reference, parse_image_reference(wish.name));
  std::string digest = reference.digest;
  if (digest.empty()) {
    const auto meant = std::ranges::find(named_, std::pair(wish.run, wish.name),
                                         [](const auto& entry) { return entry.first; });
    if (meant != named_.end()) digest = meant->second;
  }
  if (!digest.empty()) {
    if (SharedImage image = find_ready(digest)) return image;
  }
  for (auto& [number, fetch] : fetches_) {
    if (fetch.name != wish.name || fetch.has_answer) continue;
    fetch.waiting.emplace_back(wish.who, wish.run);
    return SharedImage();
  }
  const auto held = std::ranges::find(held_, wish.name, &Fetch::name);
  if (held != held_.end()) {
    held->waiting.emplace_back(wish.who, wish.run);
    return SharedImage();
  }
  Fetch fetch;
  fetch.name = wish.name;
  fetch.waiting.emplace_back(wish.who, wish.run);
  is_grown_ = true;
  if (is_cleaning())
    held_.push_back(std::move(fetch));
  else
    TRY(start(std::move(fetch), {"fetch", store_.directory(), wish.name}));
  return SharedImage();
}

Status ImageFetches::start(Fetch fetch, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"reeve", "supervisor", std::string(images::kFetchWord)});
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  fetch.lines.reset(ends[0]);
  const Fd writer(ends[1]);
  if (::fcntl(fetch.lines.get(), F_SETFL, O_NONBLOCK) != 0)
    return fail_errno(errno, "cannot set up a pipe");
  const pid_t parent = ::getpid();
  fetch.pid = ::fork();
  if (fetch.pid < 0) return fail_errno(errno, "cannot start the process that fetches images");
  if (fetch.pid == 0) become(words.data(), writer.get(), parent);
  leftovers_.add_enclosed(fetch.pid);
  const FetchNumber number = ++last_number_;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = settings_.tag(number);
  if (::epoll_ctl(settings_.epoll, EPOLL_CTL_ADD, fetch.lines.get(), &event) != 0) {
    ::kill(fetch.pid, SIGKILL);
    return fail_errno(errno, "cannot watch a fetch");
  }
  fetches_.emplace(number, std::move(fetch));
  return {};
}

/// The store has been cleaned up: what waited for that begins.
void ImageFetches::start_held(std::vector<News>& news) {
  for (Fetch& fetch : std::exchange(held_, {})) {
    const std::string name = fetch.name;
    News told;
    for (const auto& [serial, run] : fetch.waiting) told.waiting.push_back(serial);
    const Status started = start(std::move(fetch), {"fetch", store_.directory(), name});
    if (started) continue;
    told.what = started.error();
    news.push_back(std::move(told));
  }
}

void ImageFetches::leave(Serial who) {
  for (Fetch& fetch : held_)
    std::erase_if(fetch.waiting, [&](const auto& entry) { return entry.first == who; });
  std::erase_if(held_, [](const Fetch& fetch) { return fetch.waiting.empty(); });
  for (auto& [number, fetch] : fetches_) {
    const auto removed =
        std::erase_if(fetch.waiting, [&](const auto& entry) { return entry.first == who; });
    if (removed == 0 || !fetch.waiting.empty() || fetch.has_answer) continue;
    // Its end shows on its pipe, and is nobody's.
    fetch.has_answer = true;
    if (fetch.pid > 0) ::kill(fetch.pid, SIGKILL);
  }
}

void ImageFetches::remember(const Uuid& run, const std::string& name, const std::string& digest) {
  named_.emplace_back(std::pair(run, name), digest);
  if (named_.size() > kNamesMax) named_.pop_front();
}

void ImageFetches::answer(Fetch& fetch, images::FetchLine line, std::vector<News>& news) {
  News told;
  for (const auto& [serial, run] : fetch.waiting) told.waiting.push_back(serial);
  if (const auto* done = std::get_if<images::Done>(&line)) {
    const SharedImage image = find_ready(done->digest);
    if (image != nullptr) {
      for (const auto& [serial, run] : fetch.waiting) remember(run, fetch.name, done->digest);
      told.what = image;
    } else {
      told.what = Error{ErrorCode::io_failed, "image " + fetch.name + " is gone again", {}};
    }
  } else if (auto* error = std::get_if<Error>(&line)) {
    told.what = std::move(*error);
  }
  fetch.has_answer = true;
  fetch.waiting.clear();
  news.push_back(std::move(told));
}

void ImageFetches::on_line(Fetch& fetch, std::string_view text, std::vector<News>& news) {
  images::FetchLine line = images::read_fetch_line(text);
  if (fetch.has_answer || fetch.name.empty()) return;
  if (auto* note = std::get_if<images::Note>(&line)) {
    News told;
    for (const auto& [serial, run] : fetch.waiting) told.waiting.push_back(serial);
    told.what = std::move(*note);
    news.push_back(std::move(told));
    return;
  }
  answer(fetch, std::move(line), news);
}

std::vector<ImageFetches::News> ImageFetches::receive(FetchNumber number) {
  std::vector<News> news;
  const auto at = fetches_.find(number);
  if (at == fetches_.end()) return news;
  Fetch& fetch = at->second;
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fetch.lines.get(), buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return news;
  if (got > 0) fetch.begun.append(buffer.data(), static_cast<std::size_t>(got));
  std::size_t from = 0;
  for (std::size_t end = 0; (end = fetch.begun.find('\n', from)) != std::string::npos;
       from = end + 1)
    on_line(fetch, std::string_view(fetch.begun).substr(from, end - from), news);
  fetch.begun.erase(0, from);
  if (fetch.begun.size() > kLineBytesMax) fetch.begun.clear();
  if (got > 0) return news;
  if (!fetch.has_answer && !fetch.name.empty())
    answer(fetch,
           Error{ErrorCode::io_failed,
                 "image " + fetch.name + ": the process that fetched it ended",
                 {}},
           news);
  fetches_.erase(at);
  if (!is_cleaning()) start_held(news);
  return news;
}

bool ImageFetches::on_child_ended(pid_t pid) {
  const auto at =
      std::ranges::find_if(fetches_, [&](const auto& entry) { return entry.second.pid == pid; });
  if (at == fetches_.end()) return false;
  at->second.pid = 0;  // its last words may still be in the pipe
  return true;
}

void ImageFetches::keep_small(const std::function<std::vector<std::string>()>& in_use) {
  if (!is_grown_ || settings_.bytes_max <= 0 || !fetches_.empty()) return;
  if (::access(store_.directory().c_str(), F_OK) != 0) return;
  std::vector<std::string> kept = in_use();
  std::erase_if(ready_, [&](const auto& entry) {
    return std::ranges::find(kept, entry.first) == kept.end();
  });
  kept.insert(kept.begin(), {"collect", store_.directory(), std::to_string(settings_.bytes_max)});
  if (start({}, std::move(kept))) is_grown_ = false;
}

}  // namespace reeve::supervisor
