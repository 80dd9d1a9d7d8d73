/* State of the timing model: one struct per hardware unit.
 *
 * Conventions. Units are stepped once per cycle, consumers before producers, so that what a unit
 * writes into a queue or register is seen by the next unit in the following cycle, as in the
 * hardware. Cycle numbers are absolute; NEVER stands for "not until something else happens".
 * Section numbers are those of the microarchitecture reference. */
#ifndef GEMMINI_TIMING_MODEL_H
#define GEMMINI_TIMING_MODEL_H

#include "state.h"

struct gemmini_timing {
    struct gemmini_timing_parameters p;
    struct geometry g;
    cycle_t now;
    cycle_t origin;
    cycle_t last_accept; /* or the cycle of the last fence */
    cycle_t progress;    /* last cycle in which something moved */
    cycle_t last_completion;
    bool completed; /* something completed since the start */
    cycle_t idle_since;
    uint64_t commands;
    bool stopped;
    char error[256];
    uint64_t error_command;
    gemmini_timing_listener *listener;
    void *listener_context;
    bool listens_to_banks;
    uint8_t active; /* paths that may have work, a bit each (enum activity) */

    struct front_end front;
    struct loop_matmul loop;
    struct reservation_station rs;
    struct load_controller load;
    struct dma_reader reader;
    struct mvin_scale scale;
    struct zero_writer zero;
    struct banks banks;
    struct execute_controller ex;
    struct store_controller store;
    struct dma_writer writer;
    struct memory memory;
    struct counters counters;
    uint64_t breakdown[GEMMINI_TIMING_CAUSES];
};

/* Nothing below is for users of the library; hidden symbols can be inlined across files. */
#pragma GCC visibility push(hidden)

/* cycle.c: whether anything is under way; one cycle, or, if nothing moved, all cycles until
 * something can, but not beyond `limit`; exactly one cycle. */
bool model_busy(const struct gemmini_timing *t);
void model_advance(struct gemmini_timing *t, cycle_t limit);
void model_step(struct gemmini_timing *t);

/* timing.c */
void timing_emit(struct gemmini_timing *t, int kind, const struct command *command, int id);
void timing_stop(struct gemmini_timing *t, uint64_t command, const char *message);

/* Units; `step` functions run once per cycle and return true if the unit did something. */
bool front_end_step(struct gemmini_timing *t);
bool loop_matmul_step(struct gemmini_timing *t);
bool loop_matmul_configured(const struct gemmini_timing *t);
void loop_matmul_configure(struct gemmini_timing *t, const struct command *command);
void loop_matmul_emit(struct gemmini_timing *t, enum loop_fsm which);
void loop_matmul_completed(struct gemmini_timing *t, enum partition partition);
bool reservation_station_step(struct gemmini_timing *t);
void reservation_station_configure(struct gemmini_timing *t, const struct command *command);
bool load_controller_step(struct gemmini_timing *t);
void load_controller_configure(struct gemmini_timing *t, const struct command *command);
bool dma_reader_request_step(struct gemmini_timing *t);
bool dma_reader_response_step(struct gemmini_timing *t);
bool mvin_scale_write_step(struct gemmini_timing *t);
bool mvin_scale_step(struct gemmini_timing *t);
bool mvin_scale_accept(struct gemmini_timing *t, const struct scaled_row *row);
bool mvin_scale_ready(const struct gemmini_timing *t, bool wide);
bool zero_writer_step(struct gemmini_timing *t, bool other_finishes);
bool zero_writer_accept(struct gemmini_timing *t, const struct row_request *row);
bool mesh_output_step(struct gemmini_timing *t);
bool mesh_input_step(struct gemmini_timing *t);
bool mesh_ready(const struct mesh *m, cycle_t now);
bool mesh_in_progress(const struct mesh *m, cycle_t now);
bool mesh_will_write(const struct gemmini_timing *t, uint32_t local);
void mesh_start(struct gemmini_timing *t, const struct mesh_tag *tag);
bool execute_controller_step(struct gemmini_timing *t);
void execute_controller_configure(struct gemmini_timing *t, const struct command *command);
void execute_begin_pass(struct gemmini_timing *t, enum ex_mode mode);
bool execute_through_transposer(const struct execute_controller *e);
uint32_t execute_operand_bank(const struct gemmini_timing *t, const struct operand *o,
                              uint32_t row);
bool execute_unroller_step(struct gemmini_timing *t);
bool store_read_step(struct gemmini_timing *t);
bool store_controller_step(struct gemmini_timing *t);
void store_controller_configure(struct gemmini_timing *t, const struct command *command);
bool dma_writer_step(struct gemmini_timing *t);
bool memory_step(struct gemmini_timing *t);
bool memory_create(struct gemmini_timing *t);
bool memory_may_return(const struct gemmini_timing *t);
void memory_return(struct gemmini_timing *t, cycle_t cycle, uint8_t slot, uint32_t beats,
                   uint32_t interval, bool last);
void memory_fetch(struct gemmini_timing *t, cycle_t cycle);
void memory_acknowledge(struct gemmini_timing *t, cycle_t cycle);

/* The L2; `accept` returns false while there is no room for the request. */
bool l2_create(struct gemmini_timing *t);
void l2_reset(struct gemmini_timing *t);
void l2_set_seed(struct gemmini_timing *t, uint64_t seed);
void l2_hold(struct gemmini_timing *t, uint64_t address, uint64_t bytes, bool in_core);
void l2_pass(struct gemmini_timing *t, uint64_t lines);
struct cache_line *l2_find(struct l2 *l2, uint64_t line);
struct cache_line *l2_victim(struct l2 *l2, uint64_t line);
bool l2_has_room(struct gemmini_timing *t, uint64_t line);
bool l2_accept(struct gemmini_timing *t, const struct l2_request *request);
cycle_t l2_answer(struct gemmini_timing *t, const struct l2_request *r);
void l2_delay_put(struct gemmini_timing *t);
void l2_finish(struct gemmini_timing *t, uint32_t which);
void l2_miss(struct gemmini_timing *t, struct mshr *mshr);
bool l2_may_release(const struct gemmini_timing *t);
void l2_release(struct gemmini_timing *t, uint32_t which);
bool l2_may_acquire(const struct gemmini_timing *t);
void l2_acquire(struct gemmini_timing *t, uint32_t which);
bool l2_memory_step(struct gemmini_timing *t);
const struct mshr *l2_arriving(const struct l2 *l2, cycle_t cycle);
void l2_directory_read(struct gemmini_timing *t);
bool l2_schedule_step(struct gemmini_timing *t);

void counters_command(struct gemmini_timing *t, uint64_t rs1);
void counters_span(struct gemmini_timing *t, cycle_t cycles);
void banks_emit(struct gemmini_timing *t);

void tracker_returned(struct command_tracker *tracker, int slot, uint64_t amount, cycle_t now);
int tracker_allocate(struct command_tracker *tracker, int entry, uint64_t amount, cycle_t now);
int tracker_offer(const struct command_tracker *tracker, cycle_t now);
void tracker_release(struct command_tracker *tracker, int slot, cycle_t now);
bool tracker_ready(const struct command_tracker *tracker, cycle_t now);

void accumulator_write(struct gemmini_timing *t, uint32_t bank, uint32_t row, bool accumulates);
bool accumulator_row_in_flight(const struct gemmini_timing *t, uint32_t local);

#pragma GCC visibility pop

#endif
