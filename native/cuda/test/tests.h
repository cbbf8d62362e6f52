#pragma once

#include "../../kernels/table.h"

/// Of the program in which products of linear layers and attention of whole sequences are a library's.
void testByLibrary(const r1::Table& kernels);
void testSequenceAttention(const r1::Table& kernels);
void testTokenProbability(const r1::Table& kernels);
void testSampling(const r1::Table& kernels);
void testSums(const r1::Table& kernels);
void testRows(const r1::Table& kernels);
