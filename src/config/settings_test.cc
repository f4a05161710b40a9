#include "config/settings.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/toml_file.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Resolved from_file(std::string text) {
  return resolve({.file_name = "reeve.toml", .file = std::move(text)});
}

std::vector<std::string> complaints(const Resolved& resolved) {
  std::vector<std::string> out;
  for (const Complaint& each : resolved.complaints) out.push_back(each.text());
  return out;
}

TEST(Settings, every_row_is_sound) {
  std::set<std::string_view> names;
  std::set<std::string> variables;
  const Settings defaults;
  for (const SettingInfo& row : setting_table()) {
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_TRUE(variables.insert(environment_name(row)).second);
    EXPECT_EQ(&info(row.setting), &row);
    EXPECT_EQ(find_setting(row.name), &row);
    EXPECT_EQ(defaults.at(row.setting).origin, Origin::fallback);
    EXPECT_FALSE(row.meaning.empty());
  }
  EXPECT_TRUE(resolve({}).complaints.empty());
  EXPECT_EQ(resolve({}).settings, defaults);
}

TEST(Settings, what_is_printed_is_read_back) {
  const Settings defaults;
  std::string file;
  for (const SettingInfo& row : setting_table())
    file +=
        std::string(row.name) + " = " + format_value(row, defaults.at(row.setting).value) + "\n";
  const Resolved resolved = from_file(file);
  EXPECT_THAT(complaints(resolved), IsEmpty());
  EXPECT_THAT(changes(defaults, resolved.settings), IsEmpty());
  for (const SettingInfo& row : setting_table())
    EXPECT_EQ(resolved.settings.at(row.setting).origin, Origin::file);
}

TEST(Settings, the_later_source_wins_and_says_so) {
  Sources sources{.file_name = "reeve.toml",
                  .file =
                      "[server]\nlisten = \"0.0.0.0:1\"\n[server.tls]\n"
                      "certificate = \"a\"\nkey = 'b'\n"};
  const auto listen = [&] { return resolve(sources).settings.at(Setting::server_listen); };
  EXPECT_EQ(listen(), (Effective{Value("0.0.0.0:1"), Origin::file, "reeve.toml:2:10"}));
  sources.environment = {{"PATH", "x"}, {"REEVE_SERVER_LISTEN", "0.0.0.0:2"}};
  EXPECT_EQ(listen(), (Effective{Value("0.0.0.0:2"), Origin::environment, "REEVE_SERVER_LISTEN"}));
  sources.flags = {{"server.listen", "0.0.0.0:3"}, {"server.listen", "0.0.0.0:4"}};
  EXPECT_EQ(listen(), (Effective{Value("0.0.0.0:4"), Origin::flag, "--set"}));
  EXPECT_EQ(resolve(sources).settings.text(Setting::server_tls_key), "b");
}

TEST(Settings, values_of_all_types) {
  const Settings settings = from_file(
                                "[server]\n"
                                "connections_max = 7\n"
                                "body_bytes_max = \"10Mi\"\n"
                                "header_bytes_max = 2048\n"
                                "header_timeout = \"1m30s\"\n"
                                "[engine]\n"
                                "sandbox = 'oci'\n"
                                "allow = ['host-network', 'unsandboxed']\n")
                                .settings;
  EXPECT_EQ(settings.integer(Setting::server_connections_max), 7);
  EXPECT_EQ(settings.integer(Setting::server_body_bytes_max), 10 << 20);
  EXPECT_EQ(settings.integer(Setting::server_header_bytes_max), 2048);
  EXPECT_EQ(settings.duration(Setting::server_header_timeout), std::chrono::seconds{90});
  EXPECT_EQ(settings.text(Setting::engine_sandbox), "oci");
  EXPECT_THAT(settings.list(Setting::engine_allow), ElementsAre("host-network", "unsandboxed"));
}

TEST(Settings, unknown_keys_are_refused_with_their_place_and_a_suggestion) {
  EXPECT_THAT(complaints(from_file("[server]\n  lisen = 'x'\n")),
              ElementsAre("reeve.toml:2:3: there is no setting 'server.lisen': did you mean "
                          "'server.listen'?"));
  EXPECT_THAT(complaints(from_file("session_idle = '1h'")),
              ElementsAre("reeve.toml:1:1: there is no setting 'session_idle': did you mean "
                          "'auth.session_idle'?"));
  EXPECT_THAT(complaints(from_file("[nonsense]\n")),
              ElementsAre("reeve.toml:1:2: there is no section 'nonsense'"));
  EXPECT_THAT(complaints(from_file("[server.tls.deep]\nx = 1\n")).front(), HasSubstr("2:1"));
  const Resolved variable =
      resolve({.environment = {{"REEVE_SERVER_LISTN", "x"}, {"REEVE_URL", "x"}}});
  EXPECT_THAT(
      complaints(variable),
      ElementsAre("REEVE_SERVER_LISTN: there is no setting that this variable could be for: "
                  "did you mean 'REEVE_SERVER_LISTEN'?"));
  EXPECT_THAT(complaints(resolve({.flags = {{"log.levl", "info"}}})),
              ElementsAre("--set: there is no setting 'log.levl': did you mean 'log.level'?"));
}

TEST(Settings, wrong_values_are_named) {
  const auto complaint = [](const std::string& line) {
    const auto all = complaints(from_file("[server]\n" + line));
    EXPECT_EQ(all.size(), 1U) << line;
    return all.empty() ? std::string() : all.front();
  };
  EXPECT_EQ(complaint("connections_max = 0"),
            "reeve.toml:2:19: server.connections_max: 1 to 1000000 is expected, not '0'");
  EXPECT_THAT(complaint("connections_max = '7'"), HasSubstr("a number is expected, not a text"));
  EXPECT_THAT(complaint("connections_max = 1.5"),
              HasSubstr("a number is expected, not a fraction"));
  EXPECT_THAT(complaint("connections_max = 1979-05-27"), HasSubstr("not a date"));
  EXPECT_THAT(complaint("listen = [1]"), HasSubstr("not a list that holds a number"));
  EXPECT_THAT(complaint("listen = 1"), HasSubstr("a text is expected, not a number"));
  EXPECT_THAT(complaint("header_timeout = 10"), HasSubstr("a text such as \"10s\""));
  EXPECT_THAT(complaint("header_timeout = '10'"), HasSubstr("a duration such as 10s"));
  EXPECT_THAT(complaint("header_timeout = '10d'"), HasSubstr("100ms to 10m is expected"));
  EXPECT_THAT(complaint("body_bytes_max = '10 Mi'"), HasSubstr("a size such as"));
  EXPECT_THAT(complaint("body_bytes_max = '9999999999Gi'"), HasSubstr("a size such as"));
  EXPECT_THAT(complaint("listen.x = 1"), HasSubstr("there is no setting 'server.listen.x'"));
  EXPECT_THAT(complaints(from_file("engine.allow = ['hostnetwork']")).front(),
              HasSubstr("did you mean 'host-network'?"));
  EXPECT_THAT(complaints(from_file("log.level = \"\\u001b[1m\"")).front(), HasSubstr("\\x1b"));
}

TEST(Settings, all_complaints_are_given_at_once) {
  const Resolved resolved = resolve({.file_name = "f",
                                     .file = "a = 1\nlog.level = 'x'\n",
                                     .environment = {{"REEVE_LOG_FORMAT", "x"}},
                                     .flags = {{"log.level", "y"}}});
  EXPECT_EQ(resolved.complaints.size(), 4U);
}

TEST(Settings, what_does_not_go_together_is_refused) {
  EXPECT_THAT(complaints(from_file("server.tls.key = 'x'")),
              ElementsAre("reeve.toml:1:18: server.tls.certificate and server.tls.key need each "
                          "other"));
  EXPECT_EQ(from_file("server.tls.client_ca = 'x'").complaints.size(), 1U);
  EXPECT_EQ(from_file("auth.oidc.issuer = 'x'").complaints.size(), 1U);
  EXPECT_EQ(from_file("auth.session_idle = '13h'").complaints.size(), 1U);
}

TEST(Settings, what_is_not_toml_is_refused_with_its_place) {
  for (const std::string bad : {"a", "a = ", "a = 1\na = 2", "[x\n", "a = \"\xff\"", "\x01"}) {
    const auto all = complaints(from_file(bad));
    ASSERT_EQ(all.size(), 1U) << bad;
    EXPECT_THAT(all.front(), HasSubstr("this is not TOML"));
  }
  EXPECT_THAT(complaints(from_file("\n\nb == 1")).front(), testing::StartsWith("reeve.toml:3:"));
  EXPECT_FALSE(from_file(std::string(kTomlBytesMax + 1, '#')).complaints.empty());
  EXPECT_FALSE(from_file("a = " + std::string(100'000, '[')).complaints.empty());
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += ".a";
  EXPECT_FALSE(from_file(deep + " = 1").complaints.empty());
}

RC_GTEST_PROP(SettingsFile, hostile_text_is_refused_or_read, (const std::string& text)) {
  const Resolved resolved = from_file(text);
  RC_ASSERT(!resolved.complaints.empty() || resolved.settings.text(Setting::log_level) == "info");
}

TEST(Settings, a_change_says_whether_it_can_be_live) {
  const Settings before;
  const Settings after = from_file(
                             "log.level = 'debug'\nserver.listen = 'x:1'\n"
                             "server.streams_max = 10000\n")
                             .settings;
  const std::vector<Change> found = changes(before, after);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].setting, Setting::server_listen);
  EXPECT_FALSE(found[0].live);
  EXPECT_EQ(found[1], (Change{Setting::log_level, Value("info"), Value("debug"), true}));
}

TEST(Settings, the_table_of_the_documentation_is_this_one) {
  std::ifstream file(REEVE_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(settings_markdown())) << "should be:\n" << settings_markdown();
}

}  // namespace
}  // namespace reeve::config
