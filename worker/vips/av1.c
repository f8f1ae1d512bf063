#include "av1.h"
#include "bits.h"
#include <string.h>

// skip_uvlc skips a number of variable length (AV1 specification §4.10.3).
static void
skip_uvlc(bits *b)
{
	int zeros = 0;
	while (zeros < 32 && !take(b, 1))
		zeros++;
	take(b, zeros < 32 ? zeros : 0);
}

// read_operating_points follows §5.5.1 from timing_info_present_flag to the last operating point.
static void
read_operating_points(bits *b, PresizeAV1 *out)
{
	int model = 0, delay_bits = 0;
	if (take(b, 1)) { // timing_info
		take(b, 32);
		take(b, 32);
		if (take(b, 1))
			skip_uvlc(b);
		model = take(b, 1);
		if (model) { // decoder_model_info
			delay_bits = take(b, 5) + 1;
			take(b, 32);
			take(b, 10);
		}
	}
	int delays = take(b, 1);
	int points = take(b, 5) + 1;
	for (int i = 0; i < points; i++) {
		take(b, 12);
		int level = take(b, 5);
		int tier = level > 7 ? take(b, 1) : 0;
		if (i == 0) {
			out->level = level;
			out->tier = tier;
		}
		if (model && take(b, 1)) {
			take(b, delay_bits);
			take(b, delay_bits);
			take(b, 1);
		}
		if (delays && take(b, 1))
			take(b, 4);
	}
}

// skip_tools follows §5.5.1 from enable_interintra_compound to order_hint_bits_minus_1.
static void
skip_tools(bits *b)
{
	take(b, 4);
	int order_hint = take(b, 1);
	if (order_hint)
		take(b, 2);
	int screen_content = take(b, 1) ? 2 : take(b, 1);
	if (screen_content > 0 && !take(b, 1))
		take(b, 1);
	if (order_hint)
		take(b, 3);
}

// read_colors is color_config, §5.5.2.
static void
read_colors(bits *b, PresizeAV1 *out)
{
	int high = take(b, 1);
	out->bits = out->profile == 2 && high && take(b, 1) ? 12 : high ? 10 : 8;
	out->mono = out->profile == 1 ? 0 : take(b, 1);
	out->primaries = out->transfer = out->matrix = 2; // unspecified
	if (take(b, 1)) {
		out->primaries = take(b, 8);
		out->transfer = take(b, 8);
		out->matrix = take(b, 8);
	}
	out->right = out->down = out->profile == 0 || out->mono;
	out->chroma_position = 0;
	if (out->mono) {
		out->full = take(b, 1);
		return;
	}
	if (out->primaries == 1 && out->transfer == 13 && out->matrix == 0) { // sRGB
		out->full = 1;
		out->right = out->down = 0;
		return;
	}
	out->full = take(b, 1);
	if (out->profile == 2) {
		out->right = out->bits < 12 || take(b, 1);
		out->down = out->bits == 12 && out->right && take(b, 1);
	}
	if (out->right && out->down)
		out->chroma_position = take(b, 2);
}

// read_sequence is sequence_header_obu, §5.5.1.
static void
read_sequence(bits *b, PresizeAV1 *out)
{
	memset(out, 0, sizeof *out);
	out->profile = take(b, 3);
	take(b, 1);
	int reduced = take(b, 1);
	if (reduced)
		out->level = take(b, 5);
	else
		read_operating_points(b, out);
	int width_bits = take(b, 4) + 1, height_bits = take(b, 4) + 1;
	out->width = take(b, width_bits) + 1;
	out->height = take(b, height_bits) + 1;
	if (!reduced && take(b, 1))
		take(b, 7);
	take(b, 3);
	if (!reduced)
		skip_tools(b);
	take(b, 3);
	read_colors(b, out);
}

int
presize_av1_read(const uint8_t *data, size_t len, PresizeAV1 *out)
{
	const int sequence_header = 1;
	bits all = { data, len };
	while (all.at / 8 < len) {
		take(&all, 1);
		int kind = take(&all, 4), extended = take(&all, 1), sized = take(&all, 1);
		take(&all, extended ? 9 : 1);
		uint64_t size = 0;
		if (sized) { // leb128, §4.10.5
			for (int i = 0, more = 1; i < 8 && more; i++) {
				more = take(&all, 1);
				size |= (uint64_t) take(&all, 7) << 7 * i;
			}
		}
		size_t start = MIN(all.at / 8, len);
		if (!sized || size > len - start)
			size = len - start;
		if (kind == sequence_header) {
			bits header = { data + start, size };
			read_sequence(&header, out);
			return header.at <= 8 * size ? 0 : -1;
		}
		all.at = 8 * (start + size);
	}
	return -1;
}

static void
put(GByteArray *out, const char *bytes, guint count)
{
	g_byte_array_append(out, (const guint8 *) bytes, count);
}

static void
put32(GByteArray *out, uint32_t value)
{
	uint32_t big = GUINT32_TO_BE(value);
	g_byte_array_append(out, (const guint8 *) &big, sizeof big);
}

// begin starts a box (ISO/IEC 14496-12 §4.2), or one with version and flags.
static guint
begin(GByteArray *out, const char *kind, gboolean full)
{
	guint start = out->len;
	put32(out, 0);
	put(out, kind, 4);
	if (full)
		put32(out, 0);
	return start;
}

static void
end(GByteArray *out, guint start)
{
	uint32_t size = GUINT32_TO_BE(out->len - start);
	memcpy(out->data + start, &size, sizeof size);
}

// put_properties writes what belongs to the one item (ISO/IEC 23008-12 §9.3, AV1 in ISOBMFF §2.3).
static void
put_properties(const PresizeAV1 *av1, GByteArray *out)
{
	guint iprp = begin(out, "iprp", FALSE), ipco = begin(out, "ipco", FALSE);
	guint av1c = begin(out, "av1C", FALSE);
	const char configuration[] = { (char) 0x81, (char) (av1->profile << 5 | av1->level),
		(char) (av1->tier << 7 | (av1->bits > 8) << 6 | (av1->bits > 10) << 5 | av1->mono << 4 | av1->right << 3 | av1->down << 2 | av1->chroma_position), 0 };
	put(out, configuration, sizeof configuration);
	end(out, av1c);
	guint ispe = begin(out, "ispe", TRUE);
	put32(out, av1->width);
	put32(out, av1->height);
	end(out, ispe);
	guint colr = begin(out, "colr", FALSE);
	put(out, "nclx\0\1\0\15\0\0\200", 11); // primaries and transfer of sRGB, identity, full range
	end(out, colr);
	end(out, ipco);
	guint ipma = begin(out, "ipma", TRUE);
	put32(out, 1);
	put(out, "\0\1\3\201\2\3", 6); // item 1 has the three, and must be understood to have the first
	end(out, ipma);
	end(out, iprp);
}

void
presize_av1_file(const PresizeAV1 *av1, const uint8_t *data, uint32_t len, GByteArray *out)
{
	guint ftyp = begin(out, "ftyp", FALSE);
	put(out, "avif\0\0\0\0mif1avif", 16);
	end(out, ftyp);
	guint meta = begin(out, "meta", TRUE);
	guint hdlr = begin(out, "hdlr", TRUE);
	put(out, "\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0", 21);
	end(out, hdlr);
	guint pitm = begin(out, "pitm", TRUE);
	put(out, "\0\1", 2);
	end(out, pitm);
	guint iinf = begin(out, "iinf", TRUE);
	put(out, "\0\1", 2);
	guint infe = begin(out, "infe", TRUE);
	out->data[infe + 8] = 2; // version
	put(out, "\0\1\0\0av01\0", 9);
	end(out, infe);
	end(out, iinf);
	put_properties(av1, out);
	guint iloc = begin(out, "iloc", TRUE);
	put(out, "\104\0\0\1\0\1\0\0\0\1", 10); // offsets and lengths have 4 bytes; item 1, in this file, in one part
	guint offset = out->len;
	put32(out, 0);
	put32(out, len);
	end(out, iloc);
	end(out, meta);
	guint mdat = begin(out, "mdat", FALSE);
	uint32_t start = GUINT32_TO_BE(out->len);
	memcpy(out->data + offset, &start, sizeof start);
	g_byte_array_append(out, data, len);
	end(out, mdat);
}
