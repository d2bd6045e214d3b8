/*
 * Makes one system call, and prints what the kernel returned: probe_call [32|x32] NUMBER [ARGUMENT...]. An argument "@" is the
 * address of some zeroed memory. "32" goes by the door of 32-bit programs, "x32" sets the bit of that architecture.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static long call_64(const long *a)
{
	long r;
	register long a4 __asm__("r10") = a[4], a5 __asm__("r8") = a[5], a6 __asm__("r9") = a[6];

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(a[0]), "D"(a[1]), "S"(a[2]), "d"(a[3]), "r"(a4), "r"(a5), "r"(a6)
			 : "rcx", "r11", "memory");
	return r;
}

static long call_32(const long *a)
{
	int r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"((int)a[0]), "b"(a[1]), "c"(a[2]), "d"(a[3]), "S"(a[4]), "D"(a[5])
			 : "r8", "r9", "r10", "r11", "memory");
	return r;
}

int main(int argc, char **argv)
{
	int first = argc > 1 && (strcmp(argv[1], "32") == 0 || strcmp(argv[1], "x32") == 0) ? 2 : 1;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long a[7] = { 0 };

	if (argc <= first || memory == MAP_FAILED)
		return 125;
	for (int i = first; i < argc && i < first + 7; i++)
		a[i - first] = strcmp(argv[i], "@") == 0 ? (long)memory : strtol(argv[i], NULL, 0);
	if (strcmp(argv[1], "x32") == 0)
		a[0] |= 0x40000000;
	printf("%ld\n", strcmp(argv[1], "32") == 0 ? call_32(a) : call_64(a));
	return 0;
}
