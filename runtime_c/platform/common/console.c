/* Text output over gemmini_platform_write, a line at a time. */
#include <gemmini/platform.h>
#include <gemmini/rocc.h>

volatile struct gemmini_last_command gemmini_last_command;

static char line[256];
static size_t used;

void gemmini_print_flush(void) {
    if (used != 0) {
        size_t bytes = used;
        used = 0;
        gemmini_platform_write(line, bytes);
    }
}

static void print_character(char character) {
    line[used++] = character;
    if (character == '\n' || used == sizeof line)
        gemmini_print_flush();
}

void gemmini_print(const char *text) {
    while (*text != '\0')
        print_character(*text++);
}

static void print_number(uint64_t value, uint64_t base) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count != 0)
        print_character(digits[--count]);
}

void gemmini_print_unsigned(uint64_t value) {
    print_number(value, 10);
}

void gemmini_print_decimal(int64_t value) {
    if (value < 0)
        print_character('-');
    print_number(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

void gemmini_print_hex(uint64_t value) {
    gemmini_print("0x");
    print_number(value, 16);
}

void gemmini_print_watchdog(uint64_t pc, uint64_t cycles) {
    gemmini_print("watchdog: no end after ");
    gemmini_print_unsigned(cycles);
    gemmini_print(" cycles, at pc ");
    gemmini_print_hex(pc);
    if (gemmini_last_command.count != 0) {
        gemmini_print("; last command: number ");
        gemmini_print_unsigned(gemmini_last_command.count);
        gemmini_print(", funct ");
        gemmini_print_unsigned(gemmini_last_command.funct);
        gemmini_print(", rs1 ");
        gemmini_print_hex(gemmini_last_command.rs1);
        gemmini_print(", rs2 ");
        gemmini_print_hex(gemmini_last_command.rs2);
    } else {
        gemmini_print("; define GEMMINI_LAST_COMMAND to see the last command");
    }
    gemmini_print("\n");
}
