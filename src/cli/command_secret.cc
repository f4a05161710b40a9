// `reeve secret`.
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/secret_place.h"
#include "cli/session.h"
#include "security/secret_store.h"

namespace reeve::cli {
namespace {

/// Typed characters are not shown while this lives.
class EchoOff {
 public:
  EchoOff() {
    is_changed_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (is_changed_) is_changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~EchoOff() {
    if (is_changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool is_changed_ = false;
};

Result<std::string> read_stdin(bool one_line) {
  std::string text;
  std::string piece(4096, '\0');
  while (text.size() <= security::kSecretBytesMax + 1) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "cannot read the value from standard input");
    if (got == 0) break;
    text.append(piece, 0, static_cast<std::size_t>(got));
    if (one_line && text.ends_with('\n')) break;
  }
  return text;
}

/// From standard input, never from the command line, which others can see. The line feed behind a
/// value of one line is not part of it.
Checked<std::string> read_secret_value(const Session& session, const std::string& name) {
  std::string value;
  if (session.surroundings.stdin_is_terminal) {
    if (session.arguments.has("no-input"))
      return usage("secret set: the value is read from standard input, which is a terminal here",
                   fmt::format("printf %s \"$VALUE\" | reeve secret set {}", name));
    session.err.write(fmt::format("value of {}: ", name));
    const EchoOff silent;
    TRY_ASSIGN(value, read_stdin(true));
    session.err.write("\n");
  } else {
    TRY_ASSIGN(value, read_stdin(false));
  }
  if (value.ends_with('\n') && value.find('\n') == value.size() - 1) value.pop_back();
  return value;
}

Ended list_secrets(const Session& session, SecretPlace& place) {
  TRY_ASSIGN(const OutputChoice choice, OutputChoice::from(session.arguments, "secrets"));
  Listing listing{.kind = "secrets", .id_field = "name"};
  TRY_ASSIGN(listing.items, place.list(session.arguments.value_or("namespace", "")));
  const auto column = [](std::string_view title, std::string_view field) {
    return Column{title, [field](const JsonObject& item) { return Cell{text_of(item, field)}; }};
  };
  listing.columns = {column("NAME", "name"), column("NAMESPACE", "namespace"),
                     column("VERSION", "version"), column("SET AT", "set_at"),
                     column("BY", "set_by")};
  return session.print(listing, choice);
}

Ended set_secret(const Session& session, SecretPlace& place, const std::string& name) {
  TRY_ASSIGN(const std::string value, read_secret_value(session, name));
  TRY_ASSIGN(const SecretPlace::Made made,
             place.set(session.arguments.value_or("namespace", ""), name, value));
  session.say(fmt::format("{} of the namespace {} is set (version {})", name,
                          sanitize_for_terminal(made.name_space), made.version));
  return kExitDone;
}

Ended remove_secret(const Session& session, SecretPlace& place, const std::string& name) {
  std::string name_space = session.arguments.value_or("namespace", "");
  TRY(place.remove(name_space, name));
  if (name_space.empty() && place.has_default_namespace()) name_space = "default";
  session.say(name_space.empty()
                  ? fmt::format("{} is removed", name)
                  : fmt::format("{} of the namespace {} is removed", name, name_space));
  return kExitDone;
}

Ended rotate_key(const Session& session, SecretPlace& place) {
  TRY_ASSIGN(const std::size_t count, place.rotate_key(session.arguments.find("next-key")));
  session.say(fmt::format("{} secrets are sealed under the next key", count));
  return kExitDone;
}

}  // namespace

Ended command_secret(const Session& session) {
  const std::vector<std::string>& words = session.arguments.words;
  const std::string verb = words.empty() ? "ls" : words.front();
  const bool takes_name = verb == "set" || verb == "rm";
  if (takes_name != (words.size() > 1))
    return usage(takes_name ? fmt::format("secret {}: the name of the secret is missing", verb)
                            : fmt::format("secret {}: takes no name", verb));
  TRY_ASSIGN(const auto place, SecretPlace::open(session));
  if (verb == "set") return set_secret(session, *place, words[1]);
  if (verb == "rm") return remove_secret(session, *place, words[1]);
  if (verb == "rotate-key") return rotate_key(session, *place);
  return list_secrets(session, *place);
}

}  // namespace reeve::cli
