/* The state of the way to memory, the L2 and DRAM. */
#ifndef GEMMINI_TIMING_MEMORY_STATE_H
#define GEMMINI_TIMING_MEMORY_STATE_H

#include "common.h"

/* ---- ports of the DMA engines ---- */

struct port_beat {
    cycle_t ready; /* first cycle in which the crossbar may take it */
    uint64_t address;
    uint16_t bytes;
    uint8_t slot, beats; /* of the request, beats left including this one */
    bool partial;
};

struct port_queue {
    struct port_beat beats[8];
    uint8_t head, count;
    cycle_t popped;
};

static inline bool port_ready(const struct port_queue *port, cycle_t now) {
    return port->count + (port->popped == now) < PORT_BUFFERS;
}

static inline void port_push(struct port_queue *port, const struct port_beat *beat) {
    port->beats[(port->head + port->count++) & 7] = *beat;
}

/* ---- L2 and DRAM ---- */

enum client { READER, WRITER, CLIENTS, CORE = CLIENTS };

#define READER_BEATS 64

struct cache_line {
    uint64_t tag;
    bool valid, dirty;
    bool in_core; /* modified in the core's L1 */
};

struct l2_request {
    uint64_t line;
    uint8_t client, slot, beats;
    uint8_t bank;      /* of the first beat */
    uint8_t use;       /* MVIN, MVIN3 (int32) or MVOUT */
    uint8_t funct;     /* of the command */
    uint8_t next;      /* that waits for the same miss register */
    bool whole, reads; /* whole: a Put of a whole line; reads: needs the line's old data */
};

/* What a miss register has to do for its request. */
enum l2_step {
    RELEASE = 1,    /* evict the line whose place is taken (SourceC) */
    ACQUIRE = 2,    /* ask memory for the line, or for permission to write it (SourceA) */
    GRANT_ACK = 4,  /* thank for its first word (SourceE) */
    ANSWER = 8,     /* answer the request (SourceD) */
    WRITE_BACK = 16 /* enter the line in the directory */
};

/* Miss register of the L2. */
struct mshr {
    struct l2_request request;
    cycle_t plan;          /* first cycle in which it may make a step */
    cycle_t granted;       /* the same for an acknowledgement of the line's first word, */
    cycle_t usable;        /* for the answer, */
    cycle_t whole;         /* and for the end; */
    cycle_t released;      /* the same for the acknowledgement of what was evicted */
    cycle_t data;          /* first cycle of the line's data from memory */
    cycle_t pipeline_left; /* first cycle in which the data pipeline has left the line */
    uint8_t steps;         /* to come (enum l2_step) */
    uint8_t first, last;   /* waiting requests */
    bool missing;
    bool dirty; /* the evicted line is modified */
};

enum { MAX_MSHRS = 63, MAX_WAITING = 128, L2_WRITES = 16 };

/* Queues between L2 and memory: SourceC has room while at most SOURCE_C_ROOM words wait in it. */
enum { SOURCE_A_DEPTH = 2, SOURCE_C_ROOM = 1, CORK_DEPTH = 2 };

struct miss_step {
    uint8_t mshr;
    uint8_t cycles; /* on the channel to memory, of an eviction */
    cycle_t ready;
};

struct miss_queue {
    struct miss_step items[MAX_MSHRS];
    uint8_t head, count;
};

struct l2 {
    struct cache_line *lines;
    uint32_t sets, ways;
    uint64_t random;
    uint32_t evictions; /* expected and not yet made, in 1 / ways */
    uint64_t fills;     /* lines that came, since it was emptied */
    struct mshr mshrs[MAX_MSHRS];
    uint64_t used;    /* miss registers, a bit each */
    uint8_t *owner;   /* of each set: its miss register + 1, 0: none */
    uint32_t missing; /* registers that wait for memory */
    uint32_t served;  /* register that made a step last */
    struct l2_request waiting[MAX_WAITING];
    uint8_t free_waiting;
    struct l2_write {
        cycle_t cycle;
        uint32_t bank;
    } writes[L2_WRITES];         /* of Puts, by cycle */
    cycle_t put_first, put_last; /* when the last Put writes */
    uint8_t put_bank, put_beats;
    cycle_t answered;    /* when memory gave the last answer without words */
    cycle_t answer_free; /* first cycle in which the data pipeline takes a request */
    cycle_t probe_free, dram_free, permission_free;
    cycle_t directory_free;               /* first cycle in which the directory takes a write */
    struct miss_queue acquires, releases; /* SourceA, SourceC */
    struct miss_queue release_acks, grants, write_acks; /* from the adapter (cork) and DRAM */
    cycle_t evicts;        /* when SourceC read its last modified line */
    cycle_t source_c_free; /* first cycle in which it reads no line */
};

struct memory {
    struct port_queue ports[CLIENTS];
    struct port_beat shared[SHARED_BUFFERS];
    uint8_t shared_client[SHARED_BUFFERS];
    uint8_t shared_head, shared_count;
    cycle_t shared_popped;
    int last_granted, locked; /* locked: client in the middle of a multi-beat request, -1: none */
    struct reader_data {
        cycle_t start; /* first beat at the boundary */
        uint8_t slot, beats;
        uint8_t interval; /* cycles per beat */
        bool last;        /* of its Get */
    } reader_data[READER_BEATS];
    uint32_t reader_head, reader_count;
    uint8_t reader_beat; /* beats of the head response already taken */
    cycle_t acks[MAX_TRACKED];
    uint32_t ack_head, ack_count;
    cycle_t fetches[MAX_FETCHES]; /* of the core, when they reach the L2 */
    uint32_t fetch_head, fetch_count;
    uint64_t fetched; /* lines so far */
    struct l2 l2;
};

#endif
