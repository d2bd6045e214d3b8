/* A program that needs nothing but a kernel: no C library, two system calls, write and exit_group. */
static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}

void _start(void)
{
	static const char text[] = "Hello from under the glass bell.\n";

	call(1, 1, (long)text, sizeof(text) - 1);
	call(231, 0, 0, 0);
}
