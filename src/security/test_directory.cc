#include "security/test_directory.h"

#include <fstream>
#include <iterator>

#include <stdlib.h>

#include "base/ensure.h"

namespace reeve::security {

TestDirectory::TestDirectory() {
  // In memory where that is offered: these tests sync thousands of times.
  const bool has_memory = std::filesystem::is_directory("/dev/shm");
  const std::filesystem::path place =
      has_memory ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path();
  std::string name = (place / "reeve-security-XXXXXX").string();
  ENSURE(::mkdtemp(name.data()) != nullptr);
  root_ = name;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

}  // namespace reeve::security
