/* State shared by the parts of the functional simulator. */
#ifndef GEMMINI_SIM_SIMULATOR_H
#define GEMMINI_SIM_SIMULATOR_H

#include <gemmini/isa.h>
#include <gemmini/sim.h>

#include <stdbool.h>

enum { MAX_DIM = 128, LOAD_CONFIGS = 3, LOOP_SLOTS = 2, MAX_REGIONS = 4096, ERROR_BYTES = 512 };

enum memory { SCRATCHPAD, ACCUMULATOR, MEMORIES };

/* A decoded local address (ISA section 2). */
struct local_address {
    bool garbage;
    enum memory memory;
    bool accumulate;
    bool read_full;
    uint32_t row;
};

/* An operand of a command: a local address with the size of what lies there. */
struct tile {
    struct local_address address;
    uint32_t rows;
    uint32_t cols;
};

struct array_config {
    bool valid;
    bool output_stationary;
    bool relu;
    bool transpose_a;
    bool transpose_b;
    uint32_t a_stride;
    uint32_t c_stride;
    uint32_t in_shift;
};

struct load_config {
    bool valid;
    bool shrink;
    uint32_t pixel_repeats;
    uint32_t block_stride;
    uint32_t scale;
    uint64_t stride;
    int8_t scaled[256]; /* of each int8 value, indexed by its bits */
};

struct store_config {
    bool valid;
    bool scale_valid;
    bool pooling;
    uint32_t activation;
    uint32_t scale;
    uint32_t stride;
};

/* What PRELOAD hands to its COMPUTE, and what stays in the array's registers. */
struct array_state {
    bool preloaded; /* a PRELOAD waits for its COMPUTE */
    uint64_t preload_index;
    struct tile destination;

    /* WS: [0] active weights, [1] weights that the next flip makes active, k-major. */
    int16_t *weights[2];
    bool weights_valid[2];
    uint32_t weights_cols[2];

    /* OS: initial sums of the next flip, and the running sums. */
    int32_t *initial_sums;
    int32_t *sums;
    bool sums_valid;
    bool sums_leaving; /* a COMPUTE with a destination has sent the sums out */

    /* Work space of one COMPUTE. */
    int16_t *a;
    int16_t *b;
    int32_t *product;
};

/* Registers of one slot of the LOOP_WS FSM (ISA section 9). */
struct loop_registers {
    uint32_t configured; /* one bit for each configuration command seen so far */
    uint32_t refreshed;  /* the same since the slot's last run */
    uint32_t i, j, k;
    uint32_t pad_i, pad_j, pad_k;
    uint64_t a, b, d, c;
    uint64_t a_stride, b_stride, d_stride, c_stride;
};

/* Rows [first, end) of one memory. */
struct row_range {
    uint32_t first;
    uint32_t end;
};

struct loop_state {
    struct loop_registers slots[LOOP_SLOTS];
    uint32_t slot;
    uint32_t upper_half_d; /* 1: the FSM's accumulator base is the upper half */
    uint32_t upper_half_execute;
    uint32_t upper_half_store;

    /* Checked mode: what the previous loop may still be using. */
    bool previous_in_flight;
    struct row_range previous_a;
    struct row_range previous_b;
    struct row_range previous_accumulator;
};

struct region {
    uint64_t guest;
    uint64_t bytes;
    uint8_t *host;
    bool writable;
};

struct memory_map {
    struct region *regions; /* sorted by guest address */
    uint32_t count;
    uint32_t last; /* index of the last hit */
};

/* Checked mode's knowledge of one local row. */
struct row_shadow {
    uint32_t initialised_cols; /* every write starts at column 0: a prefix describes them */
    uint32_t load_base;        /* first row of the MVIN that wrote the row last */
    uint64_t load;             /* sequence number of that MVIN, 0 if there is none */
    uint64_t used_load;        /* for a load_base row: the latest of its MVINs that was used */
    uint32_t result_start;     /* start row of the result that was written here last */
    uint64_t result;           /* sequence number of that COMPUTE, 0 if there is none */
};

/* Bytes of one DRAM line that MVOUTs wrote since the fence of that epoch. */
struct dirty_line {
    uint64_t line;
    uint64_t epoch;
    uint64_t mask;
};

struct checker {
    struct row_shadow *rows[MEMORIES];
    struct dirty_line *dirty;
    uint64_t epoch;         /* advances at each fence */
    uint64_t dirty_count;   /* lines of this epoch */
    uint64_t load_sequence; /* MVINs so far */
    uint64_t fenced_loads;  /* MVINs up to here are complete */
    uint64_t compute_sequence;
    uint64_t drained_computes;
};

struct gemmini_sim {
    gemmini_sim_config config;
    int8_t *scratchpad;
    int32_t *accumulator;

    struct array_config execute;
    struct load_config load[LOAD_CONFIGS];
    struct store_config store;
    struct array_state array;
    struct loop_state loop;
    struct memory_map map;
    struct checker checker;

    gemmini_sim_listener *listener;
    void *listener_context;
    gemmini_sim_statistics statistics;

    uint64_t next_index; /* of the next command or fence */
    uint64_t index;      /* of the current one */
    uint32_t mnemonic;   /* of the current one */
    bool unrolling;      /* LOOP_WS is executing commands of its own */
    uint32_t unrolled;   /* mnemonic of the current one of these */
    bool failed;
    char error[ERROR_BYTES];
};

/* Stops the simulator with a message on the current command; returns false. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool fail(gemmini_sim *sim, const char *format, ...);

/* -- local memory (local_memory.c) ----------------------------------------------------------- */

struct local_address decode_address(const gemmini_sim *sim, uint32_t bits);

/*
 * Decodes the operand `what` (address, cols, rows), whose size must be 1 to the given limits
 * unless its address is garbage. `decoded_cols` is the largest number that the hardware's cols
 * field has to hold.
 */
bool decode_tile(gemmini_sim *sim, const char *what, uint64_t operand, uint32_t max_cols,
                 uint32_t decoded_cols, struct tile *tile);

uint32_t memory_rows(const gemmini_sim *sim, enum memory memory);
const char *memory_name(enum memory memory);

/* Physical row `offset` rows behind `start`; row arithmetic wraps as the hardware's does. */
uint32_t local_row(const gemmini_sim *sim, enum memory memory, uint32_t start, uint32_t offset);

static inline int8_t *scratchpad_row(const gemmini_sim *sim, uint32_t row) {
    return sim->scratchpad + (size_t)row * sim->config.dim;
}

static inline int32_t *accumulator_row(const gemmini_sim *sim, uint32_t row) {
    return sim->accumulator + (size_t)row * sim->config.dim;
}

/* -- DRAM (dram.c) --------------------------------------------------------------------------- */

/* Host bytes behind a DRAM range, or NULL after an error. */
const uint8_t *dram_read(gemmini_sim *sim, uint64_t address, uint32_t bytes);
uint8_t *dram_write(gemmini_sim *sim, uint64_t address, uint32_t bytes);

/* -- commands -------------------------------------------------------------------------------- */

bool execute_configuration(gemmini_sim *sim, uint64_t rs1, uint64_t rs2);
bool execute_mvin(gemmini_sim *sim, uint32_t id, uint64_t rs1, uint64_t rs2);
bool execute_mvout(gemmini_sim *sim, uint64_t rs1, uint64_t rs2);
bool execute_preload(gemmini_sim *sim, uint64_t rs1, uint64_t rs2);
bool execute_compute(gemmini_sim *sim, bool flip, uint64_t rs1, uint64_t rs2);
bool execute_loop_config(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2);
bool execute_loop(gemmini_sim *sim, uint64_t rs1, uint64_t rs2);

/* Executes one command that LOOP_WS unrolls to. */
bool execute_unrolled(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2);

/* Forgets what does not survive a change of dataflow, or any CONFIG_EX in OS. */
void array_reconfigured(gemmini_sim *sim, bool dataflow_changed);

/* -- checked mode (checked.c) ---------------------------------------------------------------- */

bool checker_create(gemmini_sim *sim);
void checker_destroy(gemmini_sim *sim);
void checker_reset(gemmini_sim *sim);

/* All of these do nothing and succeed unless the simulator is in checked mode. */

/* Bits of an operand that the command does not use must be zero. */
bool check_unused_bits(gemmini_sim *sim, const char *operand, uint64_t bits);
/* `bits` of a local address operand must be 0 where it has no meaning. */
bool check_address_bits(gemmini_sim *sim, const char *what, uint32_t bits);
/* The `span` rows from the tile's address must exist. */
bool check_extent(gemmini_sim *sim, const char *what, struct local_address address, uint32_t span);
/* A command reads columns [0, cols) of `row`, which must be initialised. */
bool check_read(gemmini_sim *sim, const char *what, enum memory memory, uint32_t row,
                uint32_t cols);
/*
 * The array reads columns [0, cols) of `row`, of an operand that starts at row `start`; `tracked`
 * says whether the reservation station knows that it does. Tracked rows must come first.
 */
bool check_operand_read(gemmini_sim *sim, const char *what, uint32_t start, uint32_t row,
                        uint32_t cols, bool tracked);
/* An MVIN whose first row is `base` writes columns [0, cols) of `row`. */
bool check_load(gemmini_sim *sim, enum memory memory, uint32_t base, uint32_t row, uint32_t cols,
                bool accumulate);
void check_begin_load(gemmini_sim *sim);
/* The array writes columns [0, cols) of `row`, a result starting at `start`. */
bool check_result(gemmini_sim *sim, enum memory memory, uint32_t start, uint32_t row, uint32_t cols,
                  bool accumulate);
void check_begin_compute(gemmini_sim *sim);
bool check_dram_read(gemmini_sim *sim, uint64_t address, uint32_t bytes);
void check_dram_write(gemmini_sim *sim, uint64_t address, uint32_t bytes);
void check_array_drained(gemmini_sim *sim);
void check_fence(gemmini_sim *sim);
void check_initialised(gemmini_sim *sim, enum memory memory, uint32_t row);

#endif
