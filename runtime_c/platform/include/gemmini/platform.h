/*
 * What a program that runs kernels needs from the platform below it: a console, an exit, a cycle
 * counter and a watchdog. Implemented by platform/baremetal and platform/linux; no C library.
 */
#ifndef GEMMINI_PLATFORM_H
#define GEMMINI_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include <gemmini/config.h>

/* Exit statuses of a program. */
enum gemmini_status {
    GEMMINI_STATUS_PASS = 0,
    GEMMINI_STATUS_WRONG_RESULT = 1,
    GEMMINI_STATUS_TRAP = 2,
    GEMMINI_STATUS_WATCHDOG = 3,
    GEMMINI_STATUS_SETUP = 4
};

/* Buffers that Gemmini accesses begin on a cache line. */
#define GEMMINI_BUFFER _Alignas(GEMMINI_CACHE_LINE_BYTES)

/* The program that the platform starts; its result is the exit status. */
int main(void);

/* Writes to the console. Must not execute a fence, which would wait for a hanging Gemmini. */
void gemmini_platform_write(const char *text, size_t bytes);

_Noreturn void gemmini_platform_exit(int status);

/* Ends the program with a message if `gemmini_watchdog_stop` is not called in `cycles` cycles. */
void gemmini_watchdog_start(uint64_t cycles);
void gemmini_watchdog_stop(void);

static inline uint64_t gemmini_cycles(void) {
    uint64_t cycles;
    __asm__ volatile("rdcycle %0" : "=r"(cycles)::"memory");
    return cycles;
}

/* -- console (platform/common/console.c) ----------------------------------------------------- */

void gemmini_print(const char *text);
void gemmini_print_decimal(int64_t value);
void gemmini_print_unsigned(uint64_t value);
void gemmini_print_hex(uint64_t value);

/* Sends what was printed; a newline does so, too. */
void gemmini_print_flush(void);

/* Prints why the watchdog ended the program, with the last command if it was recorded. */
void gemmini_print_watchdog(uint64_t pc, uint64_t cycles);

#endif
