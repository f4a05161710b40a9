// The guard as nft itself reads it, in a network namespace of its own.
#include <unistd.h>

#include <cstdio>
#include <random>

#include <gtest/gtest.h>

#include "egress/pins.h"

namespace reeve::egress {
namespace {

/// What nft says to it; "" if it loads.
std::string refusal(const std::string& guard) {
  const std::string path = testing::TempDir() + "guard." + std::to_string(::getpid()) + ".nft";
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return "cannot write " + path;
  std::fwrite(guard.data(), 1, guard.size(), file);
  std::fclose(file);
  const std::string command =
      "PATH=$PATH:/usr/sbin unshare --user --map-root-user --net nft -f " + path + " 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot start nft";
  std::string text;
  char buffer[512];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe))
    text.append(buffer, got);
  return ::pclose(pipe) == 0 ? "" : "nft: " + text;
}

IpNetwork random_network(std::mt19937& random) {
  for (;;) {
    std::string text;
    if (random() % 2 == 0) {
      const auto prefix = static_cast<unsigned>(random() % 33);
      const std::uint32_t bits =
          prefix == 0 ? 0 : static_cast<std::uint32_t>(random()) & (0xffffffffU << (32 - prefix));
      text = std::to_string(bits >> 24) + "." + std::to_string(bits >> 16 & 255) + "." +
             std::to_string(bits >> 8 & 255) + "." + std::to_string(bits & 255) + "/" +
             std::to_string(prefix);
    } else {
      text =
          "2001:db8:" + std::to_string(random() % 9) + "::/" + std::to_string(48 + random() % 16);
    }
    if (const auto network = parse_ip_network(text); network && !is_forbidden(*network))
      return *network;
  }
}

TEST(EgressGuard, loads_whatever_is_listed) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<EgressEntry> entries;
    const std::size_t count = round == 0 ? kEgressEntriesMax : 1 + random() % 20;
    while (entries.size() < count) {
      // Overlapping, repeated and neighbouring ones among them.
      EgressEntry entry;
      entry.network = entries.empty() || random() % 3 != 0
                          ? random_network(random)
                          : entries[random() % entries.size()].network;
      entry.port_first = static_cast<std::uint16_t>(1 + random() % 65535);
      entry.port_last =
          static_cast<std::uint16_t>(entry.port_first + random() % (65536U - entry.port_first));
      entry.protocol = random() % 2 == 0 ? EgressProtocol::tcp : EgressProtocol::udp;
      entries.push_back(entry);
    }
    Surroundings around;
    for (int i = 0; i < 5; ++i) around.own.push_back(random_network(random));
    std::erase_if(entries, [&](const EgressEntry& entry) { return !pin({&entry, 1}, around); });
    const auto pins = pin(entries, around);
    ASSERT_TRUE(pins);
    const std::string guard = guard_text(*pins, around.own);
    EXPECT_EQ(refusal(guard), "") << guard;
  }
}

TEST(EgressGuard, loads_with_as_many_addresses_as_names_may_have) {
  std::vector<EgressEntry> entries;
  Surroundings around;
  for (std::size_t i = 0; i < kEgressEntriesMax; ++i) {
    entries.push_back(parse_egress("n" + std::to_string(i) + ":1-65535").value());
    for (std::size_t k = 0; k < 2 * kAddressesPerNameMax; ++k)
      around.resolved["n" + std::to_string(i)].push_back(
          parse_ip_network("10.9." + std::to_string(i) + "." + std::to_string(k)).value());
  }
  const auto pins = pin(entries, around);
  ASSERT_TRUE(pins);
  EXPECT_EQ(refusal(guard_text(*pins, {})), "");
}

}  // namespace
}  // namespace reeve::egress
