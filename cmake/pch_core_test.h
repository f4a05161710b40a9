// The precompiled header of the tests of the core and of all that stands on it.
#pragma once

#include "pch_core.h"
#include "pch_test.h"
