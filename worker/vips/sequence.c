#include "sequence.h"
#include "bits.h"
#include <glib.h>

// Section numbers are those of ITU-T H.265. Counts are bounded by what it allows, so that nothing in a
// broken file takes long.

// take_code reads an Exp-Golomb code (§9.2). A signed one has the same length.
static uint32_t
take_code(bits *b)
{
	int zeros = 0;
	while (zeros < 31 && !take(b, 1))
		zeros++;
	return (1u << zeros) - 1 + take(b, zeros);
}

static void
skip_codes(bits *b, int count)
{
	for (int i = 0; i < count; i++)
		take_code(b);
}

// skip_profile skips profile_tier_level (§7.3.3).
static void
skip_profile(bits *b, int layers)
{
	b->at += 88 + 8;
	if (layers == 0)
		return;
	int size = 2 * (8 - layers);
	for (int i = 0; i < layers; i++) {
		size += take(b, 1) ? 88 : 0;
		size += take(b, 1) ? 8 : 0;
	}
	b->at += size;
}

// skip_scaling_lists skips scaling_list_data (§7.3.4).
static void
skip_scaling_lists(bits *b)
{
	for (int size = 0; size < 4; size++)
		for (int matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
			if (!take(b, 1)) {
				take_code(b);
				continue;
			}
			if (size > 1)
				take_code(b);
			skip_codes(b, MIN(64, 1 << (4 + 2 * size)));
		}
}

// skip_reference_sets skips the st_ref_pic_sets (§7.3.7).
static void
skip_reference_sets(bits *b)
{
	uint32_t sets = take_code(b), pictures = 0; // of the set before
	for (uint32_t set = 0; set < MIN(sets, 64); set++) {
		if (set > 0 && take(b, 1)) { // predicted from the set before
			take(b, 1);
			take_code(b);
			uint32_t kept = 0;
			for (uint32_t i = 0; i <= pictures; i++)
				kept += take(b, 1) || take(b, 1);
			pictures = kept;
			continue;
		}
		uint32_t negative = take_code(b), positive = take_code(b);
		pictures = MIN(negative, 16) + MIN(positive, 16);
		for (uint32_t i = 0; i < pictures; i++) {
			take_code(b);
			take(b, 1);
		}
	}
}

// read_usability reads vui_parameters (§E.2.1) up to the colours.
static void
read_usability(bits *b, PresizeSequence *out)
{
	const uint32_t extended_ratio = 255;
	if (take(b, 1) && take(b, 8) == extended_ratio)
		take(b, 32);
	if (take(b, 1))
		take(b, 1);
	if (!take(b, 1))
		return;
	take(b, 3);
	out->full = take(b, 1);
	if (take(b, 1)) {
		out->primaries = take(b, 8);
		out->transfer = take(b, 8);
		out->matrix = take(b, 8);
	}
}

// read_set reads seq_parameter_set_rbsp (§7.3.2.2.1).
static void
read_set(bits *b, PresizeSequence *out)
{
	const uint32_t separate_planes = 3;
	take(b, 4);
	int layers = take(b, 3);
	take(b, 1);
	skip_profile(b, layers);
	take_code(b);
	if (take_code(b) == separate_planes)
		take(b, 1);
	skip_codes(b, 2); // width and height
	if (take(b, 1))
		skip_codes(b, 4); // conformance window
	skip_codes(b, 2); // bit depths
	uint32_t order_bits = take_code(b) + 4;
	skip_codes(b, take(b, 1) ? 3 * (layers + 1) : 3);
	skip_codes(b, 6); // sizes of blocks
	if (take(b, 1) && take(b, 1))
		skip_scaling_lists(b);
	take(b, 2);
	if (take(b, 1)) { // PCM
		take(b, 8);
		skip_codes(b, 2);
		take(b, 1);
	}
	skip_reference_sets(b);
	if (take(b, 1)) { // long-term references
		uint32_t count = take_code(b);
		b->at += MIN(count, 32) * (MIN(order_bits, 16) + 1);
	}
	take(b, 2);
	if (take(b, 1))
		read_usability(b, out);
}

void
presize_sequence_read(const uint8_t *unit, size_t len, PresizeSequence *out)
{
	const int header = 2, sequence_set = 33;
	if (len <= (size_t) header || (unit[0] >> 1 & 63) != sequence_set)
		return;
	// An emulation prevention byte stands after two zeros: §7.3.1.1.
	uint8_t payload[1024];
	size_t count = 0;
	int zeros = 0;
	for (size_t i = header; i < len && count < sizeof payload; i++) {
		gboolean prevents = zeros >= 2 && unit[i] == 3;
		zeros = unit[i] == 0 ? zeros + 1 : 0;
		if (!prevents)
			payload[count++] = unit[i];
	}
	bits b = { payload, count };
	*out = (PresizeSequence) { 2, 2, 2, 0 };
	read_set(&b, out);
}
