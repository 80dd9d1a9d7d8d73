/* The commands that the sub-FSMs of LoopMatmul emit: blocks, addresses, order (ISA section 9). */
#include "model.h"

static uint32_t minimum(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint64_t dims(uint32_t rows, uint32_t cols, uint32_t local) {
    return (uint64_t)rows << 48 | (uint64_t)cols << 32 | local;
}

/* Advances `i` by `step` with wrap-around at `limit`; true if it wrapped. */
static bool advance(uint32_t *i, uint32_t step, uint32_t limit) {
    *i += step;
    if (*i < limit)
        return false;
    *i = 0;
    return true;
}

struct block {
    uint32_t rows, cols, local;
    uint64_t address;
};

/* The block at (row, col) of an operand stored as `row_blocks` x `col_blocks` tiles. */
static struct block operand_block(const struct gemmini_timing *t, uint64_t dram, uint64_t stride,
                                  uint32_t base, uint32_t row, uint32_t col, uint32_t col_blocks,
                                  uint32_t width, uint32_t row_pad, uint32_t col_pad, bool last_row,
                                  uint32_t element_bytes) {
    uint32_t dim = t->g.dim;
    uint32_t blocks = minimum(width, col_blocks - col);
    struct block b;
    b.rows = dim - (last_row ? row_pad : 0);
    b.cols = blocks * dim - (col + blocks >= col_blocks ? col_pad : 0);
    b.local = base + (row * col_blocks + col) * dim;
    b.address = dram + (uint32_t)((row * stride + col) * dim * element_bytes);
    return b;
}

static void emit_lda(const struct gemmini_timing *t, struct loop_sub_fsm *f, struct command *out) {
    const struct loop_config *c = &f->config;
    bool tr = c->a_transpose;
    uint32_t row = tr ? f->k : f->i, col = tr ? f->i : f->k;
    uint32_t rows = tr ? c->max_k : c->max_i, cols = tr ? c->max_i : c->max_k;
    uint32_t width = minimum(cols, t->g.max_blocks);
    struct block b =
        operand_block(t, c->a, c->a_stride, f->address, row, col, cols, width,
                      tr ? c->pad_k : c->pad_i, tr ? c->pad_i : c->pad_k, row == rows - 1, 1);
    out->funct = FUNCT_MVIN;
    out->rs1 = b.address;
    out->rs2 = dims(b.rows, b.cols, b.local);
    if (advance(&f->i, tr ? width : 1, c->max_i) && advance(&f->k, tr ? 1 : width, c->max_k))
        f->active = false;
}

static void emit_ldb(const struct gemmini_timing *t, struct loop_sub_fsm *f, struct command *out) {
    const struct loop_config *c = &f->config;
    bool tr = c->b_transpose;
    uint32_t row = tr ? f->j : f->k, col = tr ? f->k : f->j;
    uint32_t cols = tr ? c->max_k : c->max_j;
    uint32_t width = minimum(cols, t->g.max_blocks);
    /* The hardware never trims the rows of B (ISA section 9). */
    struct block b = operand_block(t, c->b, c->b_stride, f->address, row, col, cols, width, 0,
                                   tr ? c->pad_k : c->pad_j, false, 1);
    out->funct = FUNCT_MVIN2;
    out->rs1 = b.address;
    out->rs2 = dims(b.rows, b.cols, b.local);
    if (advance(&f->j, tr ? 1 : width, c->max_j) && advance(&f->k, tr ? width : 1, c->max_k))
        f->active = false;
}

static void emit_ldd(const struct gemmini_timing *t, struct loop_sub_fsm *f, struct command *out) {
    const struct loop_config *c = &f->config;
    uint32_t width = minimum(c->max_j, c->low_d ? t->g.max_blocks : t->g.max_blocks_acc);
    struct block b =
        operand_block(t, c->d, c->d_stride, LOCAL_IS_ACC | f->address, f->i, f->j, c->max_j, width,
                      c->pad_i, c->pad_j, f->i == c->max_i - 1, c->low_d ? 1 : t->g.acc_bytes);
    out->funct = FUNCT_MVIN3;
    out->rs1 = b.address;
    out->rs2 = dims(b.rows, b.cols, b.local);
    if (advance(&f->i, 1, c->max_i) && advance(&f->j, width, c->max_j))
        f->active = false;
}

static void emit_ex(const struct gemmini_timing *t, struct loop_sub_fsm *f, struct command *out) {
    const struct loop_config *c = &f->config;
    uint32_t dim = t->g.dim;
    uint32_t cols_j = dim - (f->j == c->max_j - 1 ? c->pad_j : 0);
    uint32_t cols_k = dim - (f->k == c->max_k - 1 ? c->pad_k : 0);
    uint32_t rows_i = dim - (f->i == c->max_i - 1 ? c->pad_i : 0);
    if (!f->second) {
        uint32_t b_row = c->b_transpose ? f->j : f->k, b_col = c->b_transpose ? f->k : f->j;
        uint32_t b_cols = c->b_transpose ? c->max_k : c->max_j;
        uint32_t b_base = (c->b_spad_id ? c->b_spad_id : f->slot + 1U) * (t->g.spad_rows / 2) -
                          c->max_k * c->max_j * dim;
        uint32_t b = f->i == 0 ? b_base + (b_row * b_cols + b_col) * dim : t->g.garbage_mask;
        uint32_t acc = LOCAL_IS_ACC | (c->accumulate || f->k != 0 ? LOCAL_ACCUMULATE : 0);
        out->funct = FUNCT_PRELOAD;
        out->rs1 = dims(cols_k, cols_j, b);
        out->rs2 = dims(rows_i, cols_j, acc | (f->address + (f->i * c->max_j + f->j) * dim));
        f->second = true;
        return;
    }
    uint32_t a_row = c->a_transpose ? f->k : f->i, a_col = c->a_transpose ? f->i : f->k;
    uint32_t a_cols = c->a_transpose ? c->max_i : c->max_k;
    uint32_t a_base = (c->a_spad_id ? c->a_spad_id - 1U : f->slot) * (t->g.spad_rows / 2);
    out->funct = f->i == 0 ? FUNCT_COMPUTE_PRELOADED : FUNCT_COMPUTE_ACCUMULATED;
    out->rs1 = dims(rows_i, cols_k, a_base + (a_row * a_cols + a_col) * dim);
    out->rs2 = dims(dim, dim, t->g.garbage_mask);
    f->second = false;
    if (advance(&f->i, 1, c->max_i) && advance(&f->j, 1, c->max_j) && advance(&f->k, 1, c->max_k))
        f->active = false;
}

static void emit_st(const struct gemmini_timing *t, struct loop_sub_fsm *f, struct command *out) {
    const struct loop_config *c = &f->config;
    uint32_t width = c->full_c ? 1 : minimum(c->max_j, t->g.max_blocks);
    struct block b = operand_block(t, c->c, c->c_stride,
                                   LOCAL_IS_ACC | (c->full_c ? LOCAL_READ_FULL : 0) | f->address,
                                   f->i, f->j, c->max_j, width, c->pad_i, c->pad_j,
                                   f->i == c->max_i - 1, c->full_c ? t->g.acc_bytes : 1);
    out->funct = FUNCT_MVOUT;
    out->rs1 = b.address;
    out->rs2 = dims(b.rows, b.cols, b.local);
    if (advance(&f->i, 1, c->max_i) && advance(&f->j, width, c->max_j))
        f->active = false;
}

void loop_matmul_emit(struct gemmini_timing *t, enum loop_fsm which) {
    struct loop_sub_fsm *f = &t->loop.fsm[which];
    struct command out = {.index = f->index, .from_loop = true, .entry = -1};
    enum partition partition = LOAD;
    switch (which) {
    case LOOP_LDA:
        emit_lda(t, f, &out);
        break;
    case LOOP_LDB:
        emit_ldb(t, f, &out);
        break;
    case LOOP_LDD:
        emit_ldd(t, f, &out);
        break;
    case LOOP_EX:
        emit_ex(t, f, &out);
        partition = EXECUTE;
        break;
    default:
        emit_st(t, f, &out);
        partition = STORE;
        break;
    }
    t->loop.in_flight[partition]++;
    queue_push(&t->front.unrolled, &out);
    wake(&t->rs.awake);
}
