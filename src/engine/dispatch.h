// Carries out the effects of a committed round. Engine thread only.
#pragma once

#include "engine/parts.h"

namespace reeve::engine {

void dispatch_effects(Engine::Parts& parts);

}  // namespace reeve::engine
