#include "artifacts/file_artifact_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

namespace reeve::artifacts {

FileArtifactStore::FileArtifactStore(FileArtifactOptions options)
    : options_(std::move(options)),
      state_directory_(std::filesystem::path(options_.root).parent_path().string()),
      layout_(options_.root, options_.file_bytes_max) {}

FileArtifactStore::~FileArtifactStore() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  filled_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void FileArtifactStore::collect(TaskId /*task*/, engine::ArtifactScope scope,
                                std::vector<engine::ArtifactRequest> files, Done done) {
  const char* refusal = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (workers_.empty()) start_workers();
    if (workers_.empty()) {
      refusal = "cannot start a thread that collects artifacts; raise the limit of processes";
    } else if (queue_.size() >= options_.queue_max) {
      refusal = "too many tasks wait for their artifacts to be stored; try again later";
    } else {
      queue_.push_back({std::move(scope), std::move(files), std::move(done)});
    }
  }
  if (refusal != nullptr) {
    done(fail(ErrorCode::exhausted, refusal));
  } else {
    filled_.notify_one();
  }
}

/// REQUIRES mutex_. Fewer threads than wanted are enough.
void FileArtifactStore::start_workers() {
  try {
    while (workers_.size() < options_.workers) workers_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    return;
  }
}

void FileArtifactStore::work() {
  for (;;) {
    Collection next;
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (closed_) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next.done(gather(next));
  }
}

Result<std::vector<OutputValue>> FileArtifactStore::gather(const Collection& collection) {
  std::vector<OutputValue> values;
  const SourceScope scope =
      scope_of(collection.scope.directory, collection.scope.sandbox, state_directory_);
  for (const engine::ArtifactRequest& request : collection.files) {
    if (auto gathered = gather_one(scope, request, values); !gathered) {
      return wrap(std::move(gathered).error(), "artifact '" + request.name + "'");
    }
  }
  return values;
}

Status FileArtifactStore::gather_one(const SourceScope& scope,
                                     const engine::ArtifactRequest& request,
                                     std::vector<OutputValue>& values) {
  const auto keep = [&](const Fd& file, const std::string& name) -> Status {
    TRY_ASSIGN(std::string path, layout_.keep(file, name));
    values.push_back({request.name, std::move(path)});
    return {};
  };
  TRY_ASSIGN(const std::size_t found, visit_sources(scope, request.path, keep));
  if (found == 0 && request.required) {
    const bool absolute = request.path.starts_with('/');
    return fail(ErrorCode::not_found, "the task made no file '" + request.path + "'" +
                                          (absolute ? "" : " in " + scope.directory));
  }
  return {};
}

}  // namespace reeve::artifacts
