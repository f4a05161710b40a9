// The artifact store of one machine: worker threads copy declared files into a StoreLayout. Owns
// its threads (begun with the first collection) and the bounded queue before them; collect() never
// waits. When it is destroyed, what waits is dropped unanswered: the next engine asks again.
//
// Thread rule: collect() from any thread; `done` is called from a worker thread, or from collect()
// itself when the queue is full.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "artifacts/source_files.h"
#include "artifacts/store_layout.h"
#include "engine/ports/artifact_store.h"

namespace reeve::artifacts {

struct FileArtifactOptions {
  std::string root;  ///< absolute; usually <state>/artifacts. What is above is the engine's own
  std::size_t workers = 2;
  /// Collections that wait. Deep, because a full queue fails tasks; each costs about 300 bytes.
  std::size_t queue_max = 1'000'000;
  std::int64_t file_bytes_max = std::int64_t{64} << 30;
};

class FileArtifactStore final : public engine::ArtifactStore {
 public:
  explicit FileArtifactStore(FileArtifactOptions options);
  ~FileArtifactStore() override;
  FileArtifactStore(const FileArtifactStore&) = delete;
  FileArtifactStore& operator=(const FileArtifactStore&) = delete;

  /// A path with * or ? gives one value per match, all under the declared name, sorted by file.
  void collect(TaskId task, engine::ArtifactScope scope, std::vector<engine::ArtifactRequest> files,
               Done done) override;

 private:
  struct Collection {
    engine::ArtifactScope scope;
    std::vector<engine::ArtifactRequest> files;
    Done done;
  };
  void start_workers();
  void work();
  Result<std::vector<OutputValue>> gather(const Collection& collection);
  Status gather_one(const SourceScope& scope, const engine::ArtifactRequest& request,
                    std::vector<OutputValue>& values);

  const FileArtifactOptions options_;
  const std::string state_directory_;
  StoreLayout layout_;

  std::mutex mutex_;  // guards all below
  std::condition_variable filled_;
  std::deque<Collection> queue_;
  bool closed_ = false;
  std::vector<std::thread> workers_;  // joined by the destructor alone
};

}  // namespace reeve::artifacts
