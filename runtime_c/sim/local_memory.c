/* Local addresses, operands and rows (ISA sections 2 and 3). */
#include "simulator.h"

struct local_address decode_address(const gemmini_sim *sim, uint32_t bits) {
    uint32_t row_bits = sim->config.row_bits;
    uint32_t row_mask = (UINT32_C(1) << row_bits) - 1;
    uint32_t flags =
        GEMMINI_ADDRESS_ACCUMULATOR | GEMMINI_ADDRESS_ACCUMULATE | GEMMINI_ADDRESS_READ_FULL;
    uint32_t garbage = flags | UINT32_C(1) << row_bits | row_mask;
    return (struct local_address){
        .garbage = (bits & garbage) == garbage,
        .memory = (bits & GEMMINI_ADDRESS_ACCUMULATOR) != 0 ? ACCUMULATOR : SCRATCHPAD,
        .accumulate = (bits & GEMMINI_ADDRESS_ACCUMULATE) != 0,
        .read_full = (bits & GEMMINI_ADDRESS_READ_FULL) != 0,
        .row = bits & row_mask,
    };
}

/* Largest number that a hardware field made for 0 to `limit` holds. */
static uint32_t field_mask(uint32_t limit) {
    uint32_t mask = 1;
    while (mask < limit)
        mask = mask << 1 | 1;
    return mask;
}

bool decode_tile(gemmini_sim *sim, const char *what, uint64_t operand, uint32_t max_cols,
                 uint32_t decoded_cols, struct tile *tile) {
    uint32_t max_rows = sim->config.dim;
    uint32_t bits = (uint32_t)operand;
    tile->address = decode_address(sim, bits);
    tile->cols = (uint32_t)(operand >> 32) & 0xFFFF;
    tile->rows = (uint32_t)(operand >> 48);
    if (!check_address_bits(sim, what, bits))
        return false;
    if (!sim->config.checked) {
        tile->cols &= field_mask(decoded_cols);
        tile->rows &= field_mask(max_rows);
    }
    if (tile->address.garbage)
        return true;
    if (tile->rows < 1 || tile->rows > max_rows)
        return fail(sim, "rows of %s must be 1 to %u, got %u", what, max_rows, tile->rows);
    if (tile->cols < 1 || tile->cols > max_cols)
        return fail(sim, "cols of %s must be 1 to %u, got %u", what, max_cols, tile->cols);
    return true;
}

uint32_t memory_rows(const gemmini_sim *sim, enum memory memory) {
    return memory == SCRATCHPAD ? sim->config.scratchpad_rows : sim->config.accumulator_rows;
}

const char *memory_name(enum memory memory) {
    return memory == SCRATCHPAD ? "scratchpad" : "accumulator";
}

uint32_t local_row(const gemmini_sim *sim, enum memory memory, uint32_t start, uint32_t offset) {
    uint32_t row_mask = (UINT32_C(1) << sim->config.row_bits) - 1;
    /* Memories have a power of two of rows: the hardware drops the upper bits. */
    return (start + offset) & row_mask & (memory_rows(sim, memory) - 1);
}
