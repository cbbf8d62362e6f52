#pragma once

#include "../table.h"

void testLinear(const r1::Table& kernels);
void testAttention(const r1::Table& kernels);
void testElementwise(const r1::Table& kernels);
