#include "egress/pins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egress/message.h"

namespace reeve::egress {
namespace {

using testing::HasSubstr;
using testing::Not;

IpNetwork network(std::string_view text) { return parse_ip_network(text).value(); }

std::vector<IpNetwork> networks(std::initializer_list<std::string_view> texts) {
  std::vector<IpNetwork> all;
  for (const std::string_view text : texts) all.push_back(network(text));
  return all;
}

std::vector<EgressEntry> entries(std::initializer_list<std::string_view> texts) {
  std::vector<EgressEntry> all;
  for (const std::string_view text : texts) all.push_back(parse_egress(text).value());
  return all;
}

Surroundings surroundings() {
  Surroundings around;
  around.own = networks({"127.0.0.1", "203.0.113.9", "fd01::9"});
  around.resolved["db"] = networks({"198.51.100.2", "fd01::2", "198.51.100.1", "198.51.100.2"});
  around.resolved["own"] = networks({"203.0.113.9", "127.0.0.1"});
  around.resolved["metadata"] = networks({"169.254.169.254"});
  around.resolved["mixed"] = networks({"169.254.169.254", "203.0.113.9", "198.51.100.7"});
  return around;
}

std::string refusal(std::initializer_list<std::string_view> texts, const Surroundings& around,
                    ErrorCode code) {
  const auto pins = pin(entries(texts), around);
  EXPECT_FALSE(pins);
  if (pins) return {};
  EXPECT_EQ(pins.error().code, code);
  return pins.error().message;
}

TEST(EgressPins, names_are_pinned_in_the_order_of_the_resolver) {
  const auto pins = pin(entries({"db:5432", "db:80-81/udp", "10.2.0.0/16:1"}), surroundings());
  ASSERT_TRUE(pins);
  ASSERT_EQ(pins->names.size(), 1U);
  EXPECT_EQ(pins->names[0].addresses, networks({"198.51.100.2", "fd01::2", "198.51.100.1"}));
  EXPECT_EQ(hosts_text(*pins),
            "127.0.0.1 localhost\n::1 localhost\n198.51.100.2 db\nfd01::2 db\n198.51.100.1 db\n");
}

TEST(EgressPins, what_no_sandbox_may_reach_is_left_out_or_refused) {
  const auto mixed = pin(entries({"mixed:80"}), surroundings());
  ASSERT_TRUE(mixed);
  EXPECT_EQ(mixed->allowances[0].networks, networks({"198.51.100.7"}));
  EXPECT_THAT(hosts_text(*mixed), Not(HasSubstr("169.254")));
  const ErrorCode denied = ErrorCode::permission_denied;
  EXPECT_THAT(refusal({"own:80"}, surroundings(), denied), HasSubstr("203.0.113.9, 127.0.0.1"));
  EXPECT_THAT(refusal({"metadata:80"}, surroundings(), denied), HasSubstr("metadata is 169.254"));
  EXPECT_THAT(refusal({"203.0.113.9:80"}, surroundings(), denied), HasSubstr("no sandbox may"));
  EXPECT_THAT(refusal({"gone:80"}, surroundings(), ErrorCode::not_found), HasSubstr("gone"));
}

TEST(EgressPins, out_of_reach_is_said) {
  Surroundings around = surroundings();
  EXPECT_THAT(refusal({"[fd00::5]:80"}, around, ErrorCode::unsupported),
              HasSubstr("fd00::/64 is the sandbox's own network"));
  around.has_v6 = false;
  EXPECT_THAT(refusal({"[fd01::5]:80"}, around, ErrorCode::unsupported),
              HasSubstr("no network of version 6"));
  const auto pins = pin(entries({"db:80"}), around);
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->names[0].addresses, networks({"198.51.100.2", "198.51.100.1"}));
}

TEST(EgressPins, no_more_addresses_of_a_name_than_fit) {
  Surroundings around = surroundings();
  for (int i = 1; i < 200; ++i)
    around.resolved["many"].push_back(network("198.51.100." + std::to_string(i)));
  const auto pins = pin(entries({"many:80"}), around);
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->names[0].addresses.size(), kAddressesPerNameMax);
}

TEST(EgressPins, guard) {
  const auto pins = pin(entries({"db:5432", "10.2.0.0/16:8000-8010", "db:53/udp"}), surroundings());
  ASSERT_TRUE(pins);
  EXPECT_EQ(guard_text(*pins, surroundings().own), R"(table inet reeve {
  set forbidden4 {
    type ipv4_addr; flags interval; auto-merge; elements = {
      0.0.0.0/8,
      100.100.100.200,
      127.0.0.0/8,
      127.0.0.1,
      168.63.129.16,
      169.254.0.0/16,
      192.0.0.192,
      203.0.113.9,
      224.0.0.0/3 }
  }
  set forbidden6 {
    type ipv6_addr; flags interval; auto-merge; elements = {
      ::/96,
      ::ffff:0.0.0.0/96,
      ::ffff:0:0:0/96,
      64:ff9b::/104,
      64:ff9b::6464:64c8,
      64:ff9b::7f00:0/104,
      64:ff9b::7f00:1,
      64:ff9b::a83f:8110,
      64:ff9b::a9fe:0/112,
      64:ff9b::c000:c0,
      64:ff9b::cb00:7109,
      64:ff9b::e000:0/99,
      64:ff9b:1::/48,
      2002::/16,
      fd00::/64,
      fd00:ec2::254,
      fd01::9,
      fd20:ce::254,
      fe80::/10,
      fec0::/10,
      ff00::/8 }
  }
  chain output {
    type filter hook output priority 0; policy drop;
    oifname "lo" accept
    ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ip daddr @forbidden4 reject with icmpx admin-prohibited
    ip6 daddr @forbidden6 reject with icmpx admin-prohibited
    ct state established accept
    ct state related meta l4proto { icmp, ipv6-icmp } accept
    ip daddr { 198.51.100.1, 198.51.100.2 } tcp dport 5432-5432 accept
    ip6 daddr { fd01::2 } tcp dport 5432-5432 accept
    ip daddr { 10.2.0.0/16 } tcp dport 8000-8010 accept
    ip daddr { 198.51.100.1, 198.51.100.2 } udp dport 53-53 accept
    ip6 daddr { fd01::2 } udp dport 53-53 accept
    reject with icmpx admin-prohibited
  }
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ct state established accept
    ct state related meta l4proto { icmp, ipv6-icmp } accept
  }
  chain forward { type filter hook forward priority 0; policy drop; }
}
)");
}

TEST(EgressPins, no_name_comes_into_the_guard) {
  Surroundings around = surroundings();
  around.resolved["accept"] = networks({"198.51.100.1"});
  const auto pins = pin(entries({"accept:80"}), around);
  ASSERT_TRUE(pins);
  const std::string with = guard_text(*pins, around.own);
  around.resolved["drop"] = around.resolved["accept"];
  EXPECT_EQ(with, guard_text(pin(entries({"drop:80"}), around).value(), around.own));
}

TEST(EgressMessages, round_trip) {
  EXPECT_EQ(std::get<Pinned>(read_message(pinned_message("127.0.0.1 a\n"))).hosts, "127.0.0.1 a\n");
  const Error error{ErrorCode::unsupported, "no nft", {}};
  EXPECT_EQ(std::get<Error>(read_message(failure_message(error))), error);
  EXPECT_TRUE(std::holds_alternative<Connected>(read_message("1")));
  EXPECT_EQ(std::get<Talk>(read_message("Starting slirp\n")).text, "Starting slirp\n");
  EXPECT_TRUE(std::holds_alternative<Talk>(read_message("fail")));
  EXPECT_EQ(std::get<Error>(read_message("fail nonsense words")).code, ErrorCode::io_failed);
}

}  // namespace
}  // namespace reeve::egress
