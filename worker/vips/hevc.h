// HEVC images, by libde265. libheif has the same decoder, but takes what that finds wrong with the data for no fault.
#pragma once
#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

// presize_hevc is the codec for heif_register_decoder_plugin. It comes before libheif's own.
extern const heif_decoder_plugin presize_hevc;
