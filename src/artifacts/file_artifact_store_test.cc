#include "artifacts/file_artifact_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

namespace reeve::artifacts {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Collected = Result<std::vector<OutputValue>>;

class FileArtifacts : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(base_);
    fs::create_directories(base_ / "work");
  }
  void TearDown() override { fs::remove_all(base_); }

  fs::path write(const std::string& name, std::string_view text) const {
    std::ofstream(base_ / "work" / name) << text;
    return base_ / "work" / name;
  }
  static std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  FileArtifactOptions options() const { return {.root = base_ / "state/artifacts"}; }
  engine::ArtifactScope free_scope() const {
    return {base_ / "work", {.tier = SandboxTier::none, .readable = {}, .writable = {}}};
  }
  Collected collect(FileArtifactStore& store, std::vector<engine::ArtifactRequest> files) const {
    std::promise<Collected> answer;
    store.collect(TaskId{RunId{1}, 0}, free_scope(), std::move(files),
                  [&](Collected got) { answer.set_value(std::move(got)); });
    return answer.get_future().get();
  }
  std::size_t stored_files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(options().root)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  const fs::path base_ =
      fs::temp_directory_path() / ("reeve_artifacts_" + std::to_string(::getpid()));
};

TEST_F(FileArtifacts, KeepsAFileByItsDigestUnderItsName) {
  FileArtifactStore store(options());
  const fs::path original = write("report.md", "# hello\n");
  const Collected got = collect(store, {{"report", "report.md"}});
  ASSERT_TRUE(got) << got.error().text();
  const std::string digits = format_digest(digest_of("# hello\n"));
  const fs::path expected =
      fs::path(options().root) / digits.substr(0, 2) / digits.substr(2) / "report.md";
  EXPECT_THAT(*got, ElementsAre(OutputValue{"report", expected.string()}));
  EXPECT_EQ(read(expected), "# hello\n");
}

TEST_F(FileArtifacts, TheCopyIsApartFromTheOriginal) {
  FileArtifactStore store(options());
  const fs::path original = write("data", "first");
  const Collected got = collect(store, {{"data", "data"}});
  ASSERT_TRUE(got) << got.error().text();
  write("data", "altered");
  EXPECT_EQ(read((*got)[0].value), "first");
  struct stat status {};
  ASSERT_EQ(::stat((*got)[0].value.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0444u);
  EXPECT_EQ(status.st_nlink, 1u);
}

TEST_F(FileArtifacts, ProgramsStayExecutable) {
  FileArtifactStore store(options());
  const fs::path tool = write("tool", "#!/bin/sh\n");
  fs::permissions(tool, fs::perms(0755));
  const auto mode_of = [](const Collected& got) {
    struct stat status {};
    EXPECT_EQ(::stat((*got)[0].value.c_str(), &status), 0);
    return status.st_mode & 0777;
  };
  EXPECT_EQ(mode_of(collect(store, {{"tool", "tool"}})), 0555u);
  fs::permissions(tool, fs::perms(0644));
  EXPECT_EQ(mode_of(collect(store, {{"tool", "tool"}})), 0555u);
}

TEST_F(FileArtifacts, EqualFilesAreKeptOnce) {
  FileArtifactStore store(options());
  write("a", "same");
  write("b", "same");
  const Collected first = collect(store, {{"a", "a"}});
  const Collected again = collect(store, {{"a", "a"}, {"b", "b"}});
  ASSERT_TRUE(first && again);
  EXPECT_EQ((*first)[0].value, (*again)[0].value);
  EXPECT_EQ(fs::path((*again)[0].value).parent_path(), fs::path((*again)[1].value).parent_path());
  EXPECT_EQ(stored_files(), 2u);
}

TEST_F(FileArtifacts, AGlobGivesOneValuePerMatch) {
  FileArtifactStore store(options());
  write("part-2.txt", "2");
  write("part-1.txt", "1");
  const Collected got = collect(store, {{"parts", "part-*.txt"}});
  ASSERT_TRUE(got) << got.error().text();
  ASSERT_THAT(*got, SizeIs(2));
  EXPECT_THAT((*got)[0].value, HasSubstr("/part-1.txt"));
  EXPECT_THAT((*got)[1].value, HasSubstr("/part-2.txt"));
  EXPECT_EQ((*got)[0].name, "parts");
  EXPECT_EQ((*got)[1].name, "parts");
}

TEST_F(FileArtifacts, AMissingFileIsNamed) {
  FileArtifactStore store(options());
  const Collected got = collect(store, {{"report", "out/report.md"}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::not_found);
  EXPECT_THAT(got.error().text(), HasSubstr("artifact 'report'"));
  EXPECT_THAT(got.error().text(), HasSubstr("'out/report.md'"));
}

TEST_F(FileArtifacts, AnOptionalFileMayBeMissing) {
  FileArtifactStore store(options());
  const Collected got = collect(store, {{"core", "core.*", false}, {"log", "log", false}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_THAT(*got, SizeIs(0));
}

TEST_F(FileArtifacts, TooLargeIsRefusedAndLeavesNothing) {
  FileArtifactOptions small = options();
  small.file_bytes_max = 3;
  FileArtifactStore store(small);
  write("big", "four");
  const Collected got = collect(store, {{"big", "big"}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::exhausted);
  EXPECT_EQ(stored_files(), 0u);
}

TEST_F(FileArtifacts, CopiesPseudoFilesThatReportNoSize) {
  FileArtifactStore store(options());
  const Collected got = collect(store, {{"version", "/proc/version"}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(read((*got)[0].value), read("/proc/version"));
}

TEST_F(FileArtifacts, AnEmptyFileIsAFile) {
  FileArtifactStore store(options());
  write("empty", "");
  const Collected got = collect(store, {{"empty", "empty"}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(fs::file_size((*got)[0].value), 0u);
}

TEST_F(FileArtifacts, RemovesWhatAKilledEngineLeft) {
  const fs::path left = fs::path(options().root) / "new/7";
  fs::create_directories(left.parent_path());
  std::ofstream(left) << "half";
  FileArtifactStore store(options());
  write("a", "a");
  ASSERT_TRUE(collect(store, {{"a", "a"}}));
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(FileArtifacts, AnUnwritableStoreIsAnError) {
  std::ofstream(base_ / "state") << "a file where the directory should be";
  FileArtifactStore store(options());
  write("a", "a");
  const Collected got = collect(store, {{"a", "a"}});
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().text(), HasSubstr(options().root));
}

TEST_F(FileArtifacts, AFullQueueRefusesAtOnce) {
  FileArtifactOptions narrow = options();
  narrow.workers = 1;
  narrow.queue_max = 1;
  FileArtifactStore store(narrow);
  write("a", "a");
  std::promise<void> working;
  std::promise<void> go_on;
  std::promise<Collected> second;
  store.collect({}, free_scope(), {{"a", "a"}}, [&](const Collected&) {
    working.set_value();
    go_on.get_future().wait();
  });
  working.get_future().wait();
  store.collect({}, free_scope(), {{"a", "a"}},
                [&](Collected got) { second.set_value(std::move(got)); });
  bool refused = false;
  store.collect({}, free_scope(), {{"a", "a"}}, [&](const Collected& got) {
    refused = !got && got.error().code == ErrorCode::exhausted;
  });
  EXPECT_TRUE(refused);
  go_on.set_value();
  EXPECT_TRUE(second.get_future().get());
}

TEST_F(FileArtifacts, ManyCollectionsAtOnceAllSucceed) {
  FileArtifactStore store(options());
  std::mutex mutex;
  std::condition_variable changed;
  int left = 64;
  int failures = 0;
  for (int i = 0; i < 64; ++i) write("f" + std::to_string(i), std::to_string(i % 8));
  for (int i = 0; i < 64; ++i) {
    store.collect({}, free_scope(), {{"f", "f" + std::to_string(i)}}, [&](const Collected& got) {
      const std::lock_guard lock(mutex);
      failures += got ? 0 : 1;
      if (--left == 0) changed.notify_one();
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return left == 0; });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(stored_files(), 64u);
}

}  // namespace
}  // namespace reeve::artifacts
