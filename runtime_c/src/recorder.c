/* The recorder that kernels compiled with GEMMINI_RECORD append to. */
#include <gemmini/rocc.h>

struct gemmini_recorder gemmini_recorder;
