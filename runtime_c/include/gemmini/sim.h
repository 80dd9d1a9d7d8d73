/*
 * The Gemmini simulator: a functional model, bit-exact to the RTL.
 *
 * A simulator executes one command at a time in program order, which is what the hardware's
 * hazard tracking guarantees to software. It refuses by name what it does not model: the first
 * error stops it, its message stays available and later commands are ignored until a reset.
 *
 * Checked mode adds a sanitizer: uninitialised rows, DRAM outside the mapped regions, malformed
 * operands, and races that the hardware does not track.
 *
 * A simulator may be used by one thread at a time; different simulators are independent.
 */
#ifndef GEMMINI_SIM_H
#define GEMMINI_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gemmini_sim gemmini_sim;

/* The functional parameters of one Gemmini; flags are 0 or 1. */
typedef struct gemmini_sim_config {
    uint32_t dim;             /* rows and columns of the array, elements of a local row */
    uint32_t scratchpad_rows; /* of `dim` int8 elements */
    uint32_t scratchpad_banks;
    uint32_t accumulator_rows; /* of `dim` int32 elements */
    uint32_t accumulator_banks;
    uint32_t row_bits;      /* width of the row field of a local address */
    uint32_t array_bits;    /* width of partial sums inside the array */
    uint32_t dma_max_bytes; /* largest row of one MVIN or MVOUT */
    uint32_t max_simultaneous_matmuls;
    uint32_t supports_ws;
    uint32_t supports_os;
    uint32_t has_mvin_scale;
    uint32_t acc_read_full_width;
    uint32_t acc_read_small_width;
    uint32_t ex_write_to_spad;
    uint32_t hardcode_d_to_garbage;
    uint32_t has_normalizations;
    uint32_t has_loop_ws;
    uint32_t checked; /* checked mode */
} gemmini_sim_config;

/* Every function that returns a status returns one of these. */
enum { GEMMINI_SIM_OK = 0, GEMMINI_SIM_ERROR = 1 };

/*
 * Returns a simulator with uninitialised local memories and no configuration, or NULL; then
 * `message` (of `message_bytes` bytes) says why.
 */
gemmini_sim *gemmini_sim_create(const gemmini_sim_config *config, char *message,
                                size_t message_bytes);
void gemmini_sim_destroy(gemmini_sim *sim);

/* Back to the state after creation, except for the memory map. */
void gemmini_sim_reset(gemmini_sim *sim);

/*
 * Maps `bytes` bytes at `guest_address` of the DRAM that commands address to `host_pointer`.
 * While nothing is mapped, addresses in commands are host addresses; afterwards every access
 * must lie inside one region. Regions may not overlap or contain address 0, which MVIN takes for
 * zeros; a simulator holds up to 4096.
 */
int gemmini_sim_map(gemmini_sim *sim, uint64_t guest_address, void *host_pointer, uint64_t bytes,
                    int writable);

/* Forgets all mapped regions. */
void gemmini_sim_unmap_all(gemmini_sim *sim);

/* Executes one RoCC command. */
int gemmini_sim_command(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2);

/* Executes the RISC-V fence that waits for Gemmini. */
int gemmini_sim_fence(gemmini_sim *sim);

/* The message of the error that stopped the simulator, or NULL. Lives until reset or destroy. */
const char *gemmini_sim_error(const gemmini_sim *sim);

/* Position of the failing command in the stream of commands and fences, counted from 0. */
uint64_t gemmini_sim_error_index(const gemmini_sim *sim);

/* -- statistics ------------------------------------------------------------------------------ */

/* Instructions as statistics count them. */
enum { GEMMINI_SIM_MNEMONICS = 32 };

typedef struct gemmini_sim_statistics {
    uint64_t issued[GEMMINI_SIM_MNEMONICS];   /* commands received */
    uint64_t executed[GEMMINI_SIM_MNEMONICS]; /* the same with LOOP_WS unrolled */
    uint64_t macs;                            /* products of elements inside the tiles' sizes */
    uint64_t dram_bytes_read;
    uint64_t dram_bytes_written;
} gemmini_sim_statistics;

void gemmini_sim_get_statistics(const gemmini_sim *sim, gemmini_sim_statistics *statistics);

/* Name of an index of these counts, or NULL if it is not used. */
const char *gemmini_sim_mnemonic(uint32_t index);

/* -- observation ----------------------------------------------------------------------------- */

/* Called before each executed command; commands that LOOP_WS unrolls to come one by one. */
typedef void gemmini_sim_listener(void *context, uint32_t funct, uint64_t rs1, uint64_t rs2);

/* Sets the listener, or removes it if `listener` is NULL. */
void gemmini_sim_listen(gemmini_sim *sim, gemmini_sim_listener *listener, void *context);

/*
 * Reads or writes one local row of `dim` elements; the row counts as initialised after a write.
 * They fail if the row does not exist. They work in the error state, too.
 */
int gemmini_sim_read_scratchpad(const gemmini_sim *sim, uint32_t row, int8_t *elements);
int gemmini_sim_write_scratchpad(gemmini_sim *sim, uint32_t row, const int8_t *elements);
int gemmini_sim_read_accumulator(const gemmini_sim *sim, uint32_t row, int32_t *elements);
int gemmini_sim_write_accumulator(gemmini_sim *sim, uint32_t row, const int32_t *elements);

/* -- kernels compiled for the host ----------------------------------------------------------- */

/* Makes `sim` (or none, if NULL) the calling thread's simulator; returns the previous one. */
gemmini_sim *gemmini_sim_attach(gemmini_sim *sim);

/* From now on the thread's commands also take time in `model` (<gemmini/timing.h>; NULL: no
 * longer): the core sends each one `host_gap` cycles after the one before, or as many as the kernel
 * has told (GEMMINI_SIM_TOLD_GAP). Without an attached simulator they do nothing else. Forgets
 * placements. */
#define GEMMINI_SIM_TOLD_GAP UINT64_MAX
struct gemmini_timing;
void gemmini_sim_attach_timing(struct gemmini_timing *model, uint64_t host_gap);

/* The timing model sees `bytes` bytes of host memory at `address`, so that time does not depend on
 * where the host's allocator put them. False if there are too many placements (64). */
bool gemmini_sim_place(const void *host, uint64_t bytes, uint64_t address);

/* What <gemmini/rocc.h> calls; with neither a simulator nor a model they report it and abort. A
 * counter needs a timing model; without one it is an error of the simulator. */
void gemmini_sim_rocc(uint32_t funct, uint64_t rs1, uint64_t rs2);
void gemmini_sim_rocc_fence(void);
void gemmini_sim_core_cycles(uint64_t cycles);
uint64_t gemmini_sim_rocc_counter(uint64_t rs1);

#ifdef __cplusplus
}
#endif

#endif
