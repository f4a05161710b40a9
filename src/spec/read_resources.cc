#include "spec/read_resources.h"

#include <algorithm>

namespace reeve::spec {

Resources read_resources(const Section& section, const Reading& reading, Resources base) {
  Resources resources = std::move(base);
  if (const auto cpu = section.get("cpu"))
    resources.cpu_millicores = parse_millis(cpu->text()).value_or(0);
  if (const auto memory = section.get("memory"))
    resources.memory_bytes = parse_bytes(memory->text()).value_or(0);
  if (const auto disk = section.get("disk"))
    resources.disk_bytes = parse_bytes(disk->text()).value_or(0);
  if (const auto gpu = section.get("gpu"))
    resources.gpu_milli = parse_millis(gpu->text()).value_or(0);
  const auto licenses = section.get("licenses");
  if (!licenses) return resources;
  resources.countables.clear();
  for (const YamlNode::Entry& entry : licenses->entries()) {
    resources.countables.push_back(
        {reading.read_text(entry.key), reading.read_integer(entry.value)});
  }
  std::ranges::sort(resources.countables);
  return resources;
}

}  // namespace reeve::spec
