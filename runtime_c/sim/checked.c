/*
 * Checked mode: a sanitizer for command streams.
 *
 * Races. The reservation station orders loads, the array and stores among each other by row
 * ranges (ISA section 11). What it does not track is reported by these rules:
 *  - Two MVINs that write the same row need a command of the array or an MVOUT between them that
 *    touches the first one's rows, or a fence: MVINs may complete out of order. A use of any row
 *    of an MVIN orders the whole MVIN, so this errs on the side of silence.
 *  - An MVIN must not read DRAM bytes that an MVOUT wrote since the last fence. Up to
 *    MAX_DIRTY_LINES lines are tracked between two fences; beyond them nothing is reported.
 *  - An operand of the array that overlaps a result which may still be in the array must start at
 *    the same row as the result; the array compares start addresses only. Results have left after
 *    max_simultaneous_matmuls + 1 further COMPUTEs, a CONFIG_EX or a fence.
 *  - A transposed B is stored as cols x rows but tracked as if it had `rows` rows. Rows beyond
 *    must come from an MVIN that also wrote a tracked row, or that is complete.
 */
#include "simulator.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIRTY_SLOTS_LOG2 = 18,
    DIRTY_SLOTS = 1 << DIRTY_SLOTS_LOG2,
    MAX_DIRTY_LINES = DIRTY_SLOTS / 4 * 3,
    LINE_BYTES_LOG2 = 6,
    LINE_BYTES = 1 << LINE_BYTES_LOG2,
    FIRST_UNUSED_FLAG_BIT = 29
};

static struct row_shadow *shadow(const gemmini_sim *sim, enum memory memory, uint32_t row) {
    return &sim->checker.rows[memory][row];
}

bool checker_create(gemmini_sim *sim) {
    if (!sim->config.checked)
        return true;
    struct checker *checker = &sim->checker;
    for (enum memory memory = SCRATCHPAD; memory < MEMORIES; memory++) {
        checker->rows[memory] = calloc(memory_rows(sim, memory), sizeof *checker->rows[memory]);
        if (checker->rows[memory] == NULL)
            return false;
    }
    checker->dirty = calloc(DIRTY_SLOTS, sizeof *checker->dirty);
    return checker->dirty != NULL;
}

void checker_destroy(gemmini_sim *sim) {
    for (enum memory memory = SCRATCHPAD; memory < MEMORIES; memory++)
        free(sim->checker.rows[memory]);
    free(sim->checker.dirty);
}

void checker_reset(gemmini_sim *sim) {
    struct checker *checker = &sim->checker;
    if (!sim->config.checked)
        return;
    for (enum memory memory = SCRATCHPAD; memory < MEMORIES; memory++)
        memset(checker->rows[memory], 0, memory_rows(sim, memory) * sizeof *checker->rows[memory]);
    checker->load_sequence = 0;
    checker->compute_sequence = 0;
    check_fence(sim);
}

/* -- operands -------------------------------------------------------------------------------- */

bool check_unused_bits(gemmini_sim *sim, const char *operand, uint64_t bits) {
    if (!sim->config.checked || bits == 0)
        return true;
    return fail(sim, "unused bits of %s are set: 0x%" PRIx64, operand, bits);
}

bool check_address_bits(gemmini_sim *sim, const char *what, uint32_t bits) {
    if (!sim->config.checked || bits == GEMMINI_GARBAGE_ADDRESS)
        return true;
    if (decode_address(sim, bits).garbage)
        return fail(sim, "the garbage address of %s must be 0x%08" PRIx32 ", got 0x%08" PRIx32,
                    what, GEMMINI_GARBAGE_ADDRESS, bits);
    uint32_t row_mask = (UINT32_C(1) << sim->config.row_bits) - 1;
    uint32_t unused = ((UINT32_C(1) << FIRST_UNUSED_FLAG_BIT) - 1) & ~row_mask;
    if ((bits & GEMMINI_ADDRESS_ACCUMULATOR) == 0)
        unused |= GEMMINI_ADDRESS_ACCUMULATE | GEMMINI_ADDRESS_READ_FULL;
    if ((bits & unused) != 0)
        return fail(sim, "unused bits of the local address of %s are set: 0x%08" PRIx32, what,
                    bits & unused);
    return true;
}

bool check_extent(gemmini_sim *sim, const char *what, struct local_address address, uint32_t span) {
    if (!sim->config.checked || address.garbage)
        return true;
    uint64_t end = (uint64_t)address.row + span;
    uint32_t rows = memory_rows(sim, address.memory);
    if (end > rows)
        return fail(sim,
                    "%s covers rows %" PRIu32 " to %" PRIu64 ", but the %s has %" PRIu32 " rows",
                    what, address.row, end - 1, memory_name(address.memory), rows);
    return true;
}

/* -- local memories -------------------------------------------------------------------------- */

/* The array or an MVOUT touches the row: what loaded it is complete before whatever waits for
 * this command. */
static void mark_used(gemmini_sim *sim, enum memory memory, const struct row_shadow *row) {
    struct row_shadow *base = shadow(sim, memory, row->load_base);
    if (base->used_load < row->load)
        base->used_load = row->load;
}

static bool require_initialised(gemmini_sim *sim, const char *verb, enum memory memory,
                                uint32_t row, uint32_t cols) {
    uint32_t initialised = shadow(sim, memory, row)->initialised_cols;
    if (initialised >= cols)
        return true;
    return fail(sim, "%s column %" PRIu32 " of %s row %" PRIu32 ", which nothing has written", verb,
                initialised, memory_name(memory), row);
}

static void mark_written(struct row_shadow *row, uint32_t cols) {
    if (row->initialised_cols < cols)
        row->initialised_cols = cols;
}

bool check_read(gemmini_sim *sim, const char *what, enum memory memory, uint32_t row,
                uint32_t cols) {
    if (!sim->config.checked)
        return true;
    char verb[64] = "";
    strncat(verb, what, sizeof verb - sizeof " includes");
    strcat(verb, " includes");
    if (!require_initialised(sim, verb, memory, row, cols))
        return false;
    mark_used(sim, memory, shadow(sim, memory, row));
    return true;
}

/* Whether the MVIN that wrote the row last may still be on its way. */
static bool load_in_flight(const gemmini_sim *sim, enum memory memory,
                           const struct row_shadow *row) {
    return row->load > sim->checker.fenced_loads &&
           shadow(sim, memory, row->load_base)->used_load < row->load;
}

bool check_operand_read(gemmini_sim *sim, const char *what, uint32_t start, uint32_t row,
                        uint32_t cols, bool tracked) {
    if (!sim->config.checked)
        return true;
    const struct checker *checker = &sim->checker;
    const struct row_shadow *state = shadow(sim, SCRATCHPAD, row);
    uint64_t window = (uint64_t)sim->config.max_simultaneous_matmuls + 1;
    if (state->result > checker->drained_computes &&
        checker->compute_sequence - state->result < window && state->result_start != start)
        return fail(sim,
                    "%s starts at row %" PRIu32 " but includes row %" PRIu32
                    " of a result that starts at row %" PRIu32 " and may still be in the array",
                    what, start, row, state->result_start);
    if (!tracked && load_in_flight(sim, SCRATCHPAD, state))
        return fail(sim,
                    "transposed %s includes row %" PRIu32 " of an MVIN in flight that the hardware "
                    "does not wait for: it tracks as many rows as the operand has untransposed",
                    what, row);
    return check_read(sim, what, SCRATCHPAD, row, cols);
}

void check_begin_load(gemmini_sim *sim) {
    sim->checker.load_sequence++;
}

bool check_load(gemmini_sim *sim, enum memory memory, uint32_t base, uint32_t row, uint32_t cols,
                bool accumulate) {
    if (!sim->config.checked)
        return true;
    struct row_shadow *state = shadow(sim, memory, row);
    if (load_in_flight(sim, memory, state))
        return fail(sim,
                    "writes %s row %" PRIu32 ", which an earlier MVIN also writes: no command has "
                    "used its rows and no fence came in between",
                    memory_name(memory), row);
    if (accumulate && !require_initialised(sim, "accumulates onto", memory, row, cols))
        return false;
    state->load = sim->checker.load_sequence;
    state->load_base = base;
    state->result = 0;
    mark_written(state, cols);
    return true;
}

void check_begin_compute(gemmini_sim *sim) {
    sim->checker.compute_sequence++;
}

bool check_result(gemmini_sim *sim, enum memory memory, uint32_t start, uint32_t row, uint32_t cols,
                  bool accumulate) {
    if (!sim->config.checked)
        return true;
    struct row_shadow *state = shadow(sim, memory, row);
    bool adds = accumulate && memory == ACCUMULATOR;
    if (adds && !require_initialised(sim, "accumulates onto", memory, row, cols))
        return false;
    mark_used(sim, memory, state);
    mark_written(state, cols);
    state->result = sim->checker.compute_sequence;
    state->result_start = start;
    return true;
}

void check_array_drained(gemmini_sim *sim) {
    sim->checker.drained_computes = sim->checker.compute_sequence;
}

void check_initialised(gemmini_sim *sim, enum memory memory, uint32_t row) {
    if (!sim->config.checked)
        return;
    struct row_shadow *state = shadow(sim, memory, row);
    state->initialised_cols = sim->config.dim;
    state->load = 0;
    state->result = 0;
}

/* -- DRAM ------------------------------------------------------------------------------------ */

/* The entry of a line: the line's own, or the free one where it would be put. */
static struct dirty_line *dirty_entry(const struct checker *checker, uint64_t line) {
    uint64_t place = line * UINT64_C(0x9E3779B97F4A7C15) >> (64 - DIRTY_SLOTS_LOG2);
    struct dirty_line *entry = &checker->dirty[place];
    while (entry->epoch == checker->epoch && entry->line != line) {
        place = (place + 1) % DIRTY_SLOTS;
        entry = &checker->dirty[place];
    }
    return entry;
}

/* Bits of the bytes of `line` inside [address, address + bytes). */
static uint64_t bytes_in_line(uint64_t line, uint64_t address, uint32_t bytes) {
    uint64_t start = line << LINE_BYTES_LOG2;
    uint64_t first = address > start ? address - start : 0;
    uint64_t end = address + bytes - start;
    uint64_t mask = end >= LINE_BYTES ? UINT64_MAX : (UINT64_C(1) << end) - 1;
    return mask & ~((UINT64_C(1) << first) - 1);
}

bool check_dram_read(gemmini_sim *sim, uint64_t address, uint32_t bytes) {
    const struct checker *checker = &sim->checker;
    if (!sim->config.checked || checker->dirty_count == 0)
        return true;
    uint64_t last = (address + bytes - 1) >> LINE_BYTES_LOG2;
    for (uint64_t line = address >> LINE_BYTES_LOG2; line <= last; line++) {
        const struct dirty_line *entry = dirty_entry(checker, line);
        if (entry->epoch == checker->epoch &&
            (entry->mask & bytes_in_line(line, address, bytes)) != 0)
            return fail(sim,
                        "reads %" PRIu32 " bytes at DRAM address 0x%" PRIx64
                        ", which an MVOUT has written since the last fence",
                        bytes, address);
    }
    return true;
}

void check_dram_write(gemmini_sim *sim, uint64_t address, uint32_t bytes) {
    struct checker *checker = &sim->checker;
    if (!sim->config.checked)
        return;
    uint64_t last = (address + bytes - 1) >> LINE_BYTES_LOG2;
    for (uint64_t line = address >> LINE_BYTES_LOG2; line <= last; line++) {
        struct dirty_line *entry = dirty_entry(checker, line);
        if (entry->epoch != checker->epoch) {
            if (checker->dirty_count == MAX_DIRTY_LINES)
                return;
            *entry = (struct dirty_line){line, checker->epoch, 0};
            checker->dirty_count++;
        }
        entry->mask |= bytes_in_line(line, address, bytes);
    }
}

void check_fence(gemmini_sim *sim) {
    struct checker *checker = &sim->checker;
    checker->epoch++;
    checker->dirty_count = 0;
    checker->fenced_loads = checker->load_sequence;
    checker->drained_computes = checker->compute_sequence;
}
