#include "images/layer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "base/resources.h"
#include "images/layer_tree.h"
#include "images/sha256.h"

namespace reeve::images {
namespace {

constexpr std::size_t kPieceBytes = 256U << 10;

struct CloseArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, CloseArchive>;

std::string why(archive* handle) {
  const char* const text = archive_error_string(handle);
  return text == nullptr ? "no reason given" : text;
}

/// The bytes of the file, uncompressed. Counts and hashes both sides.
class Uncompressed {
 public:
  Uncompressed(int file, std::int64_t bytes_max)
      : file_(file),
        bytes_max_(bytes_max),
        input_(kPieceBytes),
        output_(kPieceBytes) {}

  Status open() {
    handle_.reset(archive_read_new());
    archive* const handle = handle_.get();
    if (archive_read_support_filter_gzip(handle) != ARCHIVE_OK ||
        archive_read_support_filter_zstd(handle) != ARCHIVE_OK ||
        archive_read_support_format_raw(handle) != ARCHIVE_OK ||
        archive_read_support_format_empty(handle) != ARCHIVE_OK)
      return fail(ErrorCode::unsupported, "libarchive lacks gzip or zstd");
    archive_entry* entry = nullptr;
    if (archive_read_open(handle, this, nullptr, &Uncompressed::read_file, nullptr) != ARCHIVE_OK)
      return damaged();
    const int begun = archive_read_next_header(handle, &entry);
    if (begun == ARCHIVE_EOF) at_end_ = true;
    if (begun != ARCHIVE_OK && begun != ARCHIVE_EOF) return damaged();
    return {};
  }

  /// 0 at the end, -1 after a failure.
  ssize_t next(const void** piece) {
    if (at_end_) return 0;
    const la_ssize_t got = archive_read_data(handle_.get(), output_.data(), output_.size());
    if (got < 0) {
      failure_ = damaged().value();
      return -1;
    }
    total_ += got;
    if (total_ > bytes_max_) {
      failure_ = Error{ErrorCode::unsupported,
                       fmt::format("the layer is refused: unpacked it has more than {}",
                                   format_bytes(bytes_max_)),
                       {}};
      return -1;
    }
    content_.add(output_.data(), static_cast<std::size_t>(got));
    at_end_ = got == 0;
    *piece = output_.data();
    return got;
  }

  /// What is left is read, so that the digests are those of all.
  Status drain() {
    const void* piece = nullptr;
    ssize_t got = 0;
    while ((got = next(&piece)) > 0) continue;
    if (got < 0) return tl::unexpected(*failure_);
    // Behind the compressed stream, too.
    while ((got = ::read(file_, input_.data(), input_.size())) > 0)
      blob_.add(input_.data(), static_cast<std::size_t>(got));
    return got == 0 ? Status() : fail_errno(errno, "cannot read the layer");
  }

  const std::optional<Error>& failure() const { return failure_; }
  std::string blob() { return blob_.finish(); }
  std::string content() { return content_.finish(); }

 private:
  static la_ssize_t read_file(archive* handle, void* self, const void** piece) {
    auto& own = *static_cast<Uncompressed*>(self);
    const ssize_t got = ::read(own.file_, own.input_.data(), own.input_.size());
    if (got < 0) archive_set_error(handle, errno, "cannot read the file");
    if (got > 0) own.blob_.add(own.input_.data(), static_cast<std::size_t>(got));
    *piece = own.input_.data();
    return got;
  }
  tl::unexpected<Error> damaged() const {
    return fail(ErrorCode::corrupt, "the layer is damaged or cut off: " + why(handle_.get()));
  }

  int file_;
  std::int64_t bytes_max_;
  std::int64_t total_ = 0;
  bool at_end_ = false;
  std::vector<char> input_;
  std::vector<char> output_;
  Sha256 blob_;
  Sha256 content_;
  ArchiveHandle handle_;
  std::optional<Error> failure_;
};

la_ssize_t read_uncompressed(archive* handle, void* source, const void** piece) {
  const ssize_t got = static_cast<Uncompressed*>(source)->next(piece);
  if (got < 0) archive_set_error(handle, EIO, "its bytes end");
  return got;
}

class Unpacker {
 public:
  Unpacker(Fd root, const LayerLimits& limits) : tree_(std::move(root)), limits_(limits) {}

  Status take(archive* handle, archive_entry* entry) {
    if (++entries_ > limits_.entries_max)
      return fail(ErrorCode::unsupported, fmt::format("the layer is refused: it has more than {} "
                                                      "entries",
                                                      limits_.entries_max));
    const char* const path = archive_entry_pathname(entry);
    if (path == nullptr || *path == '\0')
      return fail(ErrorCode::corrupt, "the layer is refused: an entry has no name");
    if (LayerTree::is_mark(path)) return tree_.make_mark(path);
    if (const char* const target = archive_entry_hardlink(entry); target != nullptr)
      return tree_.make_hard_link(path, target);
    const EntryTraits traits{archive_entry_mode(entry), archive_entry_mtime(entry)};
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR: return tree_.make_directory(path, traits);
      case AE_IFREG: return take_file(handle, entry, path, traits);
      case AE_IFLNK: {
        const char* const target = archive_entry_symlink(entry);
        return tree_.make_symbolic_link(path, target == nullptr ? "" : target);
      }
      default: return {};  // devices, FIFOs and sockets have no place in a sandbox
    }
  }

  std::int64_t bytes() const { return bytes_; }

 private:
  Status take_file(archive* handle, archive_entry* entry, const char* path,
                   const EntryTraits& traits) {
    const std::int64_t size = archive_entry_size(entry);
    bytes_ += size;
    // A sparse file costs its archive nothing.
    if (size < 0 || bytes_ > limits_.bytes_max)
      return fail(ErrorCode::unsupported,
                  fmt::format("the layer is refused: unpacked it has more than {}",
                              format_bytes(limits_.bytes_max)));
    TRY_ASSIGN(const Fd file, tree_.make_file(path, traits));
    const void* piece = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    int got = ARCHIVE_OK;
    while ((got = archive_read_data_block(handle, &piece, &count, &offset)) == ARCHIVE_OK) {
      const auto* bytes = static_cast<const char*>(piece);
      while (count > 0) {
        const ssize_t written = ::pwrite(file.get(), bytes, count, offset);
        if (written < 0) return fail_errno(errno, std::string("cannot write ") + path);
        bytes += written;
        offset += written;
        count -= static_cast<std::size_t>(written);
      }
    }
    if (got != ARCHIVE_EOF)
      return fail(ErrorCode::corrupt, "the layer is damaged or cut off: " + why(handle));
    return tree_.finish(file, size, traits);
  }

  LayerTree tree_;
  LayerLimits limits_;
  std::int64_t entries_ = 0;
  std::int64_t bytes_ = 0;
};

}  // namespace

Result<LayerDigests> unpack_layer(int archive_file, Fd root, const LayerLimits& limits) {
  Uncompressed source(archive_file, limits.bytes_max);
  TRY(source.open());
  const ArchiveHandle handle(archive_read_new());
  if (archive_read_support_format_tar(handle.get()) != ARCHIVE_OK ||
      archive_read_support_format_empty(handle.get()) != ARCHIVE_OK)
    return fail(ErrorCode::unsupported, "libarchive lacks tar");
  Unpacker unpacker(std::move(root), limits);
  const auto broken = [&] {
    if (source.failure()) return tl::unexpected(*source.failure());
    return fail(ErrorCode::corrupt, "the layer is no sound archive: " + why(handle.get()));
  };
  if (archive_read_open(handle.get(), &source, nullptr, &read_uncompressed, nullptr) != ARCHIVE_OK)
    return broken();
  archive_entry* entry = nullptr;
  for (;;) {
    const int got = archive_read_next_header(handle.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    // A warning is of attributes that are not taken over.
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return broken();
    if (Status taken = unpacker.take(handle.get(), entry); !taken) {
      if (source.failure()) return broken();
      return tl::unexpected(std::move(taken).error());
    }
  }
  TRY(source.drain());
  return LayerDigests{source.blob(), source.content(), unpacker.bytes()};
}

}  // namespace reeve::images
