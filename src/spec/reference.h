// The table of fields as Markdown: the reference part of docs/workflow-format.md. Pure.
#pragma once

#include <string>

namespace reeve::spec {

/// What stands in the document between the markers `<!-- fields -->` and `<!-- end of fields -->`.
std::string workflow_reference();

}  // namespace reeve::spec
