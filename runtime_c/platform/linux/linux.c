/*
 * The platform of a Linux program: console, exit, watchdog, and memory that Gemmini can use.
 *
 * Gemmini translates addresses with the process's page table but cannot take page faults, so all
 * memory is locked and touched before the first command (ISA section 11).
 */
#include <gemmini/isa.h>
#include <gemmini/platform.h>
#include <gemmini/rocc.h>

enum {
    SYSCALL_WRITE = 64,
    SYSCALL_EXIT_GROUP = 94,
    SYSCALL_SETITIMER = 103,
    SYSCALL_RT_SIGACTION = 134,
    SYSCALL_MLOCKALL = 228,
    SYSCALL_PRLIMIT64 = 261
};
enum { SIGNAL_ILL = 4, SIGNAL_BUS = 7, SIGNAL_SEGV = 11, SIGNAL_ALRM = 14, SA_SIGINFO = 4 };
enum { MCL_CURRENT = 1, MCL_FUTURE = 2, RLIMIT_MEMLOCK = 8, ITIMER_REAL = 0 };
enum { PAGE_BYTES = 4096, POLL_MICROSECONDS = 100000 };

/* Where the saved pc lies in the kernel's struct ucontext for RISC-V. */
enum { UCONTEXT_PC_BYTES = 176 };

extern char __bss_start[], _end[];

static uint64_t started;
static uint64_t budget;

static int64_t system_call(uint64_t number, uint64_t first, uint64_t second, uint64_t third,
                           uint64_t fourth) {
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a3 __asm__("a3") = fourth;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a7) : "memory");
    return (int64_t)a0;
}

static uint64_t address(const volatile void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

void gemmini_platform_write(const char *text, size_t bytes) {
    while (bytes != 0) {
        int64_t written = system_call(SYSCALL_WRITE, 1, address(text), bytes, 0);
        if (written <= 0)
            return;
        text += written;
        bytes -= (size_t)written;
    }
}

_Noreturn void gemmini_platform_exit(int status) {
    gemmini_print_flush();
    for (;;)
        system_call(SYSCALL_EXIT_GROUP, (uint64_t)(unsigned)status, 0, 0, 0);
}

static uint64_t saved_pc(const void *context) {
    return *(const uint64_t *)((const char *)context + UCONTEXT_PC_BYTES);
}

static void on_fault(int signal, const void *information, const void *context) {
    (void)information;
    gemmini_print("\ntrap: signal ");
    gemmini_print_unsigned((uint64_t)signal);
    gemmini_print(", pc ");
    gemmini_print_hex(saved_pc(context));
    if (signal == SIGNAL_ILL) {
        const uint16_t *parcels = (const uint16_t *)(uintptr_t)saved_pc(context);
        uint32_t instruction = parcels[0] | (uint32_t)parcels[1] << 16;
        gemmini_print(", instruction ");
        gemmini_print_hex(instruction);
        if ((instruction & 0x7f) == GEMMINI_OPCODE)
            gemmini_print(": Gemmini missing, or the kernel leaves mstatus.XS off");
        else
            gemmini_print(": if this is rdcycle, allow it (sysctl kernel.perf_user_access=2)");
    }
    gemmini_print("\n");
    gemmini_platform_exit(GEMMINI_STATUS_TRAP);
}

static void on_alarm(int signal, const void *information, const void *context) {
    (void)signal;
    (void)information;
    uint64_t elapsed = gemmini_cycles() - started;
    if (elapsed >= budget) {
        gemmini_print_watchdog(saved_pc(context), elapsed);
        gemmini_platform_exit(GEMMINI_STATUS_WATCHDOG);
    }
}

static void handle(uint64_t signal, void (*handler)(int, const void *, const void *)) {
    uint64_t action[3] = {address((const void *)(uintptr_t)handler), SA_SIGINFO, 0};
    system_call(SYSCALL_RT_SIGACTION, signal, address(action), 0, sizeof action[2]);
}

static void set_timer(uint64_t microseconds) {
    uint64_t interval[4] = {0, microseconds, 0, microseconds};
    system_call(SYSCALL_SETITIMER, ITIMER_REAL, address(interval), 0, 0);
}

void gemmini_watchdog_start(uint64_t cycles) {
    started = gemmini_cycles();
    budget = cycles;
    handle(SIGNAL_ALRM, on_alarm);
    set_timer(POLL_MICROSECONDS);
}

void gemmini_watchdog_stop(void) {
    set_timer(0);
}

static void lock_memory(void) {
    if (system_call(SYSCALL_MLOCKALL, MCL_CURRENT | MCL_FUTURE, 0, 0, 0) == 0)
        return;
    uint64_t limits[2] = {0, 0};
    system_call(SYSCALL_PRLIMIT64, 0, RLIMIT_MEMLOCK, 0, address(limits));
    gemmini_print("error: the program's memory cannot be locked: RLIMIT_MEMLOCK is ");
    gemmini_print_unsigned(limits[0] / 1024);
    gemmini_print(" KiB, and buffers alone need ");
    gemmini_print_unsigned((uint64_t)(_end - __bss_start) / 1024);
    gemmini_print(" KiB; raise it (ulimit -l unlimited) or run as root\n");
    gemmini_platform_exit(GEMMINI_STATUS_SETUP);
}

_Noreturn void gemmini_linux_start(void);

_Noreturn void gemmini_linux_start(void) {
    handle(SIGNAL_ILL, on_fault);
    handle(SIGNAL_BUS, on_fault);
    handle(SIGNAL_SEGV, on_fault);
    lock_memory();
    for (volatile char *page = __bss_start; page < _end; page += PAGE_BYTES)
        *page = *page;
    /* Translations that an earlier process left in Gemmini's TLB. */
    GEMMINI_FENCE();
    GEMMINI_ROCC(GEMMINI_FUNCT_FLUSH, 0, 0);
    gemmini_platform_exit(main());
}
