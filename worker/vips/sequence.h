// The colours that a sequence parameter set of HEVC declares. libde265 leaves out those of its tables'
// later rows, Display P3 among them.
#pragma once
#include <stddef.h>
#include <stdint.h>

// PresizeSequence has code points of ITU-T H.273, 2 where they are not declared.
typedef struct {
	int primaries;
	int transfer;
	int matrix;
	int full;
} PresizeSequence;

// presize_sequence_read reads a NAL unit. It leaves out as it is unless the unit is a sequence parameter set.
void presize_sequence_read(const uint8_t *unit, size_t len, PresizeSequence *out);
