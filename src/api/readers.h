// Threads that read what is stored, each with a history of its own, so that neither the engine nor
// the server waits for a disk. Owns the threads. What is asked for beyond a limit is refused.
//
// Thread rule: read() from any thread; the rest from one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"
#include "engine/ports/history.h"

namespace reeve::api {

class Readers {
 public:
  using Open = std::function<Result<std::unique_ptr<engine::History>>()>;
  using Job = std::function<void(engine::History&)>;

  /// Each thread opens its history before its first job.
  static Result<std::unique_ptr<Readers>> start(const Open& open, std::size_t threads,
                                                std::size_t waiting_max);
  /// Ends after the jobs that are under way; the others are dropped.
  ~Readers();
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  /// False: too many wait already.
  bool read(Job job);

 private:
  struct Parts;
  explicit Readers(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reeve::api
