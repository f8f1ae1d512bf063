// Bits of coded data, most significant first.
#pragma once
#include <stddef.h>
#include <stdint.h>

// bits is a series of bits that is read from its start. Beyond its end there are zeros.
typedef struct {
	const uint8_t *data;
	size_t len;
	size_t at; // in bits
} bits;

static inline uint32_t
take(bits *b, int count)
{
	uint32_t value = 0;
	for (int i = 0; i < count; i++, b->at++)
		value = value << 1 | (b->at / 8 < b->len ? b->data[b->at / 8] >> (7 - b->at % 8) & 1 : 0);
	return value;
}
