/*
 * Commands to Gemmini from C: GEMMINI_ROCC(funct, rs1, rs2), GEMMINI_FENCE(), and
 * gemmini_counter(rs1), the only instruction that answers (ISA section 8).
 *
 * Where a command goes is chosen when the program is compiled:
 *   (nothing)         the RISC-V instruction itself; <gemmini/config.h> gives the opcode
 *   GEMMINI_HOST_SIM  the simulator attached to the calling thread (<gemmini/sim.h>)
 *   GEMMINI_RECORD    the recorder `gemmini_recorder`, whose buffer the program supplies
 *
 * GEMMINI_ANCHOR(variable) marks a number that the operands of later commands are counted from.
 *
 * GEMMINI_CORE_CYCLES(cycles) tells how long the core takes until the next command; only kernels
 * for the simulator say so.
 *
 * `funct` is a constant from 0 to 127, `rs1` and `rs2` are 64-bit operands. The header needs no
 * C library.
 */
#ifndef GEMMINI_ROCC_H
#define GEMMINI_ROCC_H

#include <stddef.h>
#include <stdint.h>

#include <gemmini/isa.h>

#if defined(GEMMINI_HOST_SIM) && defined(GEMMINI_RECORD)
#error "define GEMMINI_HOST_SIM or GEMMINI_RECORD, not both"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(GEMMINI_HOST_SIM) || defined(GEMMINI_RECORD)
#define GEMMINI_ANCHOR(variable) ((void)(variable))
#endif

#if defined(GEMMINI_HOST_SIM)

void gemmini_sim_rocc(uint32_t funct, uint64_t rs1, uint64_t rs2);
void gemmini_sim_rocc_fence(void);
void gemmini_sim_core_cycles(uint64_t cycles);
uint64_t gemmini_sim_rocc_counter(uint64_t rs1);

static inline uint64_t gemmini_counter(uint64_t rs1) {
    return gemmini_sim_rocc_counter(rs1);
}

#define GEMMINI_ROCC(funct, rs1, rs2)                                                              \
    gemmini_sim_rocc((uint32_t)(funct), (uint64_t)(rs1), (uint64_t)(rs2))
#define GEMMINI_FENCE()             gemmini_sim_rocc_fence()
#define GEMMINI_CORE_CYCLES(cycles) gemmini_sim_core_cycles(cycles)

#elif defined(GEMMINI_RECORD)

/* `funct` of a recorded fence, which is no RoCC command. */
#define GEMMINI_RECORD_FENCE UINT64_C(0xFFFFFFFFFFFFFFFF)

struct gemmini_record {
    uint64_t funct;
    uint64_t rs1;
    uint64_t rs2;
};

/* Entries beyond `capacity` are not stored but counted in `overflow`. */
struct gemmini_recorder {
    struct gemmini_record *entries;
    size_t capacity;
    size_t count;
    size_t overflow;
};

/* Defined once in the program, for instance by runtime_c/src/recorder.c. */
extern struct gemmini_recorder gemmini_recorder;

static inline void gemmini_record_command(uint64_t funct, uint64_t rs1, uint64_t rs2) {
    if (gemmini_recorder.count < gemmini_recorder.capacity) {
        struct gemmini_record *entry = &gemmini_recorder.entries[gemmini_recorder.count++];
        entry->funct = funct;
        entry->rs1 = rs1;
        entry->rs2 = rs2;
    } else {
        gemmini_recorder.overflow++;
    }
}

/* A recorder has no counters: the answer is 0. */
static inline uint64_t gemmini_counter(uint64_t rs1) {
    gemmini_record_command(GEMMINI_FUNCT_COUNTER, rs1, 0);
    return 0;
}

#define GEMMINI_ROCC(funct, rs1, rs2)                                                              \
    gemmini_record_command((uint64_t)(funct), (uint64_t)(rs1), (uint64_t)(rs2))
#define GEMMINI_FENCE() gemmini_record_command(GEMMINI_RECORD_FENCE, 0, 0)

#elif defined(__riscv) && __riscv_xlen == 64

#include <gemmini/config.h>

/* The memory clobber keeps the compiler from moving accesses to matrices across commands. */
#define GEMMINI_INSTRUCTION(funct, rs1, rs2)                                                       \
    __asm__ volatile(".insn r %0, 3, %1, x0, %2, %3"                                               \
                     :                                                                             \
                     : "i"(GEMMINI_OPCODE), "i"(funct), "r"((uint64_t)(rs1)), "r"((uint64_t)(rs2)) \
                     : "memory")

static inline uint64_t gemmini_counter(uint64_t rs1) {
    uint64_t value;
    __asm__ volatile(".insn r %1, 7, %2, %0, %3, x0"
                     : "=r"(value)
                     : "i"(GEMMINI_OPCODE), "i"(GEMMINI_FUNCT_COUNTER), "r"(rs1)
                     : "memory");
    return value;
}

/* The last command before the program stopped, for the watchdog's message. Kernels keep it if
 * they are compiled with GEMMINI_LAST_COMMAND; platform/common/console.c defines it. */
struct gemmini_last_command {
    uint64_t count; /* commands since the start */
    uint64_t funct;
    uint64_t rs1;
    uint64_t rs2;
};

extern volatile struct gemmini_last_command gemmini_last_command;

#if defined(GEMMINI_LAST_COMMAND)
#define GEMMINI_ROCC(funct_, rs1_, rs2_)                                                           \
    do {                                                                                           \
        const uint64_t gemmini_rs1 = (uint64_t)(rs1_), gemmini_rs2 = (uint64_t)(rs2_);             \
        gemmini_last_command.count++;                                                              \
        gemmini_last_command.funct = (funct_);                                                     \
        gemmini_last_command.rs1 = gemmini_rs1;                                                    \
        gemmini_last_command.rs2 = gemmini_rs2;                                                    \
        GEMMINI_INSTRUCTION(funct_, gemmini_rs1, gemmini_rs2);                                     \
    } while (0)
#else
#define GEMMINI_ROCC(funct, rs1, rs2) GEMMINI_INSTRUCTION(funct, rs1, rs2)
#endif
#define GEMMINI_FENCE()          __asm__ volatile("fence" ::: "memory")
/* Keeps the variable in a register, and the compiler from seeing what it is. */
#define GEMMINI_ANCHOR(variable) __asm__("" : "+r"(variable))

#else
#error "not a 64-bit RISC-V target: define GEMMINI_HOST_SIM or GEMMINI_RECORD"
#endif

#ifdef __cplusplus
}
#endif

#endif
