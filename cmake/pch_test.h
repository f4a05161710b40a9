// The precompiled header of all tests: the standard library and GoogleTest.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pch_std.h"
