/* Console and exit through HTIF, which Spike, Chipyard simulations and UART-TSI loaders serve. */
#include <gemmini/platform.h>

enum { SYSCALL_WRITE = 64, STANDARD_OUTPUT = 1 };

__attribute__((section(".tohost"), aligned(64))) volatile uint64_t tohost;
__attribute__((section(".tohost"), aligned(64))) volatile uint64_t fromhost;

/* An atomic exchange orders earlier writes; unlike a fence it does not wait for Gemmini. */
static void publish(uint64_t value) {
    __asm__ volatile("amoswap.d.aqrl zero, %1, %0" : "+A"(tohost) : "r"(value) : "memory");
}

void gemmini_platform_write(const char *text, size_t bytes) {
    static volatile _Alignas(64) uint64_t request[8];
    request[0] = SYSCALL_WRITE;
    request[1] = STANDARD_OUTPUT;
    request[2] = (uint64_t)(uintptr_t)text;
    request[3] = bytes;
    publish((uint64_t)(uintptr_t)request);
    while (fromhost == 0)
        continue;
    fromhost = 0;
}

_Noreturn void gemmini_platform_exit(int status) {
    gemmini_print_flush();
    for (;;)
        publish((uint64_t)(unsigned)status << 1 | 1);
}
