#include "base/egress.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve {
namespace {

EgressEntry entry(std::string_view text) {
  const auto parsed = parse_egress(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error().message);
  return parsed.value_or(EgressEntry{});
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_egress(text);
  EXPECT_FALSE(parsed) << text;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
  return parsed.error().message;
}

IpNetwork network(std::string_view text) { return parse_ip_network(text).value(); }

TEST(Egress, entries) {
  EXPECT_EQ(entry("pypi.org:443"),
            (EgressEntry{.name = "pypi.org", .network = {}, .port_first = 443, .port_last = 443}));
  EXPECT_EQ(entry("PyPI.org:443").name, "pypi.org");
  EXPECT_EQ(entry("db:5432").name, "db");
  EXPECT_EQ(entry("_x.a-b.example:1").name, "_x.a-b.example");
  EXPECT_EQ(entry("10.2.0.0/16:5432").network, network("10.2.0.0/16"));
  EXPECT_EQ(entry("[fd00::5]:80").network.text(), "fd00::5");
  EXPECT_EQ(entry("[fd00:1::/32]:80").network.text(), "fd00:1::/32");
  const EgressEntry range = entry("192.0.2.7:8000-8010");
  EXPECT_EQ(range.network.text(), "192.0.2.7");
  EXPECT_EQ(range.port_first, 8000);
  EXPECT_EQ(range.port_last, 8010);
  EXPECT_EQ(entry("ntp.example:123/udp").protocol, EgressProtocol::udp);
  EXPECT_EQ(entry("10.0.0.1:53/tcp").protocol, EgressProtocol::tcp);
  EXPECT_EQ(entry("10.2.0.0/16:53-54/udp").port_last, 54);
  EXPECT_EQ(entry("0.0.0.0/0:1-65535").network.text(), "0.0.0.0/0");
}

TEST(Egress, refusals_say_what_to_write) {
  using testing::HasSubstr;
  EXPECT_THAT(refusal("*.example.com:443"), HasSubstr("list each name"));
  EXPECT_THAT(refusal("pypi.org"), HasSubstr("write name:443"));
  EXPECT_THAT(refusal("fd00::5:80"), HasSubstr("[fd00::5]:80"));
  EXPECT_THAT(refusal("[fd00::5]"), HasSubstr("a port follows"));
  EXPECT_THAT(refusal("[10.0.0.1]:80"), HasSubstr("of version 6"));
  EXPECT_THAT(refusal("10.2.3.4/16:1"), HasSubstr("write 10.2.0.0/16"));
  EXPECT_THAT(refusal("10.2.0.0/33:1"), HasSubstr("from 0 to 32"));
  EXPECT_THAT(refusal("a:0"), HasSubstr("no port"));
  EXPECT_THAT(refusal("a:9-8"), HasSubstr("no port"));
  EXPECT_THAT(refusal("a:65536"), HasSubstr("no port"));
  EXPECT_THAT(refusal("a:80/sctp"), HasSubstr("neither tcp nor udp"));
  EXPECT_THAT(refusal("localhost:80"), HasSubstr("never the machine"));
  EXPECT_THAT(refusal("a.localhost:80"), HasSubstr("never the machine"));
  for (const char* const number : {"127.1:80", "2130706433:80", "0x7f000001:80", "10.0.0.256:1",
                                   "1.2.3.4.5:80", "0x7f.1:80", "010.0.0.1:80"})
    EXPECT_THAT(refusal(number), HasSubstr("write all four numbers")) << number;
  for (const char* const bad : {"", ":", ":80", "a b:80", "a\n:80", "-a:80", "a..b:80", "a.:80",
                                "a;flush ruleset:80", "a}:80", "http://a:80", "user@a:80",
                                "[fd00::5%eth0]:80", "[]:80", "[:80", "a:80/", "a:8_0", "a:+80"})
    EXPECT_FALSE(parse_egress(bad)) << bad;
  EXPECT_FALSE(parse_egress(std::string(64, 'a') + ":80"));
  EXPECT_FALSE(parse_egress(std::string("a\0b:80", 6)));
}

TEST(Egress, what_no_task_may_reach_cannot_be_listed) {
  for (const char* const never :
       {"127.0.0.1:80", "169.254.169.254:80", "169.254.0.0/16:80", "0.0.0.0:80", "224.0.0.1:5/udp",
        "255.255.255.255:67/udp", "240.0.2.2:53", "100.100.100.200:80", "168.63.129.16:80",
        "[::1]:80", "[::]:80", "[fe80::1]:80", "[ff02::1]:80", "[fd00:ec2::254]:80",
        "[::ffff:169.254.169.254]:80", "[64:ff9b::a9fe:a9fe]:80", "[2002:a9fe:a9fe::]:80"})
    EXPECT_THAT(refusal(never), testing::HasSubstr("never reachable")) << never;
  // What merely holds them may be: the guard leaves them out.
  for (const char* const wide : {"0.0.0.0/0:80", "[::/0]:80", "[64:ff9b::808:808]:80"})
    EXPECT_TRUE(parse_egress(wide)) << wide;
}

TEST(Egress, networks_hold_what_is_in_them) {
  EXPECT_TRUE(network("10.0.0.0/8").holds(network("10.255.0.1")));
  EXPECT_TRUE(network("10.0.0.0/8").holds(network("10.0.0.0/8")));
  EXPECT_FALSE(network("10.0.0.0/8").holds(network("0.0.0.0/0")));
  EXPECT_FALSE(network("10.0.0.0/9").holds(network("10.128.0.1")));
  EXPECT_FALSE(network("0.0.0.0/0").holds(network("::1")));
  EXPECT_TRUE(network("fd00::/15").holds(network("fd01::1")));
  EXPECT_FALSE(network("fd00::/16").holds(network("fd01::1")));
  EXPECT_EQ(translated(network("169.254.0.0/16")).text(), "64:ff9b::a9fe:0/112");
}

TEST(Egress, texts_of_any_bytes_are_refused_or_come_back_harmless) {
  std::mt19937 random(20'26'11'27);
  constexpr std::string_view kAlphabet = "abz09.:-/[]{}*;\n\"'$ _%@#udptc\0x";
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    const std::size_t size = random() % 14;
    for (std::size_t k = 0; k < size; ++k) text += kAlphabet[random() % kAlphabet.size()];
    if (random() % 2 == 0) text += ":8" + std::to_string(random() % 10);
    const auto parsed = parse_egress(text);
    if (!parsed) continue;
    ++accepted;
    const std::string shown = parsed->name.empty() ? parsed->network.text() : parsed->name;
    EXPECT_EQ(shown.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.:-_/"),
              std::string::npos)
        << text;
    EXPECT_GT(parsed->port_first, 0);
    EXPECT_LE(parsed->port_first, parsed->port_last);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace reeve
