/* A hand-written kernel as the compiler would emit it: C = A * B for one tile each. */
#include <gemmini/config.h>
#include <gemmini/rocc.h>

void one_tile(const int8_t *a, const int8_t *b, int8_t *c);

void one_tile(const int8_t *a, const int8_t *b, int8_t *c) {
    const uint64_t dim = GEMMINI_DIM;
    const uint64_t tile = dim << 48 | dim << 32;
    const uint64_t one = UINT64_C(0x3F800000) << 32;
    const uint64_t garbage = tile | 0xFFFFFFFF;
    const uint64_t accumulator = tile | UINT64_C(1) << 31;
    GEMMINI_ROCC(0, one | UINT64_C(1) << 16 | 1 << 2, UINT64_C(1) << 48);
    GEMMINI_ROCC(0, one | dim << 16 | 1 << 8 | 1, dim);
    GEMMINI_ROCC(0, 2, one | dim);
    GEMMINI_ROCC(2, (uintptr_t)a, tile);
    GEMMINI_ROCC(2, (uintptr_t)b, tile | dim);
    GEMMINI_ROCC(6, tile | dim, accumulator);
    GEMMINI_ROCC(4, tile, garbage);
    GEMMINI_ROCC(3, (uintptr_t)c, accumulator);
    GEMMINI_FENCE();
}
