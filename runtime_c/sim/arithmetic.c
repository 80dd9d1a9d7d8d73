#include "arithmetic.h"

#include <stdbool.h>

enum {
    FLOAT_FRACTION_BITS = 23,
    FLOAT_SIGNIFICANT_BITS = 24,
    FLOAT_EXPONENT_ALL_ONES = 255,
    /* Exponent of the last fraction bit of a float with biased exponent 1. */
    FLOAT_EXPONENT_OFFSET = 150
};

/* magnitude * 2^exponent */
struct number {
    uint64_t magnitude;
    int exponent;
};

static uint32_t significant_bits(uint64_t value) {
    uint32_t bits = 0;
    while (value != 0) {
        bits++;
        value >>= 1;
    }
    return bits;
}

/* value / 2^shift, rounded half to even. */
static uint64_t rounding_shift_unsigned(uint64_t value, uint32_t shift) {
    if (shift == 0)
        return value;
    if (shift > 63)
        return 0; /* magnitudes have fewer than 63 bits: the quotient is below one half */
    uint64_t quotient = value >> shift;
    uint64_t half = UINT64_C(1) << (shift - 1);
    uint64_t remainder = value & ((half << 1) - 1);
    bool up = remainder > half || (remainder == half && (quotient & 1) != 0);
    return quotient + (up ? 1 : 0);
}

/*
 * Rounds to the significand of a float32. Subnormal results keep more bits than float32 would:
 * they are far below one half, so the integer they round to is 0 either way.
 */
static struct number round_to_float(struct number number) {
    uint32_t bits = significant_bits(number.magnitude);
    if (bits > FLOAT_SIGNIFICANT_BITS) {
        uint32_t shift = bits - FLOAT_SIGNIFICANT_BITS;
        number.magnitude = rounding_shift_unsigned(number.magnitude, shift);
        number.exponent += (int)shift;
    }
    return number;
}

int32_t rounding_shift(int32_t value, uint32_t shift) {
    if (shift == 0)
        return value;
    int64_t divisor = INT64_C(1) << shift;
    int64_t quotient = value / divisor;
    int64_t remainder = value % divisor;
    if (remainder < 0) {
        quotient--;
        remainder += divisor;
    }
    bool up = 2 * remainder > divisor || (2 * remainder == divisor && quotient % 2 != 0);
    return (int32_t)(quotient + (up ? 1 : 0));
}

int8_t scale_to_int8(int32_t value, uint32_t scale) {
    uint32_t biased_exponent = (scale >> FLOAT_FRACTION_BITS) & FLOAT_EXPONENT_ALL_ONES;
    uint32_t fraction = scale & ((UINT32_C(1) << FLOAT_FRACTION_BITS) - 1);
    bool negative = (value < 0) != (scale >> 31 != 0);
    if (biased_exponent == FLOAT_EXPONENT_ALL_ONES) {
        bool nan = fraction != 0 || value == 0;
        return nan || !negative ? INT8_MAX : INT8_MIN;
    }
    struct number factor = {fraction, 1 - FLOAT_EXPONENT_OFFSET};
    if (biased_exponent != 0) {
        factor.magnitude |= UINT64_C(1) << FLOAT_FRACTION_BITS;
        factor.exponent = (int)biased_exponent - FLOAT_EXPONENT_OFFSET;
    }
    uint32_t magnitude = value < 0 ? UINT32_C(0) - (uint32_t)value : (uint32_t)value;
    struct number converted = round_to_float((struct number){magnitude, 0});
    struct number product = round_to_float((struct number){converted.magnitude * factor.magnitude,
                                                           converted.exponent + factor.exponent});

    uint64_t rounded;
    if (product.exponent <= 0) {
        rounded = rounding_shift_unsigned(product.magnitude, (uint32_t)-product.exponent);
    } else {
        /* A multiple of 2^exponent saturates unless few doublings reach it. */
        uint32_t bits = significant_bits(product.magnitude);
        if (bits != 0 && bits + (uint32_t)product.exponent > 8)
            return negative ? INT8_MIN : INT8_MAX;
        rounded = bits == 0 ? 0 : product.magnitude << product.exponent;
    }
    if (negative)
        return rounded > 128 ? INT8_MIN : (int8_t)-(int32_t)rounded;
    return rounded > 127 ? INT8_MAX : (int8_t)rounded;
}
