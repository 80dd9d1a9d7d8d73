/* DRAM as commands see it: mapped regions, or the host's memory. */
#include "simulator.h"

#include <inttypes.h>
#include <string.h>

static bool regions_overlap(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes) {
    return a < b ? b - a < a_bytes : a - b < b_bytes;
}

int gemmini_sim_map(gemmini_sim *sim, uint64_t guest_address, void *host_pointer, uint64_t bytes,
                    int writable) {
    struct memory_map *map = &sim->map;
    if (host_pointer == NULL || bytes == 0 || guest_address == 0 ||
        bytes - 1 > UINT64_MAX - guest_address || map->count == MAX_REGIONS)
        return GEMMINI_SIM_ERROR;
    uint32_t place = 0;
    for (; place < map->count && map->regions[place].guest < guest_address; place++)
        ;
    for (uint32_t i = place == 0 ? 0 : place - 1; i < map->count && i <= place; i++)
        if (regions_overlap(map->regions[i].guest, map->regions[i].bytes, guest_address, bytes))
            return GEMMINI_SIM_ERROR;
    memmove(&map->regions[place + 1], &map->regions[place],
            (map->count - place) * sizeof map->regions[0]);
    map->regions[place] = (struct region){guest_address, bytes, host_pointer, writable != 0};
    map->count++;
    map->last = place;
    return GEMMINI_SIM_OK;
}

void gemmini_sim_unmap_all(gemmini_sim *sim) {
    sim->map.count = 0;
    sim->map.last = 0;
}

static const struct region *find_region(struct memory_map *map, uint64_t address) {
    const struct region *last = &map->regions[map->last];
    if (address - last->guest < last->bytes)
        return last;
    uint32_t low = 0;
    uint32_t high = map->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct region *region = &map->regions[middle];
        if (address - region->guest < region->bytes) {
            map->last = middle;
            return region;
        }
        if (address < region->guest)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static uint8_t *translate(gemmini_sim *sim, uint64_t address, uint32_t bytes, bool write) {
    const char *verb = write ? "writes" : "reads";
    if (sim->map.count == 0) {
        if (address == 0)
            fail(sim, "%s %u bytes at DRAM address 0, which is not mapped", verb, bytes);
        return (uint8_t *)(uintptr_t)address;
    }
    const struct region *region = find_region(&sim->map, address);
    if (region == NULL || bytes > region->bytes - (address - region->guest)) {
        fail(sim, "%s %u bytes at DRAM address 0x%" PRIx64 ", outside the mapped regions", verb,
             bytes, address);
        return NULL;
    }
    if (write && !region->writable) {
        fail(sim, "writes %u bytes at DRAM address 0x%" PRIx64 ", in a read-only region", bytes,
             address);
        return NULL;
    }
    return region->host + (address - region->guest);
}

const uint8_t *dram_read(gemmini_sim *sim, uint64_t address, uint32_t bytes) {
    const uint8_t *host = translate(sim, address, bytes, false);
    if (host == NULL || !check_dram_read(sim, address, bytes))
        return NULL;
    sim->statistics.dram_bytes_read += bytes;
    return host;
}

uint8_t *dram_write(gemmini_sim *sim, uint64_t address, uint32_t bytes) {
    uint8_t *host = translate(sim, address, bytes, true);
    if (host == NULL)
        return NULL;
    check_dram_write(sim, address, bytes);
    sim->statistics.dram_bytes_written += bytes;
    return host;
}
