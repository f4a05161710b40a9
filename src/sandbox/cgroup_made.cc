#include "sandbox/cgroup_made.h"

namespace reeve::sandbox {
namespace {

class NoCgroups final : public Cgroups {
 public:
  explicit NoCgroups(std::string why_not) { abilities_.why_not = std::move(why_not); }
  const CgroupAbilities& abilities() const override { return abilities_; }
  Result<std::unique_ptr<Cgroup>> make(const std::string&) override {
    return fail(ErrorCode::unsupported,
                "control groups cannot be used here: " + abilities_.why_not);
  }
  void sweep(const std::string&) override {}
  void remove_abandoned() override {}
  bool is_leaving() const override { return false; }
  void remove_leaving() override {}

 private:
  CgroupAbilities abilities_;
};

}  // namespace

Result<std::unique_ptr<Cgroup>> MadeCgroups::make(const std::string& name) {
  TRY_ASSIGN(std::unique_ptr<GroupDirectories> directories, parents_.make(name));
  const bool is_taken_over = directories->is_taken_over();
  std::unique_ptr<Cgroup> group = group_of(std::move(directories));
  if (is_taken_over) TRY(group->reset());
  return group;
}

std::unique_ptr<Cgroups> no_cgroups(std::string why_not) {
  return std::make_unique<NoCgroups>(std::move(why_not));
}

}  // namespace reeve::sandbox
