/* The functions that compilers call without being asked. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t bytes);
void *memmove(void *destination, const void *source, size_t bytes);
void *memset(void *destination, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

/* Compilers recognise these loops and would replace each by a call of itself. */
#if defined(__clang__)
#define NO_CALLS __attribute__((no_builtin))
#else
#define NO_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

NO_CALLS void *memcpy(void *restrict destination, const void *restrict source, size_t bytes) {
    unsigned char *to = destination;
    const unsigned char *from = source;
    if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0)
        for (; bytes >= 8; bytes -= 8, to += 8, from += 8)
            *(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
    while (bytes-- != 0)
        *to++ = *from++;
    return destination;
}

NO_CALLS void *memmove(void *destination, const void *source, size_t bytes) {
    unsigned char *to = destination;
    const unsigned char *from = source;
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(destination, source, bytes);
    while (bytes-- != 0)
        to[bytes] = from[bytes];
    return destination;
}

NO_CALLS void *memset(void *destination, int value, size_t bytes) {
    unsigned char *to = destination;
    while (bytes-- != 0)
        *to++ = (unsigned char)value;
    return destination;
}

NO_CALLS int memcmp(const void *left, const void *right, size_t bytes) {
    const unsigned char *a = left;
    const unsigned char *b = right;
    for (; bytes != 0; bytes--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}
