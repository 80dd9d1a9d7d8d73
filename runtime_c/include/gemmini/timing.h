/* Cycle-level timing model of a Gemmini: when commands are accepted, issued and completed.
 *
 * The model sees commands as the core sends them (funct7, rs1, rs2) and never needs data. Time is
 * counted in accelerator clock cycles. Results are deterministic. */
#ifndef GEMMINI_TIMING_H
#define GEMMINI_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Parameters of the hardware. Each one carries the name, unit and meaning of the field of
 * `GemminiConfig` (hardware/config.py), which is also the only place for their defaults. */
#define GEMMINI_TIMING_PARAMETERS(X)                                                               \
    X(mesh_rows)                                                                                   \
    X(tile_rows)                                                                                   \
    X(tile_latency)                                                                                \
    X(mesh_output_delay)                                                                           \
    X(max_simultaneous_matmuls)                                                                    \
    X(scratchpad_kib)                                                                              \
    X(scratchpad_banks)                                                                            \
    X(scratchpad_single_ported)                                                                    \
    X(accumulator_kib)                                                                             \
    X(accumulator_banks)                                                                           \
    X(accumulator_single_ported)                                                                   \
    X(scratchpad_read_delay)                                                                       \
    X(accumulator_latency)                                                                         \
    X(dma_max_bytes)                                                                               \
    X(dma_bus_bits)                                                                                \
    X(max_in_flight_requests)                                                                      \
    X(load_entries)                                                                                \
    X(store_entries)                                                                               \
    X(execute_entries)                                                                             \
    X(load_queue_length)                                                                           \
    X(store_queue_length)                                                                          \
    X(execute_queue_length)                                                                        \
    X(serial_stores)                                                                               \
    X(num_counters)                                                                                \
    X(mvin_scale_units)                                                                            \
    X(mvin_scale_latency)                                                                          \
    X(acc_scale_latency)                                                                           \
    X(ex_read_from_acc)                                                                            \
    X(ex_write_to_spad)                                                                            \
    X(l2_kib)                                                                                      \
    X(l2_ways)                                                                                     \
    X(l2_line_bytes)                                                                               \
    X(l2_hit_latency)                                                                              \
    X(l2_mshrs)                                                                                    \
    X(l2_miss_latency)                                                                             \
    X(l2_permission_interval)                                                                      \
    X(dram_latency)                                                                                \
    X(dram_bus_bytes)

struct gemmini_timing_parameters {
#define X(name) int32_t name;
    GEMMINI_TIMING_PARAMETERS(X)
#undef X
};

struct gemmini_timing;

/* What the model reports while it runs. `cycle` never decreases from one event to the next within
 * one kind and reservation-station partition. */
enum gemmini_timing_event_kind {
    GEMMINI_TIMING_ACCEPT = 0,     /* the core's command entered the accelerator */
    GEMMINI_TIMING_ALLOCATE = 1,   /* a command entered the reservation station */
    GEMMINI_TIMING_ISSUE = 2,      /* a command left the reservation station for its unit's queue */
    GEMMINI_TIMING_COMPLETE = 3,   /* the reservation station freed the command's entry */
    GEMMINI_TIMING_IDLE = 4,       /* the accelerator became idle */
    GEMMINI_TIMING_DRAM_READ = 5,  /* a line came from DRAM; rs1 is its address */
    GEMMINI_TIMING_DRAM_WRITE = 6, /* a line went to DRAM; rs1 is its address */
    GEMMINI_TIMING_L2_MISS = 7,    /* a line was not in the L2; rs1 is its address, and
                                      funct says who wanted it: MVIN (into the scratchpad),
                                      MVIN3 (into the accumulator, int32) or MVOUT; rs2 is the
                                      funct of the command */
    GEMMINI_TIMING_BANK_READ = 8,  /* a row was read; id is the bank, those of the accumulator
                                      counted from 16 (only gemmini_timing_listen_to_banks) */
    GEMMINI_TIMING_BANK_WRITE = 9, /* a row was written; id as above */
};

struct gemmini_timing_event {
    uint64_t cycle;
    uint64_t rs1;
    uint64_t rs2;
    uint64_t command; /* index of the core's command that it belongs to, counted from 0 */
    int32_t kind;     /* enum gemmini_timing_event_kind */
    int32_t funct;
    int32_t id;        /* entry: below 16 load, 16 to 31 execute, from 32 store; -1 if none */
    int32_t from_loop; /* 1: unrolled by a loop FSM */
};

typedef void gemmini_timing_listener(void *context, const struct gemmini_timing_event *event);

/* Sets the parameter called `name`; false if there is none of that name. */
bool gemmini_timing_parameter_set(struct gemmini_timing_parameters *parameters, const char *name,
                                  int64_t value);

/* Size of `struct gemmini_timing_parameters`, in bytes. */
size_t gemmini_timing_parameters_size(void);

/* An idle accelerator with an empty L2; NULL without memory or if `gemmini_timing_refusal` has
 * something to say about the parameters. */
struct gemmini_timing *gemmini_timing_create(const struct gemmini_timing_parameters *parameters);
void gemmini_timing_destroy(struct gemmini_timing *timing);

/* Why the model cannot represent these parameters; NULL if it can. */
const char *gemmini_timing_refusal(const struct gemmini_timing_parameters *parameters);

/* Calls `listener` for every event from now on (NULL: none). */
void gemmini_timing_listen(struct gemmini_timing *timing, gemmini_timing_listener *listener,
                           void *context);

/* Whether the listener also hears of every row that a bank reads or writes. */
void gemmini_timing_listen_to_banks(struct gemmini_timing *timing, bool on);

/* The core offers a command `gap` cycles after the previous one was accepted (or after the cycle
 * that the last fence returned). Returns the cycle in which it is accepted, or UINT64_MAX if the
 * accelerator hangs or the command is not one that it executes (`gemmini_timing_error`). */
uint64_t gemmini_timing_command(struct gemmini_timing *timing, uint64_t gap, uint32_t funct,
                                uint64_t rs1, uint64_t rs2);

/* The core waits until the accelerator is idle. Returns that cycle, or UINT64_MAX on a hang. */
uint64_t gemmini_timing_fence(struct gemmini_timing *timing);

/* Sets configuration state (funct 0 and 9 to 13) without spending time. */
void gemmini_timing_configure(struct gemmini_timing *timing, uint32_t funct, uint64_t rs1,
                              uint64_t rs2);

/* The host wrote `bytes` bytes at `address`: their lines enter the L2, modified. */
void gemmini_timing_host_write(struct gemmini_timing *timing, uint64_t address, uint64_t bytes);

/* The same, but the core's L1 still holds the lines: the L2 has to fetch them from there. */
void gemmini_timing_host_hold(struct gemmini_timing *timing, uint64_t address, uint64_t bytes);

/* The core fetches a line of instructions from memory, `delay` cycles after the last acceptance or
 * fence; time must not have passed beyond that. At most 64 may be under way. */
void gemmini_timing_host_fetch(struct gemmini_timing *timing, uint64_t delay);

/* The sequence of the L2's replacement that is used by default. The hardware's is not known; of the
 * first ones this is the first with which event times are near those of all recordings. */
#define GEMMINI_TIMING_SEED 1

/* Selects the pseudo-random sequence of the L2's replacement. */
void gemmini_timing_set_seed(struct gemmini_timing *timing, uint64_t seed);

/* Nothing is in the L2 any more; the accelerator must be idle. */
void gemmini_timing_empty_l2(struct gemmini_timing *timing);

/* Bytes that have come into the L2 because a request missed, since it was emptied. */
uint64_t gemmini_timing_l2_traffic(const struct gemmini_timing *timing);

/* Somebody else reads `bytes` bytes that no command names: their lines enter the L2 in order. The
 * accelerator must be idle. */
void gemmini_timing_other_traffic(struct gemmini_timing *timing, uint64_t bytes);

/* Changes the DRAM's latency; the accelerator must be idle. */
void gemmini_timing_set_dram_latency(struct gemmini_timing *timing, uint32_t cycles);

/* Starts counting cycles, commands and statistics from zero; the accelerator must be idle. */
void gemmini_timing_restart(struct gemmini_timing *timing);

/* Cycles since the start. */
uint64_t gemmini_timing_cycles(const struct gemmini_timing *timing);

/* Cycle of the last completion in the reservation station. */
uint64_t gemmini_timing_last_completion(const struct gemmini_timing *timing);

/* What the cycles of a run were spent on. Every cycle has one cause; the first that applies. */
enum gemmini_timing_cause {
    GEMMINI_TIMING_ARRAY_BUSY = 0,           /* a row of every operand was requested */
    GEMMINI_TIMING_BANK_CONFLICTS = 1,       /* a pass waits for a bank */
    GEMMINI_TIMING_WAITING_FOR_LOADS = 2,    /* the array waits for operands */
    GEMMINI_TIMING_STATION_FULL_LOAD = 3,    /* the front end waits for a load entry ... */
    GEMMINI_TIMING_STATION_FULL_EXECUTE = 4, /* ... for an execute entry ... */
    GEMMINI_TIMING_STATION_FULL_STORE = 5,   /* ... for a store entry */
    GEMMINI_TIMING_STORE_BOUND = 6,          /* only stores are under way, or must end first */
    GEMMINI_TIMING_HOST_BOUND = 7,           /* the core has sent nothing that could run */
    GEMMINI_TIMING_DRAIN = 8,                /* results leave the array; latency of the pipelines */
    GEMMINI_TIMING_CAUSES = 9,
};

/* Cycles since the start that are due to `cause`; all causes add up to the cycles. */
uint64_t gemmini_timing_breakdown(const struct gemmini_timing *timing,
                                  enum gemmini_timing_cause cause);

/* The core executes a COUNTER command (funct 126, ISA section 8) and waits for its answer. Returns
 * the cycle of the answer and stores it in `value`; UINT64_MAX on a hang. */
uint64_t gemmini_timing_counter(struct gemmini_timing *timing, uint64_t gap, uint64_t rs1,
                                uint32_t *value);

/* Message of the error that stopped the model, or NULL; valid until the model is destroyed. */
const char *gemmini_timing_error(const struct gemmini_timing *timing);

/* Index of the command at which the model stopped, counted from 0. */
uint64_t gemmini_timing_error_command(const struct gemmini_timing *timing);

#ifdef __cplusplus
}
#endif

#endif
