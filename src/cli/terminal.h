// What the process finds around it: environment variables, terminals and their size; and writing to
// stdout and stderr. Read once by main and handed on; nothing else looks at the environment.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/styled_text.h"

namespace reeve::cli {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};
/// Of the terminal behind the descriptor; the usual 80 × 24 when it does not say.
TerminalSize terminal_size(int descriptor);

struct Surroundings {
  bool stdin_is_terminal = false;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
  bool no_color = false;      ///< NO_COLOR is there and not empty
  bool is_dumb = false;       ///< TERM=dumb or none at all
  bool is_ci = false;         ///< CI is there, not empty and not "false"
  bool ascii = false;         ///< the locale says that UTF-8 is not understood
  std::string terminal_type;  ///< TERM
  std::string working_directory;
  std::string program;              ///< absolute path of this very binary
  std::string service_url;          ///< REEVE_URL: where the service is, instead of a directory
  std::string service_token;        ///< REEVE_TOKEN
  std::string service_ca;           ///< REEVE_CA: PEM of the certificates to trust
  std::string service_certificate;  ///< REEVE_CERTIFICATE: PEM of ours, to show to a service
  std::string service_key;          ///< REEVE_KEY: PEM of its key
  std::string contexts_file;        ///< in the user's configuration directory

  static Surroundings read();
  /// A live view may be drawn on stderr.
  bool may_draw() const { return stderr_is_terminal && !is_dumb && !is_ci; }
  Colour colour_for(bool is_terminal) const {
    return is_terminal && !no_color && !is_dumb ? Colour::ansi : Colour::none;
  }
};

/// Of the effective user; asks the system's databases.
std::string user_name();

/// A descriptor that is written to as a whole. One owner.
class Stream {
 public:
  explicit Stream(int descriptor, Colour colour = Colour::none, bool ascii = false)
      : descriptor_(descriptor),
        colour_(colour),
        ascii_(ascii) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Written at once. After a failure the stream drops everything; error() keeps its errno.
  void write(std::string_view bytes);
  void write_line(std::string_view text);
  void write_line(const Line& line);
  int error() const { return error_; }
  int descriptor() const { return descriptor_; }
  Colour colour() const { return colour_; }
  bool ascii() const { return ascii_; }

 private:
  int descriptor_;
  Colour colour_;
  bool ascii_;
  int error_ = 0;
};

}  // namespace reeve::cli
