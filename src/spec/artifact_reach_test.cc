#include "spec/parse.h"

namespace reeve::spec {
namespace {

struct ReachCase {
  const char* artifact;
  const char* more;  ///< of the task
  bool is_refused;
};

class Reach : public testing::TestWithParam<ReachCase> {};

TEST_P(Reach, is_told_when_the_text_shows_it) {
  const ReachCase& c = GetParam();
  const std::string text = std::string("tasks:\n  a: {run: x, artifacts: [{name: f, path: '") +
                           c.artifact + "'}]" + c.more + "}\n";
  const Parsed parsed = parse_workflow(text, "f.yaml");
  EXPECT_EQ(parsed.workflow == nullptr, c.is_refused) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Reach,
    testing::Values(
        ReachCase{"out/x", "", false}, ReachCase{"out/../x", "", false},
        ReachCase{"../x", "", true}, ReachCase{"out/../../x", "", true},
        ReachCase{"../x", ", sandbox: none", true}, ReachCase{"/etc/shadow", "", true},
        ReachCase{"/etc/shadow", ", sandbox: none", false}, ReachCase{"/proc/version", "", true},
        ReachCase{"/etc/../srv/x", "", false}, ReachCase{"/srv/../etc/x", "", true},
        ReachCase{"/srv/x", "", false},  // where it works is not said
        ReachCase{"/srv/x", ", workdir: /srv", false}, ReachCase{"/srv/x", ", workdir: /opt", true},
        ReachCase{"/srv/x", ", workdir: sub", false},
        ReachCase{"/srv/x", ", workdir: '${{ run.directory }}'", false},
        ReachCase{"/srv/x", ", workdir: /opt, sandbox: {writable: [/srv]}", false},
        ReachCase{"/srv/x", ", workdir: /opt, sandbox: {readable: /srv/x}", false},
        ReachCase{"/srv/xy", ", workdir: /opt, sandbox: {readable: /srv/x}", true},
        ReachCase{"/etc/x/y", ", sandbox: {readable: [/etc/x]}", false},
        ReachCase{"/tmp/x", ", workdir: /tmp", true},
        ReachCase{"/tmp/d/x", ", workdir: /tmp/d", false},
        ReachCase{"/srv/x", ", workdir: /opt, sandbox: {writable: ['${{ run.directory }}']}",
                  false},
        ReachCase{"${{ run.directory }}/x", ", workdir: /opt", false}));

}  // namespace
}  // namespace reeve::spec
