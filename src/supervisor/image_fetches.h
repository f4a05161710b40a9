// Brings images for attempts that want one: gives what the store holds at once, and else lets a
// process of its own fetch it (images/fetch.h), one for all who wait for the same name. A tag means
// the same image for all attempts of a run. Also keeps the store below its size. Never waits. One
// owner; not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "images/fetch.h"
#include "images/store.h"
#include "supervisor/leftovers.h"

namespace reeve::supervisor {

using FetchNumber = std::uint64_t;
using SharedImage = std::shared_ptr<const images::Image>;  // shared: attempts and their roots

class ImageFetches {
 public:
  struct Settings {
    std::string state_directory;
    int epoll = -1;
    std::function<std::uint64_t(FetchNumber)> tag;  ///< epoll data of a fetch's lines
    std::int64_t bytes_max = 0;
  };
  /// `leftovers` is told of each process; it outlives this.
  ImageFetches(Settings settings, Leftovers& leftovers);
  ~ImageFetches();
  ImageFetches(const ImageFetches&) = delete;
  ImageFetches& operator=(const ImageFetches&) = delete;

  struct Wish {
    std::string name;  ///< as the workflow has it
    Uuid run;
    Serial who = kNoSerial;
  };
  /// The image, or null: it is being fetched, and `who` is named when there is news.
  Result<SharedImage> want(const Wish& wish);
  /// It waits no more. A fetch that nobody waits for ends.
  void leave(Serial who);

  struct News {
    std::vector<Serial> waiting;
    std::variant<images::Note, SharedImage, Error> what;
  };
  std::vector<News> receive(FetchNumber number);
  /// False: the process is none of these.
  bool on_child_ended(pid_t pid);
  /// The image could not be used: the store is asked again.
  void distrust(const std::string& digest) { ready_.erase(digest); }
  /// `in_use` gives the digests that must stay. Only when nothing is fetched.
  void keep_small(const std::function<std::vector<std::string>()>& in_use);
  bool is_cleaning() const;
  std::string layers_directory() const { return store_.layers(); }

 private:
  struct Fetch {
    std::string name;  ///< "": it cleans up
    pid_t pid = 0;
    Fd lines;
    std::string begun;  ///< of a line
    std::vector<std::pair<Serial, Uuid>> waiting;
    bool has_answer = false;
  };
  SharedImage find_ready(const std::string& digest);
  Status start(Fetch fetch, std::vector<std::string> arguments);
  void start_held(std::vector<News>& news);
  void answer(Fetch& fetch, images::FetchLine line, std::vector<News>& news);
  void on_line(Fetch& fetch, std::string_view line, std::vector<News>& news);
  void remember(const Uuid& run, const std::string& name, const std::string& digest);

  Settings settings_;
  Leftovers& leftovers_;
  images::Store store_;
  FetchNumber last_number_ = 0;
  std::map<FetchNumber, Fetch> fetches_;
  std::vector<Fetch> held_;                   // until the store is cleaned up
  std::map<std::string, SharedImage> ready_;  // by digest
  std::deque<std::pair<std::pair<Uuid, std::string>, std::string>> named_;  // what tags meant
  bool is_grown_ = true;  // something came since the store was last looked at
};

}  // namespace reeve::supervisor
