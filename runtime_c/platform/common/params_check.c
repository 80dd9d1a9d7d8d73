/*
 * Compares the compiled-in configuration with the header that was generated together with the
 * hardware. Compiled only where GEMMINI_PARAMS names that header (make PARAMS=gemmini_params.h).
 */
#include <gemmini/config.h>

#ifdef GEMMINI_PARAMS
#include GEMMINI_PARAMS

#define SAME(what, header, compiled)                                                               \
    _Static_assert((header) == (compiled),                                                         \
                   what " differs between gemmini_params.h and gemmini/config.h: "                 \
                        "compile the kernel again with --config gemmini_params.h")

SAME("DIM", DIM, GEMMINI_DIM);
SAME("the scratchpad's number of banks", BANK_NUM, GEMMINI_SCRATCHPAD_BANKS);
SAME("the scratchpad's number of rows", BANK_NUM *BANK_ROWS, GEMMINI_SCRATCHPAD_ROWS);
SAME("the accumulator's number of rows", ACC_ROWS, GEMMINI_ACCUMULATOR_ROWS);
SAME("MAX_BLOCK_LEN", MAX_BLOCK_LEN, GEMMINI_MAX_BLOCK_COLS);
SAME("MAX_BLOCK_LEN_ACC", MAX_BLOCK_LEN_ACC, GEMMINI_MAX_BLOCK_COLS_ACC);
#endif

/* A translation unit must declare something. */
typedef int gemmini_params_checked;
