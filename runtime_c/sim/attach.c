/* The back end of <gemmini/rocc.h> for kernels compiled for the host. */
#include <gemmini/isa.h>
#include <gemmini/sim.h>
#include <gemmini/timing.h>

#include <stdio.h>
#include <stdlib.h>

#define MAX_PLACEMENTS 64

/* Host memory that the timing model sees at another address. */
struct placement {
    uint64_t host;
    uint64_t bytes;
    uint64_t address;
};

static _Thread_local gemmini_sim *attached;
static _Thread_local struct gemmini_timing *timing;
static _Thread_local uint64_t gap;
static _Thread_local uint64_t told; /* the core's cycles since the last command */
static _Thread_local struct placement placements[MAX_PLACEMENTS];
static _Thread_local unsigned placement_count;

gemmini_sim *gemmini_sim_attach(gemmini_sim *sim) {
    gemmini_sim *previous = attached;
    attached = sim;
    return previous;
}

void gemmini_sim_attach_timing(struct gemmini_timing *model, uint64_t host_gap) {
    timing = model;
    gap = host_gap;
    told = 0;
    placement_count = 0;
}

bool gemmini_sim_place(const void *host, uint64_t bytes, uint64_t address) {
    if (placement_count == MAX_PLACEMENTS)
        return false;
    placements[placement_count++] = (struct placement){(uint64_t)(uintptr_t)host, bytes, address};
    return true;
}

static gemmini_sim *require_attached(void) {
    if (attached == NULL) {
        fputs("gemmini_sim: no simulator is attached to the calling thread\n", stderr);
        abort();
    }
    return attached;
}

static uint64_t placed(uint64_t host) {
    for (unsigned i = 0; i < placement_count; i++)
        if (host - placements[i].host < placements[i].bytes)
            return placements[i].address + (host - placements[i].host);
    return host;
}

static uint64_t take_gap(void) {
    uint64_t cycles = gap == GEMMINI_SIM_TOLD_GAP ? told : gap;
    told = 0;
    return cycles;
}

static void pass_time(uint32_t funct, uint64_t rs1, uint64_t rs2) {
    switch (funct) {
    case GEMMINI_FUNCT_MVIN:
    case GEMMINI_FUNCT_MVIN2:
    case GEMMINI_FUNCT_MVIN3:
    case GEMMINI_FUNCT_MVOUT:
        rs1 = placed(rs1);
        break;
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_AB:
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_DC:
        rs1 = placed(rs1);
        rs2 = placed(rs2);
        break;
    default:
        break;
    }
    gemmini_timing_command(timing, take_gap(), funct, rs1, rs2);
}

/* The attached simulator; NULL if the thread has a timing model alone. */
static gemmini_sim *functional(void) {
    return timing == NULL ? require_attached() : attached;
}

/* Errors stay in the simulator, or in the timing model, where the caller of the kernel finds them.
 * Time never changes what a command does. */
void gemmini_sim_rocc(uint32_t funct, uint64_t rs1, uint64_t rs2) {
    gemmini_sim *sim = functional();
    if (sim != NULL)
        gemmini_sim_command(sim, funct, rs1, rs2);
    if (timing != NULL && (sim == NULL || gemmini_sim_error(sim) == NULL))
        pass_time(funct, rs1, rs2);
}

void gemmini_sim_rocc_fence(void) {
    gemmini_sim *sim = functional();
    if (sim != NULL)
        gemmini_sim_fence(sim);
    told = 0; /* the core waits anyway */
    if (timing != NULL && (sim == NULL || gemmini_sim_error(sim) == NULL))
        gemmini_timing_fence(timing);
}

void gemmini_sim_core_cycles(uint64_t cycles) {
    told += cycles;
}

uint64_t gemmini_sim_rocc_counter(uint64_t rs1) {
    uint32_t value = 0;
    if (timing != NULL)
        gemmini_timing_counter(timing, take_gap(), rs1, &value);
    else
        gemmini_sim_command(require_attached(), GEMMINI_FUNCT_COUNTER, rs1, 0);
    return value;
}
