/*
 * Where a static program begins, before the C library's _start: all pages that it is about to write to are asked for at once.
 *
 * A static position-independent program relocates itself, which writes to each page of its tables, and each takes a
 * page fault of its own. One madvise(MADV_POPULATE_WRITE) (Linux 5.14; older ones refuse it, which is no harm) takes
 * a third of the time: of 16 pages 74 us instead of 188 where the tables of a virtual machine are shadowed. The same is
 * done for that part of the stack that every command uses. Nothing is relocated yet, so that this can't be C.
 */
#if defined(__x86_64__)

/* rdx is for the C library (the System V ABI, "Process Initialization"); 28: madvise, 23: MADV_POPULATE_WRITE. */
__asm__(".pushsection .text.cloche_entry, \"ax\", @progbits\n"
	".globl cloche_entry\n"
	".hidden __init_array_start\n"
	".hidden _edata\n"
	".type cloche_entry, @function\n"
	"cloche_entry:\n"
	"	endbr64\n"
	"	mov %rdx, %r12\n"
	"	lea __init_array_start(%rip), %rdi\n"
	"	and $-4096, %rdi\n"
	"	lea _edata(%rip), %rsi\n"
	"	sub %rdi, %rsi\n"
	"	mov $23, %edx\n"
	"	mov $28, %eax\n"
	"	syscall\n"
	"	lea -49152(%rsp), %rdi\n"
	"	and $-4096, %rdi\n"
	"	mov $49152, %esi\n"
	"	mov $23, %edx\n"
	"	mov $28, %eax\n"
	"	syscall\n"
	"	mov %r12, %rdx\n"
	"	jmp _start\n"
	".size cloche_entry, .-cloche_entry\n"
	".popsection\n");

#endif

/* A file without a declaration is no C. */
extern const char sys_entry_is_here;
const char sys_entry_is_here = 1;
