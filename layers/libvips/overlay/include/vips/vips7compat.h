/* Stands in for the header of libvips 7's interface, which the prebuilt libvips is compiled without.
 *
 * bimg 1.1.9 includes it unconditionally and needs two functions that the prebuilt library does not export.
 */
#ifndef PRESIZE_VIPS7COMPAT_H
#define PRESIZE_VIPS7COMPAT_H

#include <vips/vips.h>

/* bimg.VipsDebugInfo: prints the live libvips objects, as its successor does. */
static inline void
im__print_all(void)
{
	vips_object_print_all();
}

/* Fails as libvips fails in a build without ImageMagick. It has a name of its own, with the macro below in front of
 * it, because vips/foreign.h already declares vips_magickload_buffer as a function of the library.
 */
static inline int
presize_no_magickload_buffer(void)
{
	vips_error("magickload_buffer", "%s", "this libvips has no ImageMagick");
	return -1;
}
#define vips_magickload_buffer(...) presize_no_magickload_buffer()

#endif
