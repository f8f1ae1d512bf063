// What libvips warns of while it reads a file: decoders say there what they made of it.
#pragma once
#include <vips/vips.h>

// presize_collect_warnings starts to collect libvips' warnings, of all threads.
void presize_collect_warnings(void);

// presize_take_warnings returns the warnings since the last call, each with a newline
// behind it, as far as they fit. The caller g_frees them.
char *presize_take_warnings(void);
