// The one way to the files of control groups: read whole, written with one write(2), and every
// number checked, because what is mounted there may be anything. Owns nothing; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::sandbox {

/// What a file held, and which file, for messages.
struct CgroupText {
  std::string path;
  std::string text;
};

Result<CgroupText> read_cgroup_file(std::string path);
Status write_cgroup_file(const std::string& path, std::string_view text);

/// The same files again and again: each stays open, so that another look costs one pread(2). What
/// cannot be read any more is opened anew. One owner.
class KeptCgroupFiles {
 public:
  Result<CgroupText> read(std::string path);

 private:
  struct Kept {
    std::string path;
    Fd file;
  };
  std::vector<Kept> files_;
};

/// errno, or 0: for those who know what a refusal means.
int try_to_write(const std::string& path, std::string_view text);
bool cgroup_file_exists(const std::string& path);
/// The names of the groups below one, without those deeper down. Empty when it cannot be read.
std::vector<std::string> groups_below(const std::string& directory);

std::string path_below(const std::string& directory, std::string_view name);

/// Words between blanks; views into `text`.
std::vector<std::string_view> words_of(std::string_view text);
bool has_word(std::string_view text, std::string_view word);
std::vector<std::string_view> lines_of(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

/// A decimal number that is not negative. corrupt: the message names `path` and shows the word.
Result<std::int64_t> parse_number(std::string_view word, const std::string& path);
/// The file holds one number and nothing else.
Result<std::int64_t> only_number(const CgroupText& file);
/// The number behind the line "key number"; none when no line begins with the key.
Result<std::optional<std::int64_t>> find_number(const CgroupText& file, std::string_view key);
/// As find_number, but corrupt without such a line.
Result<std::int64_t> number_of(const CgroupText& file, std::string_view key);
/// corrupt when the sum or product leaves 64 bits.
Result<std::int64_t> add(std::int64_t a, std::int64_t b, const std::string& path);
Result<std::int64_t> multiply(std::int64_t a, std::int64_t b, const std::string& path);

}  // namespace reeve::sandbox
