/* Runs when cloche is built: the default profile as BPF and as JSON, in C. */
#include "base/cleanup.h"
#include "runtime/default_caps.h"
#include "runtime/profile.h"
#include "runtime/seccomp_default.h"

#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>

static void print_filter(const struct sock_filter *filter, size_t len)
{
	printf("static const struct sock_filter default_filter[] = {\n");
	for (size_t i = 0; i < len; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", filter[i].code, filter[i].jt, filter[i].jf, filter[i].k);
	printf("};\n");
}

static void print_text(const char *s)
{
	int column = 0;

	printf("static const char default_json[] =\n\t\"");
	for (; *s; s++, column++) {
		if (column >= 100) {
			printf("\"\n\t\"");
			column = 0;
		}
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	}
	printf("\";\n");
}

int main(void)
{
	CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
	autobuf struct buf json = BUF_INIT(1 << 20);
	autofree struct sock_filter *filter = NULL;
	struct err err = { 0 };
	size_t len;
	int r = seccomp_default_profile(DEFAULT_CAPS, &profile, &err);

	if (r == 0)
		r = profile_compile(&profile, &filter, &len, &err);
	if (r == 0)
		r = oci_seccomp_write(&profile, &json, &err);
	if (r < 0) {
		err_print(stderr, &err);
		return 1;
	}
	print_filter(filter, len);
	print_text(buf_str(&json));
	return 0;
}
