// What of libde265's interface is used here (libde265/de265.h of 1.1.0); its wheel has no headers.
#pragma once
#include <stdint.h>

typedef struct de265_image de265_image;
typedef struct {
	uint8_t version;
	uint32_t max_image_size_pixels;
	uint32_t max_NAL_size_bytes;
	uint32_t max_SEI_messages;
} de265_security_limits;
typedef struct {
	int format;
	int width; // of luma, in samples, before cropping
	int height;
	int alignment; // of rows, in samples
	int crop[4];
	int visible_width;
	int visible_height;
} de265_image_spec;
typedef struct {
	int (*get_buffer)(void *context, de265_image_spec *spec, de265_image *image, void *user_data); // returns 0 for a failure
	void (*release_buffer)(void *context, de265_image *image, void *user_data);
} de265_image_allocation;

enum {
	de265_out_of_memory = 7,
	de265_image_buffer_full = 9,
	de265_no_threads = 10,
	de265_initialization_failed = 11,
	de265_not_initialized = 12,
	de265_waiting_for_data = 13,
	de265_not_implemented = 502,
	de265_no_wpp = 1000, // the first of the warnings: the image can't be decoded by several threads
	de265_threads_limited = 1022,
	de265_sao_out_of_memory = 1024,
	de265_too_many_sei = 1036,
};

void *de265_new_decoder(void);
int de265_free_decoder(void *context);
int de265_start_worker_threads(void *context, int threads);
de265_security_limits *de265_get_security_limits(void *context);
const de265_image_allocation *de265_get_default_image_allocation_functions(void);
int de265_push_NAL(void *context, const void *data, int length, int64_t pts, void *user_data);
int de265_flush_data(void *context);
int de265_decode(void *context, int *more);
int de265_get_warning(void *context);
const char *de265_get_error_text(int error);
const de265_image *de265_get_next_picture(void *context);
void de265_release_next_picture(void *context);
int de265_get_image_width(const de265_image *image, int channel);
int de265_get_image_height(const de265_image *image, int channel);
int de265_get_chroma_format(const de265_image *image);
int de265_get_bits_per_pixel(const de265_image *image, int channel);
const uint8_t *de265_get_image_plane(const de265_image *image, int channel, int *stride);
void *de265_get_image_plane_user_data(const de265_image *image, int channel);
void de265_set_image_plane(de265_image *image, int channel, void *samples, int stride, void *user_data);
