/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest guest: a boot sector that answers what vmunit asks of a guest.
 *
 * It says so on COM1 when it has started, marks its disk (sector 1), powers off when the power button is pressed
 * (the ACPI fixed hardware of q35 and pc), and echoes what is typed on COM1. A few control characters make it do what
 * guests do:
 *
 *      ^R resets    ^P powers off    ^K panics (isa-pvpanic)    ^S sleeps (S3); when it wakes it starts anew
 *
 * A byte at MODE, which ./bootsector sets, makes variants of it:
 *
 *      n  as above        d  deaf: ignores the power button
 *      r  resets itself once, right after its first start, then as n
 *      p  powers itself off right after its start
 *
 * Real mode, loaded by the firmware at 0x7c00. The processor sleeps between the ticks of the firmware's timer, 18 a
 * second: a guest that is waiting costs nothing.
 */

        .code16
        .globl  _start

        .set    COM1, 0x3f8
        .set    PWRBTN, 0x100                   /* of PM1_STS and PM1_EN */
        .set    SLP_EN, 0x2000                  /* of PM1_CNT, with sleep type 0, which is S5 here */
        .set    SLP_S3, 0x2400                  /* the same with sleep type 1 */
        .set    CMOS_SEEN, 0x7f                 /* a byte of CMOS: survives a reset, but not QEMU's end */

_start:
        jmp     begin
        .org    _start + 4
mode:   .byte   'n'                             /* MODE is offset 4 */

begin:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        cld
        movb    %dl, drive

        /* COM1: 115200 8N1, FIFO on. */
        movw    $COM1 + 3, %dx
        movb    $0x80, %al
        outb    %al, %dx
        movw    $COM1, %dx
        movb    $1, %al
        outb    %al, %dx
        incw    %dx
        xorb    %al, %al
        outb    %al, %dx
        incw    %dx
        incw    %dx
        movb    $3, %al
        outb    %al, %dx
        decw    %dx
        movb    $1, %al
        outb    %al, %dx

        /* The ACPI ports: register 0x40 of q35's 00:1f.0, or of pc's 00:01.3. */
        movl    $0x8000f800, %eax
        call    pci_read
        cmpw    $0x8086, %ax
        movl    $0x8000f840, %eax
        je      1f
        movl    $0x80000b40, %eax
1:      call    pci_read
        andw    $0xff80, %ax
        movw    %ax, pm_base

        /* The button's status is kept only while its event is enabled. */
        movw    %ax, %dx
        incw    %dx
        incw    %dx
        movw    $PWRBTN, %ax
        outw    %ax, %dx

        /* Mark the disk; one that cannot be written stays as it is. Whoever sees the mark may press the button. */
        sti
        movw    $packet, %si
        movb    drive, %dl
        movw    $0x4300, %ax
        int     $0x13
        cli

        movw    $hello, %si
        call    print

        movb    mode, %al
        cmpb    $'p', %al
        je      power_off
        cmpb    $'r', %al
        jne     wait
        movb    $CMOS_SEEN, %al
        outb    %al, $0x70
        inb     $0x71, %al
        cmpb    $1, %al
        je      wait
        movb    $1, %al
        outb    %al, $0x71
        jmp     reset

wait:
        sti
        hlt
        cli
1:      movw    $COM1 + 5, %dx
        inb     %dx, %al
        testb   $1, %al
        jz      2f
        movw    $COM1, %dx
        inb     %dx, %al
        cmpb    $'R' - 64, %al
        je      reset
        cmpb    $'P' - 64, %al
        je      power_off
        cmpb    $'K' - 64, %al
        je      panic
        cmpb    $'S' - 64, %al
        je      suspend
        call    put
        jmp     1b

2:      movw    pm_base, %dx
        inw     %dx, %ax
        testw   $PWRBTN, %ax
        jz      wait
        movw    $PWRBTN, %ax                    /* written back, the status is cleared */
        outw    %ax, %dx
        cmpb    $'d', mode
        movw    $ignored, %si
        je      say
        movw    $bye, %si
        call    print

power_off:
        movw    $SLP_EN, %ax
        jmp     1f
suspend:
        movw    $SLP_S3, %ax
1:      movw    pm_base, %dx
        addw    $4, %dx
        outw    %ax, %dx
        jmp     wait

say:    call    print
        jmp     wait

reset:
        movw    $0xcf9, %dx
        movb    $6, %al
        outb    %al, %dx
1:      hlt
        jmp     1b

panic:
        movw    $0x505, %dx
        movb    $1, %al
        outb    %al, %dx
        jmp     wait

/* eax: a PCI configuration address; returns what is there. */
pci_read:
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        inl     %dx, %eax
        ret

/* si: a text that ends with 0. */
print:
        lodsb
        testb   %al, %al
        jz      1f
        call    put
        jmp     print
1:      ret

/* al: a character; a carriage return is completed. */
put:
        movb    %al, %ah
        movw    $COM1 + 5, %dx
1:      inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        movw    $COM1, %dx
        movb    %ah, %al
        outb    %al, %dx
        cmpb    $'\r', %al
        movb    $'\n', %al
        je      put
        ret

hello:  .asciz  "bootsector: started\r"
bye:    .asciz  "bootsector: power button\r"
ignored:.asciz  "bootsector: ignored\r"

/* Writes `mark` to sector 1. */
        .balign 4
packet: .byte   16, 0
        .word   1                               /* sectors */
        .word   mark, 0                         /* offset, segment */
        .quad   1                               /* from this one */

drive:  .byte   0
pm_base:.word   0
mark:   .ascii  "bootsector was here\n"

        .org    _start + 510
        .word   0xaa55
