#include "base/sandbox_rules.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

constexpr auto kNone = SandboxTier::none;
constexpr auto kNative = SandboxTier::native;

SandboxRequest request(SandboxTier tier, SandboxNetwork network = SandboxNetwork::none) {
  return {.tier = tier, .network = network, .readable = {}, .writable = {}, .image = {}};
}

TEST(SandboxRules, what_is_enclosed_needs_no_permission) {
  EXPECT_EQ(missing_permission(request(kNative), {}), std::nullopt);
}

TEST(SandboxRules, each_permission_is_its_own) {
  const SandboxRules unsandboxed{.unsandboxed = Permission::allowed};
  const SandboxRules host_network{.host_network = Permission::allowed};
  const SandboxRequest bare = request(kNone, SandboxNetwork::host);
  const SandboxRequest networked = request(kNative, SandboxNetwork::host);
  EXPECT_EQ(missing_permission(bare, {}), Unenclosed::unsandboxed);
  EXPECT_EQ(missing_permission(bare, host_network), Unenclosed::unsandboxed);
  EXPECT_EQ(missing_permission(bare, unsandboxed), std::nullopt);
  EXPECT_EQ(missing_permission(networked, {}), Unenclosed::host_network);
  EXPECT_EQ(missing_permission(networked, unsandboxed), Unenclosed::host_network);
  EXPECT_EQ(missing_permission(networked, host_network), std::nullopt);
  EXPECT_EQ(missing_permission(bare, kAllAllowed), std::nullopt);
  EXPECT_EQ(missing_permission(networked, kAllAllowed), std::nullopt);
}

TEST(SandboxRules, a_tier_for_all_takes_the_place_of_that_of_the_task) {
  const SandboxRules none{.tier = kNone};
  const SandboxRules native{.tier = kNative};
  EXPECT_EQ(enforced(request(kNative), none), request(kNone));
  EXPECT_EQ(enforced(request(kNone), native), request(kNative));
  EXPECT_EQ(enforced(request(kNone), {}), request(kNone));
  // None for all is said by the person who may allow it; native leaves the network to be allowed.
  EXPECT_EQ(missing_permission(request(kNative, SandboxNetwork::host), none), std::nullopt);
  EXPECT_EQ(missing_permission(request(kNone), native), std::nullopt);
  EXPECT_EQ(missing_permission(request(kNone, SandboxNetwork::host), native),
            Unenclosed::host_network);
}

TEST(SandboxRules, survive_the_journal) {
  const SandboxRules rules{.tier = kNone, .host_network = Permission::allowed};
  std::string bytes;
  Writer writer(bytes);
  encode(writer, rules);
  SandboxRules read;
  Reader reader(bytes);
  EXPECT_TRUE(decode(reader, read) && reader.at_end());
  EXPECT_EQ(read, rules);
}

}  // namespace
}  // namespace reeve
