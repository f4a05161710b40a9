// What a task asks for, a node has and a queue is capped to, from a map of cpu, memory, disk, gpu
// and licenses. Pure.
#pragma once

#include "base/resources.h"
#include "spec/reading.h"
#include "spec/shape_check.h"

namespace reeve::spec {

/// `base` with what `section` names in its place; zeros after an error.
Resources read_resources(const Section& section, const Reading& reading, Resources base = {});

}  // namespace reeve::spec
