/*
 * A 64-bit ELF program of 80 bytes that sleeps until it is killed. The program header (56 bytes) begins at byte 24, inside the
 * ELF header (64 bytes): each field that Linux looks at in one is a field that it doesn't look at, or that fits, in the other.
 *
 *     gcc -c t.S && objcopy -O binary -j .text t.o t
 */
	.byte	0x7f, 0x45, 0x4c, 0x46	/* magic; run from byte 1: three prefixes without effect */
	.byte	0xb0, 34		/* mov $34, %al: pause (a new program has 0 in rax) */
	.byte	0x0f, 0x05		/* syscall */
	.quad	0			/* ABI and padding: nobody looks */
	.short	2, 62			/* an executable for x86-64 */
	.long	0			/* version: nobody looks */
	/* ELF header			   program header */
	.long	1			/* entry, low: byte 1	   type: PT_LOAD */
	.long	1			/* entry, high		   flags: executable */
	.quad	24			/* program header's place  the file's bytes from 24 on (so the whole page) */
	.quad	0x100000018		/* section headers: none   go to this address */
	.long	0			/* flags		   physical address: nobody looks */
	.short	0, 56			/* size, program header's  the same */
	.short	1, 0, 0, 0		/* one program header	   bytes in the file: 1, and with it the page */
	.quad	1			/*			   bytes in memory */
	.quad	0			/*			   alignment: none */
