#include "images/fetch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <clocale>
#include <csignal>

#include <fmt/format.h>

#include "base/image_reference.h"
#include "base/resources.h"
#include "base/text.h"
#include "images/confine.h"
#include "images/documents.h"
#include "images/layer.h"
#include "images/skopeo.h"
#include "images/store.h"

namespace reeve::images {
namespace {

void say(std::string line) {
  std::ranges::replace(line, '\n', ' ');
  line.push_back('\n');
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0) ::_exit(1);  // nobody waits any more
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

void note(const std::string& text) { say("note " + text); }

std::string fail_line(const Error& error) {
  return "fail " + std::string(info(error.code).name) + " " + error.text();
}

Result<std::string> read_document(const std::string& path, std::string_view digest) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return fail_errno(errno, "cannot read " + path);
  std::string text(kDocumentBytesMax + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() &&
         (got = ::read(file.get(), text.data() + size, text.size() - size)) > 0)
    size += static_cast<std::size_t>(got);
  if (got < 0) return fail_errno(errno, "cannot read " + path);
  text.resize(size);
  if (!digest.empty() && sha256_of(text) != digest)
    return fail(ErrorCode::io_failed, path + " is damaged");
  return text;
}

std::int64_t size_of(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? about.st_size : 0;
}

/// In the child: shut in with the archive and the directory, and tells by a pipe.
[[noreturn]] void unpack_shut_in(const std::string& target, int archive, int answer) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Of all descriptors only these two, moved out of the way of the rest.
  constexpr unsigned kKeptFrom = 200;
  archive = ::fcntl(archive, F_DUPFD_CLOEXEC, kKeptFrom);
  answer = ::fcntl(answer, F_DUPFD_CLOEXEC, kKeptFrom);
  ::close_range(0, kKeptFrom - 1, 0);
  std::string text;
  if (Status confined = confine_to(target.c_str()); !confined) {
    text = fail_line(confined.error());
  } else {
    Fd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto digests = unpack_layer(archive, std::move(root), {});
    text = digests ? fmt::format("{} {} {}", digests->blob, digests->content, digests->bytes)
                   : fail_line(digests.error());
  }
  ::_exit(::write(answer, text.data(), text.size()) < 0 ? 1 : 0);
}

Result<LayerDigests> read_answer(const std::string& text) {
  if (text.starts_with("fail ")) return tl::unexpected(std::get<Error>(read_fetch_line(text)));
  LayerDigests digests;
  const std::size_t first = text.find(' ');
  const std::size_t second = text.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos)
    return fail(ErrorCode::corrupt, "the layer is refused: the reader of its archive was stopped");
  digests.blob = text.substr(0, first);
  digests.content = text.substr(first + 1, second - first - 1);
  std::from_chars(text.data() + second + 1, text.data() + text.size(), digests.bytes);
  return digests;
}

Result<LayerDigests> unpack(const std::string& blob, const std::string& target) {
  const Fd archive(::open(blob.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!archive) return fail_errno(errno, "cannot read a layer, " + blob);
  if (::mkdir(target.c_str(), 0755) != 0) return fail_errno(errno, "cannot make " + target);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "cannot make a process");
  if (child == 0) unpack_shut_in(target, archive.get(), writer.get());
  writer.reset();
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = ::read(reader.get(), buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
  return read_answer(text);
}

class Fetch {
 public:
  explicit Fetch(Store store) : store_(std::move(store)) {}

  Result<std::string> run(const std::string& text) {
    TRY_ASSIGN(const ImageReference wanted, parse_image_reference(text));
    TRY(store_.open());
    if (!wanted.digest.empty() && store_.find(wanted.digest)) return wanted.digest;
    const std::string reference =
        wanted.name + (wanted.digest.empty() ? ":" + wanted.tag : "@" + wanted.digest);
    note("image: asking " + std::string(wanted.registry()) + " for " + reference);
    TRY_ASSIGN(const std::string first, skopeo_.manifest(wanted, reference));
    const std::string digest = sha256_of(first);
    if (!wanted.digest.empty() && digest != wanted.digest)
      return fail(ErrorCode::corrupt,
                  "image " + reference + ": the registry gave " + digest + " instead");
    if (wanted.digest.empty()) note("image: " + reference + " is " + digest);
    if (store_.find(digest)) return digest;
    TRY_ASSIGN(const auto found, read_manifest(first));
    const auto* const chosen = std::get_if<Chosen>(&found);
    TRY(pull(wanted, digest, chosen == nullptr ? digest : chosen->manifest));
    return digest;
  }

 private:
  Status pull(const ImageReference& wanted, const std::string& digest,
              const std::string& manifest_digest) {
    const std::string layout = store_.pull_path(digest);
    TRY(remove_tree(layout));
    TRY(skopeo_.copy(wanted, manifest_digest, layout, store_.blobs(), [](std::string_view blob) {
      note("image: fetching layer " + sanitize_for_terminal(blob.substr(0, kSha256DigitsAt + 12)));
    }));
    TRY_ASSIGN(const std::string index, read_document(layout + "/index.json", ""));
    TRY_ASSIGN(const std::string own, read_layout_index(index));
    TRY_ASSIGN(const std::string text, read_document(store_.blob_path(own), own));
    TRY_ASSIGN(const auto manifest, read_manifest(text));
    if (!std::holds_alternative<Manifest>(manifest))
      return fail(ErrorCode::corrupt, "image " + wanted.name + ": its index holds an index");
    const auto& parts = std::get<Manifest>(manifest);
    TRY_ASSIGN(const std::string config,
               read_document(store_.blob_path(parts.config), parts.config));
    Image image;
    image.digest = digest;
    TRY(read_configuration(config, parts, image));
    TRY_ASSIGN(const Fd lock, store_.lock());
    for (Layer& layer : image.layers) {
      if (Status placed = unpack_once(layer); !placed)
        return wrap(std::move(placed).error(), "image " + wanted.name);
    }
    TRY(store_.save(image, digest));
    return remove_tree(layout);
  }

  /// REQUIRES the lock.
  Status unpack_once(Layer& layer) {
    const std::string blob = store_.blob_path(layer.blob);
    layer.bytes = size_of(blob);
    const std::string place = store_.layer_path(layer.content);
    if (store_.has_layer(layer.content)) {
      layer.bytes = store_.bytes_of(layer.content).value_or(layer.bytes);
      return {};
    }
    note("image: unpacking layer " + layer.content.substr(0, kSha256DigitsAt + 12));
    const std::string target = store_.unpacking_path(layer.content);
    TRY(remove_tree(target));
    auto digests = unpack(blob, target);
    if (!digests && digests.error().code == ErrorCode::corrupt && !is_as_named(blob, layer.blob))
      return damaged(blob, layer.blob);
    if (!digests) {
      TRY(remove_tree(target));
      return tl::unexpected(std::move(digests).error());
    }
    if (digests->blob != layer.blob) return damaged(blob, layer.blob);
    if (digests->content != layer.content) {
      TRY(remove_tree(target));
      return fail(ErrorCode::corrupt, "a layer is not what the image says: it has the digest " +
                                          digests->content + ", not " + layer.content);
    }
    layer.bytes += digests->bytes;
    const Fd directory(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // All of it before its name.
    if (!directory || ::syncfs(directory.get()) != 0 ||
        ::rename(target.c_str(), place.c_str()) != 0)
      return fail_errno(errno, "cannot finish " + place);
    return {};
  }

  static bool is_as_named(const std::string& path, const std::string& digest) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    const auto found = sha256_of_file(file.get());
    return found && *found == digest;
  }

  static Status damaged(const std::string& blob, const std::string& digest) {
    ::unlink(blob.c_str());
    return fail(ErrorCode::io_failed,
                "the stored copy of the layer " + digest +
                    " was damaged; it is removed, and fetched again next time");
  }

  Store store_;
  Skopeo skopeo_;
};

Result<std::string> collect(std::span<const std::string> arguments) {
  const Store store(arguments[1]);
  std::int64_t bytes_max = 0;
  const std::string& number = arguments[2];
  if (std::from_chars(number.data(), number.data() + number.size(), bytes_max).ec != std::errc{})
    return fail(ErrorCode::invalid_argument, "'" + number + "' is no number of bytes");
  TRY(store.open());
  TRY_ASSIGN(const Fd lock, store.lock());
  TRY_ASSIGN(const std::int64_t left,
             store.collect(bytes_max, {arguments.begin() + 3, arguments.end()}));
  return fmt::format("left {}", left);
}

Result<std::string> work(std::span<const std::string> arguments) {
  if (arguments.size() == 3 && arguments[0] == "fetch") {
    TRY_ASSIGN(const std::string digest, Fetch(Store(arguments[1])).run(arguments[2]));
    return "done " + digest;
  }
  if (arguments.size() >= 3 && arguments[0] == "collect") return collect(arguments);
  return fail(ErrorCode::invalid_argument,
              "images: fetch STORE IMAGE, collect STORE BYTES KEPT...");
}

}  // namespace

FetchLine read_fetch_line(std::string_view line) {
  const auto rest_after = [&](std::string_view word) {
    return std::string(line.substr(word.size()));
  };
  if (line.starts_with("note ")) return Note{rest_after("note ")};
  if (line.starts_with("done ") && is_sha256(line.substr(5))) return Done{rest_after("done ")};
  if (line.starts_with("left ")) {
    Left left;
    std::from_chars(line.data() + 5, line.data() + line.size(), left.bytes);
    return left;
  }
  if (line.starts_with("fail ")) {
    const std::string_view rest = line.substr(5);
    const std::size_t space = std::min(rest.find(' '), rest.size());
    Error error{
        ErrorCode::io_failed, std::string(rest.substr(std::min(space + 1, rest.size()))), {}};
    for (const ErrorCodeInfo& row : error_code_table())
      if (row.name == rest.substr(0, space)) error.code = row.code;
    return error;
  }
  return Note{std::string(line)};
}

int fetch_main(std::span<const std::string> arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "reeve-images");
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::signal(SIGPIPE, SIG_IGN);
  ::setlocale(LC_CTYPE, "C.UTF-8");  // names in archives are bytes, as UTF-8 says them
  auto line = work(arguments);
  say(line ? *line : fail_line(line.error()));
  return line ? 0 : 1;
}

}  // namespace reeve::images
