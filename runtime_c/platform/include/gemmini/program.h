/* Inputs and checks of a generated program. */
#ifndef GEMMINI_PROGRAM_H
#define GEMMINI_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include <gemmini/config.h>
#include <gemmini/platform.h>

enum gemmini_element {
    GEMMINI_ELEMENT_BOOL,
    GEMMINI_ELEMENT_INT8,
    GEMMINI_ELEMENT_INT16,
    GEMMINI_ELEMENT_INT32,
    GEMMINI_ELEMENT_INT64,
    GEMMINI_ELEMENT_FLOAT32,
    GEMMINI_ELEMENT_FLOAT64
};

/* Prints the first line of a program, and ends it if it was generated for another hardware than
 * <gemmini/config.h> describes. `name` and `digest` are those of the compilation. */
void gemmini_program_start(const char *program, const char *config, uint64_t digest);

/*
 * Fills `count` elements with the pseudo-random values of `key`: element or word k comes from
 * SplitMix64's output function at key + (k + 1) * 0x9e3779b97f4a7c15. int8 and bool use the bytes
 * of each word, lowest first. Wider integers take a word's upper bits, shifted right
 * (arithmetically) by (word mod 64) mod (bits - 1), so that all magnitudes occur. float32 is the
 * upper half as int32 times 2^-24, float64 the word as int64 times 2^-56.
 */
void gemmini_fill(void *elements, size_t count, enum gemmini_element type, uint64_t key);

/* The CRC-32 of ISO-HDLC (zlib's) of `bytes` bytes. */
uint32_t gemmini_crc32(const void *data, size_t bytes);

void gemmini_print_program_cycles(const char *program, uint64_t cycles);

/* Each prints one line about the output `name` and returns 1 if it is not as expected. */
int gemmini_check_digest(const char *name, const void *data, size_t bytes, uint32_t expected);
int gemmini_check_elements(const char *name, const void *data, const void *expected, size_t count,
                           enum gemmini_element type);

/* Prints the verdict and returns the exit status; `failures` is a number of failed checks. */
int gemmini_program_end(int failures);

#endif
