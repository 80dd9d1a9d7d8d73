/* Entry of a statically linked Linux program without a C library. */
    .file "start.S"
    .text
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    andi sp, sp, -16
    call gemmini_linux_start
