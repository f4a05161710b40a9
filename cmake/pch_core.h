// The precompiled header of the core and of all that stands on it: the standard library and the
// entities that nearly each of their files speaks of. It halves what there is to compile.
#pragma once

#include "core/event.h"
#include "core/state.h"
#include "pch_std.h"
