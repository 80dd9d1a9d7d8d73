/*
 * The bring-up ladder: one mechanism after the other, each named before it starts, so that a hang
 * shows which one it is. Replaces the generated main.
 */
#include <gemmini/isa.h>
#include <gemmini/program.h>
#include <gemmini/rocc.h>

#define DIM           GEMMINI_DIM
#define TILE(address) (TILE_OF(address, DIM, DIM))
#define TILE_OF(address, rows, cols)                                                               \
    ((uint64_t)(rows) << 48 | (uint64_t)(cols) << 32 | (uint32_t)(address))

enum { A_ROW = 0, B_ROW = DIM, ACCUMULATOR_ROW = 0 };

/* Enough for every step on any clock; a hang is reported after it. */
#ifndef GEMMINI_BRING_UP_CYCLES
#define GEMMINI_BRING_UP_CYCLES UINT64_C(100000000)
#endif

static GEMMINI_BUFFER int8_t a[DIM][DIM];
static GEMMINI_BUFFER int8_t b[DIM][DIM];
static GEMMINI_BUFFER int8_t c[DIM][DIM];
static GEMMINI_BUFFER int32_t bias[DIM][DIM];

static void configure_load(uint64_t id, uint64_t stride) {
    uint64_t fields = GEMMINI_CONFIG_LD | id << 3 | 1 << 8 | DIM << 16;
    GEMMINI_ROCC(GEMMINI_FUNCT_CONFIG, fields | (uint64_t)GEMMINI_SCALE_ONE << 32, stride);
}

static void configure_store(uint64_t activation, uint32_t scale) {
    GEMMINI_ROCC(GEMMINI_FUNCT_CONFIG, GEMMINI_CONFIG_ST | activation << 2,
                 sizeof c[0] | (uint64_t)scale << 32);
}

#if GEMMINI_HAS_WS
static void configure_execute(void) {
    uint64_t fields = GEMMINI_CONFIG_EX | 1 << 2 | 1 << 16;
    GEMMINI_ROCC(GEMMINI_FUNCT_CONFIG, fields | (uint64_t)GEMMINI_SCALE_ONE << 32,
                 UINT64_C(1) << 48);
}
#endif

static uint64_t address(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

static void clear_result(void) {
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++)
            c[i][j] = 0x55;
}

static uint64_t started, finished;

static void finish(void) {
    GEMMINI_FENCE();
    finished = gemmini_cycles();
}

/* Each step returns 1 if its result is right. */

static int flush(void) {
    GEMMINI_ROCC(GEMMINI_FUNCT_FLUSH, 0, 0);
    finish();
    return 1;
}

static int copy_rows(int rows) {
    configure_load(0, sizeof a[0]);
    configure_store(GEMMINI_ACTIVATION_NONE, GEMMINI_SCALE_ONE);
    GEMMINI_ROCC(GEMMINI_FUNCT_MVIN, address(a), TILE_OF(A_ROW, rows, DIM));
    GEMMINI_ROCC(GEMMINI_FUNCT_MVOUT, address(c), TILE_OF(A_ROW, rows, DIM));
    finish();
    int right = 1;
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++)
            right &= c[i][j] == (i < rows ? a[i][j] : 0x55);
    return right;
}

static int one_row(void) {
    return copy_rows(1);
}

static int one_tile(void) {
    return copy_rows(DIM);
}

/* Values are multiples of 4 and the scale is a half, so that nothing is rounded. */
static int scale_and_relu(void) {
    configure_load(0, sizeof bias[0]);
    configure_store(GEMMINI_ACTIVATION_RELU, UINT32_C(0x3f000000));
    GEMMINI_ROCC(GEMMINI_FUNCT_MVIN, address(bias),
                 TILE(GEMMINI_ADDRESS_ACCUMULATOR | ACCUMULATOR_ROW));
    GEMMINI_ROCC(GEMMINI_FUNCT_MVOUT, address(c),
                 TILE(GEMMINI_ADDRESS_ACCUMULATOR | ACCUMULATOR_ROW));
    finish();
    int right = 1;
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++) {
            int32_t expected = bias[i][j] < 0 ? 0 : bias[i][j] / 2;
            right &= c[i][j] == (expected > INT8_MAX ? INT8_MAX : expected);
        }
    return right;
}

#if GEMMINI_HAS_WS
static int is_product(void) {
    int right = 1;
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++) {
            int32_t sum = 0;
            for (int k = 0; k < DIM; k++)
                sum += a[i][k] * b[k][j];
            sum = sum > INT8_MAX ? INT8_MAX : sum < INT8_MIN ? INT8_MIN : sum;
            right &= c[i][j] == sum;
        }
    return right;
}

static int one_product(void) {
    configure_execute();
    configure_load(0, sizeof a[0]);
    configure_load(1, sizeof b[0]);
    configure_store(GEMMINI_ACTIVATION_NONE, GEMMINI_SCALE_ONE);
    GEMMINI_ROCC(GEMMINI_FUNCT_MVIN, address(a), TILE(A_ROW));
    GEMMINI_ROCC(GEMMINI_FUNCT_MVIN2, address(b), TILE(B_ROW));
    GEMMINI_ROCC(GEMMINI_FUNCT_PRELOAD, TILE(B_ROW),
                 TILE(GEMMINI_ADDRESS_ACCUMULATOR | ACCUMULATOR_ROW));
    GEMMINI_ROCC(GEMMINI_FUNCT_COMPUTE_PRELOADED, TILE(A_ROW), TILE(GEMMINI_GARBAGE_ADDRESS));
    GEMMINI_ROCC(GEMMINI_FUNCT_MVOUT, address(c),
                 TILE(GEMMINI_ADDRESS_ACCUMULATOR | ACCUMULATOR_ROW));
    finish();
    return is_product();
}
#endif

#if GEMMINI_HAS_LOOP_WS
static int loop_product(void) {
    configure_execute();
    configure_load(0, sizeof a[0]);
    configure_load(1, sizeof b[0]);
    configure_store(GEMMINI_ACTIVATION_NONE, GEMMINI_SCALE_ONE);
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS_BOUNDS, 0, 1 | UINT64_C(1) << 16 | UINT64_C(1) << 32);
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS_ADDRESSES_AB, address(a), address(b));
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS_ADDRESSES_DC, 0, address(c));
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS_STRIDES_AB, DIM, DIM);
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS_STRIDES_DC, 0, DIM);
    GEMMINI_ROCC(GEMMINI_FUNCT_LOOP_WS, 0, 0);
    finish();
    return is_product();
}
#endif

static int step(const char *name, int (*run)(void)) {
    gemmini_print("bring-up: ");
    gemmini_print(name);
    gemmini_print(" ...\n");
    clear_result();
    gemmini_watchdog_start(GEMMINI_BRING_UP_CYCLES);
    started = gemmini_cycles();
    int right = run();
    gemmini_watchdog_stop();
    gemmini_print("bring-up: ");
    gemmini_print(name);
    gemmini_print(right ? ": ok, " : ": WRONG RESULT, ");
    gemmini_print_unsigned(finished - started);
    gemmini_print(" cycles\n");
    return !right;
}

int main(void) {
    gemmini_program_start("bring-up", GEMMINI_CONFIG_NAME, GEMMINI_CONFIG_DIGEST);
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j < DIM; j++) {
            a[i][j] = (int8_t)((i * 3 + j * 5) % 7 - 3);
            b[i][j] = (int8_t)((i * 2 + j * 7) % 5 - 2);
            bias[i][j] = (i * DIM + j) % 97 * 4 - 180;
        }
    int failures = 0;
    failures += step("flush", flush);
    failures += step("mvin and mvout of one row", one_row);
    failures += step("mvin and mvout of one tile", one_tile);
    failures += step("accumulator with scale and ReLU", scale_and_relu);
#if GEMMINI_HAS_WS
    failures += step("one product", one_product);
#endif
#if GEMMINI_HAS_LOOP_WS
    failures += step("one product by loop_ws", loop_product);
#endif
    return gemmini_program_end(failures);
}
