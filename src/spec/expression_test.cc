#include "spec/expression.h"
