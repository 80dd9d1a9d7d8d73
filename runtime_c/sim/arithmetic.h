/*
 * Integer arithmetic of Gemmini's data paths.
 *
 * Floating-point scaling is done on bit patterns with integers, so results depend neither on the
 * host's rounding mode and flush-to-zero setting nor on the compiler's floating-point options.
 */
#ifndef GEMMINI_SIM_ARITHMETIC_H
#define GEMMINI_SIM_ARITHMETIC_H

#include <stdint.h>
#include <string.h>

/* The two's complement value of `bits`. */
static inline int32_t int32_from_bits(uint32_t bits) {
    int32_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* a + b modulo 2^32. */
static inline int32_t wrapping_add(int32_t a, int32_t b) {
    return int32_from_bits((uint32_t)a + (uint32_t)b);
}

/* `value` in a signed register of `bits` bits (1 to 32), which wraps. */
static inline int32_t wrap_to_bits(int32_t value, uint32_t bits) {
    uint32_t sign = UINT32_C(1) << (bits - 1);
    uint32_t kept = (uint32_t)value & (sign | (sign - 1));
    return int32_from_bits((kept ^ sign) - sign);
}

static inline int8_t saturate_int8(int32_t value) {
    return (int8_t)(value > INT8_MAX ? INT8_MAX : value < INT8_MIN ? INT8_MIN : value);
}

/* value / 2^shift, rounded half to even (ISA section 6, rshift_rne); shift is 0 to 31. */
int32_t rounding_shift(int32_t value, uint32_t shift);

/*
 * value -> float32, times the float32 of bits `scale`, both rounded to nearest even; then rounded
 * to the nearest even integer and saturated to int8; NaN gives 127 (ISA section 7).
 */
int8_t scale_to_int8(int32_t value, uint32_t scale);

#endif
