// The tables of fields as Markdown: the reference parts of docs/workflow-format.md and
// docs/cluster-file.md. Pure.
#pragma once

#include <string>

namespace reeve::spec {

/// What stands in the document between the markers `<!-- fields -->` and `<!-- end of fields -->`.
std::string workflow_reference();
std::string cluster_reference();

}  // namespace reeve::spec
