/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A firmware that is a guest by itself: it turns the machine (q35) off when the power button is pressed, and sleeps until then. So a
 * guest costs no time to boot. It is the last 256 bytes of a flash, whose last 64 KiB the processor sees as segment F000.
 */

        .code16
        .globl  _start

        .set    OFFSET, 0xff00                  /* of _start in the segment */
        .set    PCI_ADDRESS, 0xcf8
        .set    PCI_DATA, 0xcfc
        .set    LPC, 0x8000f800                 /* the configuration of device 00:1f.0 */
        .set    PM1_STS, 0x600
        .set    POWER_BUTTON, 0x100

_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ss
        movw    $0x7000, %sp

        /* Data is all memory, for the registers of the local APIC: it passes on what the interrupt controllers of the PC say. */
        lgdtl   %cs:OFFSET + table - _start
        movl    %cr0, %eax
        incw    %ax
        movl    %eax, %cr0
        movw    $8, %bx
        movw    %bx, %ds
        decw    %ax
        movl    %eax, %cr0
        movl    $0xfee00350, %ebx
        movl    $0x700, (%ebx)

        /* One that came before is asked for again. The timer's wakes it as well. */
        movb    $0xff, %al
        outb    %al, $0xa1
        outb    %al, $0x21
        xorb    %al, %al
        outb    %al, $0xa1
        outb    %al, $0x21
        movw    $16, %cx
        xorw    %bx, %bx
vector: movw    $(OFFSET + handler - _start), (%bx)
        movw    $0xf000, 2(%bx)
        addw    $4, %bx
        loop    vector

        /* The registers of the power management: where, and that they are there. */
        movl    $(LPC + 0x40), %eax
        movl    $(PM1_STS + 1), %ecx
        call    configure
        movl    $(LPC + 0x44), %eax
        movl    $0x80, %ecx
        call    configure
        movw    $(PM1_STS + 2), %dx
        movw    $POWER_BUTTON, %ax
        outw    %ax, %dx

sleep:  sti
        hlt
        cli
        movw    $PM1_STS, %dx
        inw     %dx, %ax
        testw   $POWER_BUTTON, %ax
        jz      sleep
        movw    $(PM1_STS + 4), %dx
        movw    $0x2000, %ax                    /* to S5 */
        outw    %ax, %dx
off:    hlt
        jmp     off

configure:
        movw    $PCI_ADDRESS, %dx
        outl    %eax, %dx
        movl    %ecx, %eax
        movw    $PCI_DATA, %dx
        outl    %eax, %dx
        ret

handler:
        pushw   %ax
        movb    $0x20, %al
        outb    %al, $0xa0
        outb    %al, $0x20
        popw    %ax
        iret

        .balign 8
segments:
        .quad   0
        .quad   0x00cf93000000ffff
table:  .word   15
        .long   0xffff0000 + OFFSET + segments - _start

        .org    _start + 0xf0
        jmp     _start
        .org    _start + 0x100
