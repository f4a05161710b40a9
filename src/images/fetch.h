// A process of its own that brings one image into the store, or removes what is too much there. The
// supervisor starts it, as a hidden subcommand of the same program, and reads lines from it:
//
//   note TEXT          for the log of whoever waits
//   done DIGEST        the image is in the store
//   left BYTES         the store was cleaned up
//   fail CODE TEXT     a name of an ErrorCode
//
// So neither the waiting for a registry nor the reading of a hostile archive is the supervisor's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace reeve::images {

inline constexpr std::string_view kFetchWord = "images";

/// The whole life of the process. `arguments`: "fetch STORE IMAGE" or
/// "collect STORE BYTES_MAX KEPT...".
int fetch_main(std::span<const std::string> arguments);

struct Note {
  std::string text;
};
struct Done {
  std::string digest;
};
struct Left {
  std::int64_t bytes = 0;
};
using FetchLine = std::variant<Note, Done, Left, Error>;
/// A line without its end. What is no such line is a note.
FetchLine read_fetch_line(std::string_view line);

}  // namespace reeve::images
