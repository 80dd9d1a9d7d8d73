#include <gemmini/program.h>

/* Read from the file by runners. */
extern const uint64_t gemmini_config_digest;
__attribute__((used)) const uint64_t gemmini_config_digest = GEMMINI_CONFIG_DIGEST;

void gemmini_program_start(const char *program, const char *config, uint64_t digest) {
    gemmini_print("gemmini-xdsl: ");
    gemmini_print(program);
    gemmini_print(", configuration ");
    gemmini_print(config);
    gemmini_print(" ");
    gemmini_print_hex(digest);
    gemmini_print("\n");
    if (digest != GEMMINI_CONFIG_DIGEST) {
        gemmini_print("error: the kernel was compiled for another Gemmini than " GEMMINI_CONFIG_NAME
                      " (");
        gemmini_print_hex(GEMMINI_CONFIG_DIGEST);
        gemmini_print("), which include/gemmini/config.h describes\n");
        gemmini_platform_exit(GEMMINI_STATUS_SETUP);
    }
}

static uint64_t random_word(uint64_t key, uint64_t index) {
    uint64_t word = key + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static int64_t random_integer(uint64_t word, unsigned bits) {
    return (int64_t)word >> (64 - bits) >> (word % 64 % (bits - 1));
}

void gemmini_fill(void *elements, size_t count, enum gemmini_element type, uint64_t key) {
    if (type == GEMMINI_ELEMENT_BOOL || type == GEMMINI_ELEMENT_INT8) {
        uint8_t mask = type == GEMMINI_ELEMENT_BOOL ? 1 : 0xff;
        uint8_t *bytes = elements;
        uint64_t word = 0;
        for (size_t k = 0; k < count; k++) {
            word = k % 8 == 0 ? random_word(key, k / 8) : word >> 8;
            bytes[k] = (uint8_t)word & mask;
        }
        return;
    }
    for (size_t k = 0; k < count; k++) {
        uint64_t word = random_word(key, k);
        switch (type) {
        case GEMMINI_ELEMENT_INT16:
            ((int16_t *)elements)[k] = (int16_t)random_integer(word, 16);
            break;
        case GEMMINI_ELEMENT_INT32:
            ((int32_t *)elements)[k] = (int32_t)random_integer(word, 32);
            break;
        case GEMMINI_ELEMENT_INT64:
            ((int64_t *)elements)[k] = random_integer(word, 64);
            break;
        case GEMMINI_ELEMENT_FLOAT32:
            ((float *)elements)[k] = (float)(int32_t)(word >> 32) * 0x1p-24f;
            break;
        default:
            ((double *)elements)[k] = (double)(int64_t)word * 0x1p-56;
            break;
        }
    }
}

uint32_t gemmini_crc32(const void *data, size_t bytes) {
    static uint32_t table[256];
    if (table[1] == 0)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t value = byte;
            for (int bit = 0; bit < 8; bit++)
                value = value >> 1 ^ (value & 1 ? UINT32_C(0xedb88320) : 0);
            table[byte] = value;
        }
    const uint8_t *next = data;
    uint32_t crc = UINT32_C(0xffffffff);
    for (size_t k = 0; k < bytes; k++)
        crc = crc >> 8 ^ table[(crc ^ next[k]) & 0xff];
    return ~crc;
}

void gemmini_print_program_cycles(const char *program, uint64_t cycles) {
    gemmini_print(program);
    gemmini_print(": ");
    gemmini_print_unsigned(cycles);
    gemmini_print(" cycles\n");
}

static void print_check(const char *name, const char *verdict) {
    gemmini_print("check ");
    gemmini_print(name);
    gemmini_print(": ");
    gemmini_print(verdict);
}

int gemmini_check_digest(const char *name, const void *data, size_t bytes, uint32_t expected) {
    uint32_t got = gemmini_crc32(data, bytes);
    if (got == expected) {
        print_check(name, "as expected\n");
        return 0;
    }
    print_check(name, "WRONG: digest ");
    gemmini_print_hex(got);
    gemmini_print(", expected ");
    gemmini_print_hex(expected);
    gemmini_print("\n");
    return 1;
}

static size_t element_bytes(enum gemmini_element type) {
    switch (type) {
    case GEMMINI_ELEMENT_BOOL:
    case GEMMINI_ELEMENT_INT8:
        return 1;
    case GEMMINI_ELEMENT_INT16:
        return 2;
    case GEMMINI_ELEMENT_INT32:
    case GEMMINI_ELEMENT_FLOAT32:
        return 4;
    default:
        return 8;
    }
}

/* Integers as their value, floating-point numbers as their encoding. */
static void print_element(const void *data, size_t index, enum gemmini_element type) {
    switch (type) {
    case GEMMINI_ELEMENT_BOOL:
        gemmini_print_unsigned(((const uint8_t *)data)[index]);
        break;
    case GEMMINI_ELEMENT_INT8:
        gemmini_print_decimal(((const int8_t *)data)[index]);
        break;
    case GEMMINI_ELEMENT_INT16:
        gemmini_print_decimal(((const int16_t *)data)[index]);
        break;
    case GEMMINI_ELEMENT_INT32:
        gemmini_print_decimal(((const int32_t *)data)[index]);
        break;
    case GEMMINI_ELEMENT_INT64:
        gemmini_print_decimal(((const int64_t *)data)[index]);
        break;
    case GEMMINI_ELEMENT_FLOAT32:
        gemmini_print_hex(((const uint32_t *)data)[index]);
        break;
    default:
        gemmini_print_hex(((const uint64_t *)data)[index]);
        break;
    }
}

int gemmini_check_elements(const char *name, const void *data, const void *expected, size_t count,
                           enum gemmini_element type) {
    const uint8_t *got = data;
    const uint8_t *wanted = expected;
    size_t bytes = element_bytes(type);
    size_t different = 0;
    size_t first = 0;
    for (size_t k = count; k-- != 0;)
        for (size_t byte = 0; byte < bytes; byte++)
            if (got[k * bytes + byte] != wanted[k * bytes + byte]) {
                different++;
                first = k;
                break;
            }
    if (different == 0) {
        print_check(name, "as expected\n");
        return 0;
    }
    print_check(name, "WRONG: ");
    gemmini_print_unsigned(different);
    gemmini_print(" of ");
    gemmini_print_unsigned(count);
    gemmini_print(" elements differ; the first is element ");
    gemmini_print_unsigned(first);
    gemmini_print(", which is ");
    print_element(data, first, type);
    gemmini_print(" instead of ");
    print_element(expected, first, type);
    gemmini_print("\n");
    return 1;
}

int gemmini_program_end(int failures) {
    gemmini_print(failures == 0 ? "PASS\n" : "FAIL\n");
    return failures == 0 ? GEMMINI_STATUS_PASS : GEMMINI_STATUS_WRONG_RESULT;
}
