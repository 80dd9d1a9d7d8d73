/*
 * Replays a command list on the simulator; built with sanitizers by test_native.py.
 *
 * usage: replay CONFIG MEMORY COMMANDS
 * CONFIG: the fields of gemmini_sim_config as text. MEMORY: the initial bytes of DRAM, mapped at
 * the address that COMMANDS begins with. COMMANDS: lines "funct rs1 rs2" in hexadecimal, or
 * "fence". The DRAM after the run goes to stdout, an error message to stderr.
 */
#include <gemmini/sim.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_or_exit(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    return file;
}

static gemmini_sim *create(const char *path) {
    gemmini_sim_config config;
    uint32_t fields[sizeof config / sizeof(uint32_t)];
    char message[256];
    FILE *file = open_or_exit(path);
    for (size_t n = 0; n < sizeof fields / sizeof fields[0]; n++)
        if (fscanf(file, "%" SCNu32, &fields[n]) != 1)
            exit(2);
    fclose(file);
    memcpy(&config, fields, sizeof config);
    gemmini_sim *sim = gemmini_sim_create(&config, message, sizeof message);
    if (sim == NULL) {
        fprintf(stderr, "%s\n", message);
        exit(2);
    }
    return sim;
}

static uint8_t *read_memory(const char *path, long *bytes) {
    FILE *file = open_or_exit(path);
    fseek(file, 0, SEEK_END);
    *bytes = ftell(file);
    rewind(file);
    /* Exactly as large as the map says: the address sanitizer sees every byte beyond. */
    uint8_t *memory = malloc((size_t)*bytes);
    if (memory == NULL || fread(memory, 1, (size_t)*bytes, file) != (size_t)*bytes)
        exit(2);
    fclose(file);
    return memory;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    long bytes;
    uint64_t base;
    char line[128];
    gemmini_sim *sim = create(argv[1]);
    uint8_t *memory = read_memory(argv[2], &bytes);
    FILE *commands = open_or_exit(argv[3]);
    if (fgets(line, sizeof line, commands) == NULL || sscanf(line, "%" SCNx64, &base) != 1 ||
        gemmini_sim_map(sim, base, memory, (uint64_t)bytes, 1) != GEMMINI_SIM_OK)
        return 2;
    while (fgets(line, sizeof line, commands) != NULL) {
        uint32_t funct;
        uint64_t rs1;
        uint64_t rs2;
        if (strncmp(line, "fence", 5) == 0)
            gemmini_sim_fence(sim);
        else if (sscanf(line, "%" SCNx32 " %" SCNx64 " %" SCNx64, &funct, &rs1, &rs2) == 3)
            gemmini_sim_command(sim, funct, rs1, rs2);
        else
            return 2;
    }
    fclose(commands);
    fwrite(memory, 1, (size_t)bytes, stdout);
    if (gemmini_sim_error(sim) != NULL)
        fprintf(stderr, "%s\n", gemmini_sim_error(sim));
    int status = gemmini_sim_error(sim) != NULL ? 1 : 0;
    gemmini_sim_destroy(sim);
    free(memory);
    return status;
}
