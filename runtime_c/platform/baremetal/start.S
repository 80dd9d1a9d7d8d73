/* Start-up and trap entry of a bare-metal program in machine mode on one hart. */

#define MSTATUS_FS_INITIAL 0x2000
#define MSTATUS_XS_INITIAL 0x8000
#define FRAME_BYTES        128

    .file "start.S"
    .section .text.start, "ax"
    .globl gemmini_start
gemmini_start:
    csrr t0, mhartid
    bnez t0, park
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, __stack_end
    la t0, trap_entry
    csrw mtvec, t0
    csrw mie, zero
    /* Without XS every command is an illegal instruction, without FS so is floating point. */
    li t0, MSTATUS_FS_INITIAL | MSTATUS_XS_INITIAL
    csrs mstatus, t0
    csrw fcsr, zero
    la t0, __bss_start
    la t1, __bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  call main
    call gemmini_platform_exit

park:
    wfi
    j park

    /* The handler may return (a timer interrupt before the deadline), so all registers that it
     * may change are kept. Floating-point registers are not: the handler uses none. */
    .section .text
    .balign 4
trap_entry:
    addi sp, sp, -FRAME_BYTES
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    sd t2, 24(sp)
    sd t3, 32(sp)
    sd t4, 40(sp)
    sd t5, 48(sp)
    sd t6, 56(sp)
    sd a0, 64(sp)
    sd a1, 72(sp)
    sd a2, 80(sp)
    sd a3, 88(sp)
    sd a4, 96(sp)
    sd a5, 104(sp)
    sd a6, 112(sp)
    sd a7, 120(sp)
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call gemmini_trap
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    ld t2, 24(sp)
    ld t3, 32(sp)
    ld t4, 40(sp)
    ld t5, 48(sp)
    ld t6, 56(sp)
    ld a0, 64(sp)
    ld a1, 72(sp)
    ld a2, 80(sp)
    ld a3, 88(sp)
    ld a4, 96(sp)
    ld a5, 104(sp)
    ld a6, 112(sp)
    ld a7, 120(sp)
    addi sp, sp, FRAME_BYTES
    mret
