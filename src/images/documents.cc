#include "images/documents.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <boost/json/parse.hpp>

#include "base/image_reference.h"
#include "images/sha256.h"
#include "images/store.h"

namespace reeve::images {
namespace {

using Json = boost::json::value;

constexpr std::size_t kTextsMax = 10'000;

Result<Json> parse(std::string_view text, const std::string& what) {
  if (text.size() > kDocumentBytesMax) return fail(ErrorCode::corrupt, what + " is too large");
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 32;
  Json value = boost::json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return fail(ErrorCode::corrupt, what + " is no JSON object");
  return value;
}

/// Nothing where there is none or it is of another type.
const Json* find(const Json& value, std::string_view key) {
  const auto* const object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
}

std::string text_of(const Json* value) {
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

std::string text_at(const Json& value, std::string_view key) { return text_of(find(value, key)); }

Result<std::vector<std::string>> texts_at(const Json& value, std::string_view key) {
  std::vector<std::string> texts;
  const Json* const found = find(value, key);
  if (found == nullptr || found->is_null()) return texts;
  const auto* const list = found->if_array();
  if (list == nullptr || list->size() > kTextsMax)
    return fail(ErrorCode::corrupt, std::string(key) + " is no list of texts");
  for (const Json& item : *list) {
    if (!item.is_string() || text_of(&item).find('\0') != std::string::npos)
      return fail(ErrorCode::corrupt, std::string(key) + " is no list of texts");
    texts.push_back(text_of(&item));
  }
  return texts;
}

Result<std::string> digest_at(const Json& value, const std::string& what) {
  std::string digest = text_at(value, "digest");
  if (!is_sha256(digest))
    return fail(ErrorCode::corrupt, what + " has no digest of the form sha256:<64 digits>");
  return digest;
}

Result<Chosen> choose(const boost::json::array& manifests) {
  std::string offered;
  for (const Json& manifest : manifests) {
    const Json* const platform = find(manifest, "platform");
    const std::string system = platform == nullptr ? "?" : text_at(*platform, "os");
    const std::string machine = platform == nullptr ? "?" : text_at(*platform, "architecture");
    if (system == "linux" && machine == "amd64") {
      TRY_ASSIGN(std::string digest, digest_at(manifest, "the index"));
      return Chosen{std::move(digest)};
    }
    if (offered.size() < 200)
      offered.append(offered.empty() ? "" : ", ").append(system + "/" + machine);
  }
  return fail(ErrorCode::unsupported,
              "the image is not for this machine, linux/amd64; there is: " + offered);
}

}  // namespace

std::string sha256_of(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.finish();
}

Result<std::string> sha256_of_file(int file) {
  Sha256 hash;
  std::vector<char> buffer(std::size_t{256} << 10);
  ssize_t got = 0;
  while ((got = ::read(file, buffer.data(), buffer.size())) > 0)
    hash.add(buffer.data(), static_cast<std::size_t>(got));
  if (got < 0) return fail_errno(errno, "cannot read a file");
  return hash.finish();
}

Result<std::variant<Manifest, Chosen>> read_manifest(std::string_view text) {
  TRY_ASSIGN(const Json value, parse(text, "the manifest"));
  if (const Json* const manifests = find(value, "manifests")) {
    if (!manifests->is_array()) return fail(ErrorCode::corrupt, "the index has no list");
    TRY_ASSIGN(Chosen chosen, choose(manifests->get_array()));
    return chosen;
  }
  const Json* const config = find(value, "config");
  const Json* const layers = find(value, "layers");
  if (config == nullptr || layers == nullptr || !layers->is_array())
    return fail(ErrorCode::unsupported,
                "the manifest is neither of OCI nor of Docker's second schema");
  Manifest manifest;
  TRY_ASSIGN(manifest.config, digest_at(*config, "the manifest's configuration"));
  if (layers->get_array().empty() || layers->get_array().size() > kLayersMax)
    return fail(ErrorCode::unsupported,
                "the image has " + std::to_string(layers->get_array().size()) +
                    " layers; an image of 1 to " + std::to_string(kLayersMax) + " can be used");
  for (const Json& layer : layers->get_array()) {
    TRY_ASSIGN(std::string digest, digest_at(layer, "a layer"));
    manifest.blobs.push_back(std::move(digest));
  }
  return manifest;
}

Result<std::string> read_layout_index(std::string_view text) {
  TRY_ASSIGN(const Json value, parse(text, "the index of the layout"));
  const Json* const manifests = find(value, "manifests");
  if (manifests == nullptr || !manifests->is_array() || manifests->get_array().size() != 1)
    return fail(ErrorCode::corrupt, "the layout does not hold one image");
  return digest_at(manifests->get_array().front(), "the layout");
}

Status read_configuration(std::string_view text, const Manifest& manifest, Image& image) {
  TRY_ASSIGN(const Json value, parse(text, "the configuration"));
  const Json* const root = find(value, "rootfs");
  if (root == nullptr) return fail(ErrorCode::corrupt, "the configuration has no rootfs");
  TRY_ASSIGN(std::vector<std::string> contents, texts_at(*root, "diff_ids"));
  if (contents.size() != manifest.blobs.size() || !std::ranges::all_of(contents, is_sha256))
    return fail(ErrorCode::corrupt, "the configuration does not count the manifest's layers");
  for (std::size_t i = 0; i < contents.size(); ++i)
    image.layers.push_back({manifest.blobs[i], std::move(contents[i]), 0});
  const Json* const config = find(value, "config");
  if (config == nullptr) return {};
  TRY_ASSIGN(image.environment, texts_at(*config, "Env"));
  TRY_ASSIGN(image.entrypoint, texts_at(*config, "Entrypoint"));
  TRY_ASSIGN(image.command, texts_at(*config, "Cmd"));
  image.work_directory = text_at(*config, "WorkingDir");
  if (image.work_directory.find('\0') != std::string::npos)
    return fail(ErrorCode::corrupt, "WorkingDir is no path");
  return {};
}

}  // namespace reeve::images
