#pragma once

#include "../table.h"

void testLinear(const r1::Table& kernels);
/// What our kernels promise of gradients of weights, and libraries do not.
void testRowsInParts(const r1::Table& kernels);
void testAttention(const r1::Table& kernels);
void testElementwise(const r1::Table& kernels);
/// What only the CPU's kernels promise: sums in the order of its lanes.
void testOrderOfSums(const r1::Table& kernels);
