/* Traps of a bare-metal program, and the watchdog on the machine timer. */
#include <gemmini/config.h>
#include <gemmini/platform.h>

/* The core-local interruptor of Rocket Chip, at the address that Spike and Chipyard use. */
#ifndef GEMMINI_CLINT_BASE
#define GEMMINI_CLINT_BASE 0x02000000
#endif
#define MTIMECMP ((volatile uint64_t *)(GEMMINI_CLINT_BASE + 0x4000))
#define MTIME    ((volatile uint64_t *)(GEMMINI_CLINT_BASE + 0xbff8))

/* Timer ticks between two looks at the deadline. */
enum { POLL_TICKS = 100 };

static const uint64_t machine_timer_interrupt = UINT64_C(1) << 63 | 7;
static const uint64_t mie_machine_timer = 1 << 7;
static const uint64_t mstatus_mie = 1 << 3;

static uint64_t started;
static uint64_t budget;

void gemmini_watchdog_start(uint64_t cycles) {
    started = gemmini_cycles();
    budget = cycles;
    *MTIMECMP = *MTIME + POLL_TICKS;
    __asm__ volatile("csrs mie, %0" ::"r"(mie_machine_timer) : "memory");
    __asm__ volatile("csrs mstatus, %0" ::"r"(mstatus_mie) : "memory");
}

void gemmini_watchdog_stop(void) {
    __asm__ volatile("csrc mstatus, %0" ::"r"(mstatus_mie) : "memory");
    __asm__ volatile("csrc mie, %0" ::"r"(mie_machine_timer) : "memory");
}

static const char *cause_name(uint64_t cause) {
    static const char *const names[] = {
        "instruction address misaligned",
        "instruction access fault",
        "illegal instruction",
        "breakpoint",
        "load address misaligned",
        "load access fault",
        "store address misaligned",
        "store access fault",
        "environment call from user mode",
        "environment call from supervisor mode",
        "reserved",
        "environment call from machine mode",
        "instruction page fault",
        "load page fault",
        "reserved",
        "store page fault",
    };
    return cause < sizeof names / sizeof names[0] ? names[cause] : "interrupt";
}

/* Instructions are only 2-byte aligned. Nothing can be read where an instruction fetch failed. */
static uint32_t instruction_at(uint64_t pc) {
    const uint16_t *parcels = (const uint16_t *)(uintptr_t)pc;
    uint32_t low = parcels[0];
    return (low & 3) == 3 ? low | (uint32_t)parcels[1] << 16 : low;
}

/* Called by start.S. Returns only from a timer interrupt before the deadline. */
void gemmini_trap(uint64_t cause, uint64_t pc, uint64_t value);

void gemmini_trap(uint64_t cause, uint64_t pc, uint64_t value) {
    if (cause == machine_timer_interrupt) {
        uint64_t elapsed = gemmini_cycles() - started;
        if (elapsed < budget) {
            *MTIMECMP = *MTIME + POLL_TICKS;
            return;
        }
        gemmini_print_watchdog(pc, elapsed);
        gemmini_platform_exit(GEMMINI_STATUS_WATCHDOG);
    }
    gemmini_print("\ntrap: ");
    gemmini_print(cause_name(cause));
    gemmini_print(" (cause ");
    gemmini_print_hex(cause);
    gemmini_print("), pc ");
    gemmini_print_hex(pc);
    gemmini_print(", value ");
    gemmini_print_hex(value);
    if (cause != 1 && cause != 12) {
        uint32_t instruction = instruction_at(pc);
        gemmini_print(", instruction ");
        gemmini_print_hex(instruction);
        if (cause == 2 && (instruction & 0x7f) == GEMMINI_OPCODE)
            gemmini_print(": Gemmini missing or mstatus.XS off");
    }
    gemmini_print("\n");
    gemmini_platform_exit(GEMMINI_STATUS_TRAP);
}
