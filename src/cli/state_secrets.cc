#include "cli/state_secrets.h"

#include <unistd.h>

namespace reeve::cli {

Result<std::unique_ptr<security::SecretStore>> open_secret_store(const std::string& state_directory,
                                                                 const std::string* key_file) {
  const std::string file = key_file == nullptr ? state_directory + "/secrets.key" : *key_file;
  TRY_ASSIGN(security::SealingKey key, security::find_sealing_key(security::sealing_places(file)));
  return security::SecretStore::open(state_directory + "/security.db", std::move(key));
}

Result<std::string> StateSecrets::read(const engine::SecretName& secret) {
  if (secret.name == kTokenSecret || secret.name == kUrlSecret) {
    if (own_) return own_(secret);
    return fail(ErrorCode::not_found,
                std::string(secret.name) + " is given to tasks of a service only (`reeve serve`)");
  }
  // Nothing is made for runs that never had a store.
  if (store_ == nullptr && ::access((root_ + "/security.db").c_str(), F_OK) == 0) {
    TRY_ASSIGN(store_, open_secret_store(root_, key_file_.empty() ? nullptr : &key_file_));
  }
  engine::Secrets* const otherwise =
      sources_ == SecretSources::store_and_environment ? &environment_ : nullptr;
  if (store_ != nullptr) return security::StoredSecrets(*store_, otherwise).read(secret);
  if (otherwise != nullptr) return otherwise->read(secret);
  return fail(ErrorCode::not_found, "secret " + std::string(secret.name) +
                                        " is not set: `reeve secret set " +
                                        std::string(secret.name) + "` sets it");
}

}  // namespace reeve::cli
