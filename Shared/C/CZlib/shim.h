#pragma once
#include <zlib.h>

// zlib's initializers are macros.
static inline int kontor_inflate_begin(z_stream *stream, int window_bits) {
  return inflateInit2(stream, window_bits);
}
static inline int kontor_deflate_begin(z_stream *stream, int window_bits) {
  return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8,
                      Z_DEFAULT_STRATEGY);
}
