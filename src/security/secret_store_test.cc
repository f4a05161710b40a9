#include "security/secret_store.h"

#include <sys/stat.h>

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "security/security_database.h"
#include "security/test_directory.h"

namespace reeve::security {
namespace {

using testing::HasSubstr;

constexpr Time kSetAt{std::chrono::hours{400'000}};
constexpr std::string_view kValue = "the value of a secret";

class SecretStoreTest : public testing::Test {
 protected:
  SealingKey file_key() {
    return find_sealing_key({.file = directory.path("secrets.key")}).value();
  }
  std::unique_ptr<SecretStore> open() { return open_with(file_key()).value(); }
  Result<std::unique_ptr<SecretStore>> open_with(const SealingKey& key) {
    return SecretStore::open(directory.path("security.db"), key);
  }
  store::sqlite::Connection database() {
    return open_security_database(directory.path("security.db")).value();
  }
  TestDirectory directory;
};

TEST_F(SecretStoreTest, a_value_is_read_back_also_after_a_restart) {
  const SecretRecord first = open()->set("a", "KEY", kValue, "user:x", kSetAt).value();
  EXPECT_EQ(first.version, 1U);
  EXPECT_EQ(open()->read("a", "KEY").value(), kValue);
  EXPECT_EQ(open()->set("a", "KEY", "second", "user:y", kSetAt)->version, 2U);
  EXPECT_EQ(open()->read("a", "KEY").value(), "second");
  ASSERT_TRUE(open()->remove("a", "KEY"));
  EXPECT_EQ(open()->read("a", "KEY").error().code, ErrorCode::not_found);
  EXPECT_EQ(open()->remove("a", "KEY").error().code, ErrorCode::not_found);
  EXPECT_EQ(open()->set("a", "KEY", "third", "user:y", kSetAt)->version, 3U);
}

TEST_F(SecretStoreTest, namespaces_do_not_see_one_another) {
  const auto store = open();
  ASSERT_TRUE(store->set("a", "KEY", "of a", "x", kSetAt));
  ASSERT_TRUE(store->set("b", "KEY", "of b", "x", kSetAt));
  EXPECT_EQ(store->read("a", "KEY").value(), "of a");
  EXPECT_EQ(store->read("b", "KEY").value(), "of b");
  EXPECT_FALSE(store->read("c", "KEY"));
  EXPECT_EQ(store->list("a")->size(), 1U);
  EXPECT_EQ(store->list("")->size(), 2U);
  EXPECT_EQ(store->list("b")->front().size, 4U);
}

TEST_F(SecretStoreTest, no_value_is_in_any_file) {
  {
    const auto store = open();
    ASSERT_TRUE(store->set("a", "KEY", kValue, "x", kSetAt));
    ASSERT_TRUE(store->rotate_key(nullptr));
    ASSERT_TRUE(store->set("a", "OTHER", kValue, "x", kSetAt));
    ASSERT_TRUE(store->remove("a", "OTHER"));
  }
  std::size_t looked_at = 0;
  for (const auto& each : std::filesystem::directory_iterator(directory.root())) {
    EXPECT_EQ(read_file(each.path()).find(kValue.substr(0, 8)), std::string::npos) << each.path();
    ++looked_at;
  }
  EXPECT_GE(looked_at, 2U);
}

TEST_F(SecretStoreTest, a_sealed_value_fits_its_own_place_only) {
  const auto set_all = [this] {
    const auto store = open();
    for (const std::string_view name_space : {"a", "b"}) {
      for (const std::string_view name : {"KEY", "OTHER"})
        ASSERT_TRUE(store->set(name_space, name, kValue, "x", kSetAt));
    }
  };
  set_all();
  const std::string copy_from = "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE ";
  for (const std::string from :
       {"namespace='a' AND name='OTHER'", "namespace='b' AND name='KEY'"}) {
    ASSERT_TRUE(database().execute(copy_from + from + ") WHERE namespace='a' AND name='KEY'"));
    EXPECT_EQ(open()->read("a", "KEY").error().code, ErrorCode::corrupt);
    set_all();
  }
  // An older version of the same secret.
  ASSERT_TRUE(database().execute("CREATE TABLE old AS SELECT * FROM secrets"));
  ASSERT_TRUE(open()->set("a", "KEY", "new", "x", kSetAt));
  ASSERT_TRUE(database().execute(
      "UPDATE secrets SET sealed = (SELECT sealed FROM old WHERE namespace='a' AND name='KEY')"
      " WHERE namespace='a' AND name='KEY'"));
  EXPECT_EQ(open()->read("a", "KEY").error().code, ErrorCode::corrupt);
}

TEST_F(SecretStoreTest, every_flipped_bit_of_a_sealed_value_is_noticed) {
  ASSERT_TRUE(open()->set("a", "KEY", "v", "x", kSetAt));
  std::string sealed;
  {
    auto opened = database();
    auto select = opened.prepare("SELECT sealed FROM secrets").value();
    ASSERT_TRUE(select.step().value());
    sealed = select.bytes(0);
  }
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string wrong = sealed;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    {
      auto opened = database();
      auto change = opened.prepare("UPDATE secrets SET sealed = ?1").value();
      change.bind_blob(1, wrong);
      ASSERT_TRUE(change.run());
    }
    EXPECT_EQ(open()->read("a", "KEY").error().code, ErrorCode::corrupt) << at;
  }
}

TEST_F(SecretStoreTest, another_key_is_refused) {
  ASSERT_TRUE(open()->set("a", "KEY", kValue, "x", kSetAt));
  std::filesystem::remove(directory.path("secrets.key"));
  const auto opened = open_with(file_key());  // made anew
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::permission_denied);
  EXPECT_THAT(opened.error().message, HasSubstr("another key"));
}

TEST_F(SecretStoreTest, a_rotation_changes_the_key_and_no_value) {
  const Key before = file_key().key;
  {
    const auto store = open();
    for (int i = 0; i < 10; ++i)
      ASSERT_TRUE(store->set("a", "KEY" + std::to_string(i), kValue, "x", kSetAt));
    ASSERT_TRUE(store->rotate_key(nullptr));
    EXPECT_EQ(store->read("a", "KEY3").value(), kValue);
    EXPECT_EQ(store->list("a")->front().version, 1U);
  }
  EXPECT_NE(file_key().key, before);
  EXPECT_EQ(open()->read("a", "KEY9").value(), kValue);
  SealingKey old = file_key();
  old.key = before;
  old.source = KeySource::environment;  // that of a file is looked at again
  EXPECT_FALSE(open_with(old));
}

TEST_F(SecretStoreTest, a_rotation_that_a_crash_interrupts_is_finished_or_undone) {
  ASSERT_TRUE(open()->set("a", "KEY", kValue, "x", kSetAt));
  const std::string path = directory.path("secrets.key");
  const std::string before = read_file(path);
  // The next key was written, and nothing else.
  ASSERT_TRUE(create_private_file(path + ".next", format_key(random_key()) + "\n"));
  EXPECT_EQ(open()->read("a", "KEY").value(), kValue);
  EXPECT_EQ(read_file(path), before);
  EXPECT_FALSE(std::filesystem::exists(path + ".next"));
  // Everything was sealed anew, and the file was not yet put in its place.
  ASSERT_TRUE(open()->rotate_key(nullptr));
  const std::string after = read_file(path);
  std::filesystem::rename(path, path + ".next");
  ASSERT_TRUE(create_private_file(path, before));
  EXPECT_EQ(open()->read("a", "KEY").value(), kValue);
  EXPECT_EQ(read_file(path), after);
  EXPECT_FALSE(std::filesystem::exists(path + ".next"));
}

TEST_F(SecretStoreTest, what_another_process_changes_is_seen) {
  const auto service = open();
  const auto command = open();
  ASSERT_TRUE(command->set("a", "KEY", kValue, "x", kSetAt));
  EXPECT_EQ(service->read("a", "KEY").value(), kValue);
  ASSERT_TRUE(command->rotate_key(nullptr));
  EXPECT_EQ(service->read("a", "KEY").value(), kValue);
  ASSERT_TRUE(service->set("a", "KEY", "next", "x", kSetAt));
  EXPECT_EQ(command->read("a", "KEY").value(), "next");
  ASSERT_TRUE(service->remove("a", "KEY"));
  EXPECT_TRUE(command->list("")->empty());
}

TEST_F(SecretStoreTest, a_damaged_value_stops_a_rotation_that_then_changes_nothing) {
  {
    const auto store = open();
    ASSERT_TRUE(store->set("a", "KEY", kValue, "x", kSetAt));
    ASSERT_TRUE(store->set("b", "KEY", kValue, "x", kSetAt));
  }
  ASSERT_TRUE(database().execute("UPDATE secrets SET sealed = x'00' WHERE namespace = 'b'"));
  const std::string before = read_file(directory.path("secrets.key"));
  EXPECT_EQ(open()->rotate_key(nullptr).error().code, ErrorCode::corrupt);
  EXPECT_EQ(read_file(directory.path("secrets.key")), before);
  EXPECT_EQ(open()->read("a", "KEY").value(), kValue);
}

TEST_F(SecretStoreTest, keys_come_from_a_credential_the_environment_or_a_file) {
  const std::string text = format_key(random_key());
  const SealingPlaces places{.credentials_directory = directory.root(),
                             .environment = text,
                             .file = directory.path("secrets.key")};
  EXPECT_EQ(find_sealing_key(places)->source, KeySource::environment);
  EXPECT_EQ(format_key(find_sealing_key(places)->key), text);
  EXPECT_FALSE(std::filesystem::exists(places.file));
  write_file(directory.path("reeve-secrets-key"), format_key(random_key()) + "\n");
  ASSERT_EQ(::chmod(directory.path("reeve-secrets-key").c_str(), 0440), 0);  // as systemd has them
  EXPECT_EQ(find_sealing_key(places)->source, KeySource::credential);
  ASSERT_EQ(::chmod(directory.path("reeve-secrets-key").c_str(), 0444), 0);
  EXPECT_FALSE(find_sealing_key(places));
  const auto wrong = find_sealing_key({.environment = "abc", .file = places.file});
  EXPECT_THAT(wrong.error().message, HasSubstr("REEVE_SECRETS_KEY"));
  EXPECT_EQ(wrong.error().message.find("abc"), std::string::npos);
}

TEST_F(SecretStoreTest, from_the_environment_the_next_key_is_given) {
  SealingKey key{.key = random_key(), .source = KeySource::environment};
  ASSERT_TRUE(open_with(key).value()->set("a", "KEY", kValue, "x", kSetAt));
  EXPECT_FALSE(open_with(key).value()->rotate_key(nullptr));
  const Key next = random_key();
  ASSERT_TRUE(open_with(key).value()->rotate_key(&next));
  EXPECT_FALSE(open_with(key));
  key.key = next;
  EXPECT_EQ(open_with(key).value()->read("a", "KEY").value(), kValue);
}

TEST_F(SecretStoreTest, bad_names_and_sizes_are_refused) {
  const auto store = open();
  for (const std::string_view bad : {"", "1A", "a b", "a/b", "-a", "a.b", "é"})
    EXPECT_FALSE(store->set("a", bad, "v", "x", kSetAt)) << bad;
  EXPECT_FALSE(store->set("A", "KEY", "v", "x", kSetAt));
  EXPECT_FALSE(store->set("a", "KEY", "", "x", kSetAt));
  EXPECT_FALSE(store->set("a", "KEY", std::string(kSecretBytesMax + 1, 'v'), "x", kSetAt));
  const std::string largest(kSecretBytesMax, '\0');
  ASSERT_TRUE(store->set("a", std::string(kSecretNameMax, 'k'), largest, "x", kSetAt));
  EXPECT_EQ(store->read("a", std::string(kSecretNameMax, 'k')).value(), largest);
}

class NamedSecrets final : public engine::Secrets {
 public:
  Result<std::string> read(const engine::SecretName& secret) override {
    return "other " + std::string(secret.name);
  }
};

TEST_F(SecretStoreTest, the_engine_is_given_the_secrets_of_a_namespace_then_the_others) {
  const auto store = open();
  ASSERT_TRUE(store->set("a", "KEY", kValue, "x", kSetAt));
  NamedSecrets others;
  EXPECT_EQ(StoredSecrets(*store, &others).read({"a", "KEY"}).value(), kValue);
  EXPECT_EQ(StoredSecrets(*store, &others).read({"a", "ELSE"}).value(), "other ELSE");
  const auto missing = StoredSecrets(*store).read({"b", "KEY"});
  EXPECT_THAT(missing.error().message, HasSubstr("reeve secret set KEY --namespace b"));
}

}  // namespace
}  // namespace reeve::security
