#include "supervisor/named_artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::supervisor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kStore = "/state/artifacts";

std::string box(char shelf, char rest) {
  return std::string(kStore) + "/" + std::string(2, shelf) + "/" + std::string(62, rest);
}
std::vector<std::string> named(Launch launch) { return named_artifacts(launch, kStore); }

TEST(NamedArtifacts, are_found_in_arguments_script_and_environment) {
  EXPECT_THAT(named({.arguments = {"cp", box('c', '3') + "/out file.txt", "."},
                     .script = "cat '" + box('a', '1') + "/x' " + box('b', '2') + "/y\n" +
                               box('a', '1') + "/x",
                     .environment = {{"IN", "[\"" + box('d', 'e') + "/z\"]"}}}),
              ElementsAre(box('a', '1'), box('b', '2'), box('c', '3'), box('d', 'e')));
}

TEST(NamedArtifacts, are_none_in_what_only_looks_alike) {
  for (const std::string& text :
       {std::string(kStore), std::string(kStore) + "/", std::string(kStore) + "/ab/cd/x",
        "/other" + box('a', '1').substr(kStore.size()), box('a', '1').substr(0, 70), box('g', '1'),
        box('a', 'A'), std::string(kStore) + "/../" + std::string(62, 'a'),
        std::string(kStore) + "2" + box('a', '1').substr(kStore.size())})
    EXPECT_THAT(named({.script = text}), IsEmpty()) << text;
}

}  // namespace
}  // namespace reeve::supervisor
