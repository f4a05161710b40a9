// The services that a user's commands know by name: one JSON file in his configuration directory,
// of mode 0600 because it holds tokens, replaced as a whole. Refuses a file that others can read.
// One thread.
#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace reeve::cli {

struct ServiceContext {
  std::string url;
  std::string token;        ///< "": none
  std::string ca_file;      ///< "": what the system trusts
  std::string certificate;  ///< of ours, to show to the service, with `key`; "": none
  std::string key;
  std::string until;  ///< of a token that was got by signing on: RFC 3339; "": it says nothing
};

struct ServiceContexts {
  std::string current;  ///< "": commands look at the directory where they are
  std::map<std::string, ServiceContext> by_name;

  /// Of the file at `path`; none is there: no contexts.
  static Result<ServiceContexts> read(const std::string& path);
  Status write(const std::string& path) const;
};

}  // namespace reeve::cli
