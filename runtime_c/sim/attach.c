/* The back end of <gemmini/rocc.h> for kernels compiled for the host. */
#include <gemmini/sim.h>

#include <stdio.h>
#include <stdlib.h>

static _Thread_local gemmini_sim *attached;

gemmini_sim *gemmini_sim_attach(gemmini_sim *sim) {
    gemmini_sim *previous = attached;
    attached = sim;
    return previous;
}

static gemmini_sim *require_attached(void) {
    if (attached == NULL) {
        fputs("gemmini_sim: no simulator is attached to the calling thread\n", stderr);
        abort();
    }
    return attached;
}

/* Errors stay in the simulator, where the caller of the kernel finds them. */
void gemmini_sim_rocc(uint32_t funct, uint64_t rs1, uint64_t rs2) {
    gemmini_sim_command(require_attached(), funct, rs1, rs2);
}

void gemmini_sim_rocc_fence(void) {
    gemmini_sim_fence(require_attached());
}
