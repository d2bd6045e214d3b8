#include "cgroup/devices.h"

#include "base/cleanup.h"
#include "cgroup/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_all(const struct oci_device_rule *r)
{
	return !r->type || r->type[0] == 'a';
}

/*
 * What every container may do, whatever was said before: make any node, since opening it is another matter, and open those
 * of the default /dev, runc's list. NULL without memory; else *RET_LEN rules, of which only the array is the caller's.
 */
static struct oci_device_rule *with_defaults(const struct oci_device_rules *rules, size_t *ret_len)
{
	static char b[] = "b", c[] = "c", m[] = "m";
	static const struct {
		char *type;
		int64_t major, minor; /* -1: any */
		char *access;
	} defaults[] = {
		{ c, -1, -1, m },  { b, -1, -1, m },  { c, 1, 3, NULL },    { c, 1, 5, NULL },
		{ c, 1, 7, NULL }, { c, 1, 8, NULL }, { c, 1, 9, NULL },    { c, 5, 0, NULL },
		{ c, 5, 1, NULL }, { c, 5, 2, NULL }, { c, 136, -1, NULL },
	};
	struct oci_device_rule *all = calloc(rules->len + ARRAY_SIZE(defaults), sizeof(*all));

	if (!all)
		return NULL;
	memcpy(all, rules->items, rules->len * sizeof(*all));
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		all[rules->len + i] = (struct oci_device_rule){ .allow = true,
								.type = defaults[i].type,
								.has_major = true,
								.major = defaults[i].major,
								.has_minor = true,
								.minor = defaults[i].minor,
								.access = defaults[i].access };
	*ret_len = rules->len + ARRAY_SIZE(defaults);
	return all;
}

/* --- version 1: cgroup-v1/devices.rst --- */

static void format_number(bool has, int64_t value, char dst[static 24])
{
	/* -1 is "any" to those who write JSON without leaving things out. */
	if (has && value >= 0)
		snprintf(dst, 24, "%" PRId64, value);
	else
		snprintf(dst, 24, "*");
}

int cgroup_set_devices_v1(const struct cgroup *g, const struct oci_device_rules *rules, struct err *err)
{
	const struct cgroup_dir *d = cgroup_with(g, "devices");
	size_t len = 0;
	autofree struct oci_device_rule *all = with_defaults(rules, &len);

	if (!all)
		return err_oom(err);
	for (size_t i = 0; d && i < len; i++) {
		const struct oci_device_rule *rule = &all[i];
		const char *file = rule->allow ? "devices.allow" : "devices.deny";
		char text[96], major[24], minor[24];
		int r;

		format_number(rule->has_major, rule->major, major);
		format_number(rule->has_minor, rule->minor, minor);
		if (is_all(rule))
			snprintf(text, sizeof(text), "a");
		else
			snprintf(text, sizeof(text), "%s %s:%s %s", rule->type, major, minor,
				 rule->access ? rule->access : "rwm");
		r = cgroup_put(d->path, file, text);
		if (r < 0)
			return err_errno(err, -r, "control group: write '%s' to '%s/%s'", text, d->path, file);
	}
	return 0;
}

/* --- version 2: a program of type BPF_PROG_TYPE_CGROUP_DEVICE --- */

/* Registers: 1 the context, then scratch; 2 type, 3 access, 4 major, 5 minor. */
enum { TYPE = 2, ACCESS = 3, MAJOR = 4, MINOR = 5, INSTRUCTIONS_A_RULE = 10 };

static struct bpf_insn load_word(int to, int offset)
{
	return (struct bpf_insn){
		.code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = to & 15, .src_reg = 1, .off = (short)offset
	};
}

static struct bpf_insn alu(int op, int reg, int value)
{
	return (struct bpf_insn){ .code = (unsigned char)(BPF_ALU | op | BPF_K), .dst_reg = reg & 15, .imm = value };
}

static struct bpf_insn move(int to, int from)
{
	return (struct bpf_insn){ .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = to & 15, .src_reg = from & 15 };
}

static struct bpf_insn jump(int op, int reg, int value)
{
	return (struct bpf_insn){ .code = (unsigned char)(BPF_JMP | op | BPF_K), .dst_reg = reg & 15, .imm = value };
}

static int access_bits(const char *access)
{
	if (!access || !*access)
		return BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
	return (strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0) | (strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0);
}

/* Appends "if it matches return ALLOW"; the conditions' jumps lead behind it. */
static size_t add_rule(const struct oci_device_rule *rule, struct bpf_insn *program)
{
	int bits = access_bits(rule->access), all = access_bits(NULL);
	size_t n = 0, conditions[4], count = 0;

	if (!is_all(rule)) {
		conditions[count++] = n;
		program[n++] = jump(BPF_JNE, TYPE, rule->type[0] == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
		if (rule->has_major && rule->major >= 0) {
			conditions[count++] = n;
			program[n++] = jump(BPF_JNE, MAJOR, (int)rule->major);
		}
		if (rule->has_minor && rule->minor >= 0) {
			conditions[count++] = n;
			program[n++] = jump(BPF_JNE, MINOR, (int)rule->minor);
		}
	}
	/* What is allowed has to be so for all that is asked; what is denied, for any of it. */
	if (bits != all) {
		program[n++] = move(1, ACCESS);
		program[n++] = alu(BPF_AND, 1, rule->allow ? all & ~bits : bits);
		conditions[count++] = n;
		program[n++] = jump(rule->allow ? BPF_JNE : BPF_JEQ, 1, 0);
	}
	program[n++] = alu(BPF_MOV, 0, rule->allow);
	program[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	for (size_t i = 0; i < count; i++)
		program[conditions[i]].off = (short)(n - conditions[i] - 1);
	return n;
}

int cgroup_device_program(const struct oci_device_rules *rules, struct bpf_insn *program)
{
	size_t n = 0;

	if (rules->len > DEVICE_RULES_MAX)
		return -E2BIG;
	_Static_assert(DEVICE_RULES_MAX * INSTRUCTIONS_A_RULE + 16 <= DEVICE_PROGRAM_MAX, "room for all rules");
	program[n++] = load_word(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	program[n++] = move(ACCESS, TYPE);
	program[n++] = alu(BPF_AND, TYPE, 0xffff);
	program[n++] = alu(BPF_RSH, ACCESS, 16);
	program[n++] = load_word(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	program[n++] = load_word(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = rules->len; i-- > 0;) {
		n += add_rule(&rules->items[i], program + n);
		/* A rule for everything leaves nothing to those before it, and the kernel refuses code that is never reached. */
		if (is_all(&rules->items[i]) && access_bits(rules->items[i].access) == access_bits(NULL))
			return (int)n;
	}
	program[n++] = alu(BPF_MOV, 0, 0);
	program[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return (int)n;
}

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

int cgroup_set_devices_v2(const char *path, const struct oci_device_rules *rules, struct err *err)
{
	static const char license[] = "Apache-2.0";
	autofree struct bpf_insn *program = NULL;
	autoclose int group = -1, fd = -1;
	union bpf_attr attr = { 0 };
	struct oci_device_rules all = { 0 };
	autofree struct oci_device_rule *items = NULL;
	int n;

	if (!rules->len)
		return 0;
	items = all.items = with_defaults(rules, &all.len);
	program = calloc(DEVICE_PROGRAM_MAX, sizeof(*program));
	if (!program || !items)
		return err_oom(err);
	n = cgroup_device_program(&all, program);
	if (n < 0)
		return err_set(err, -n, "more than %d rules for devices", DEVICE_RULES_MAX);
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = (unsigned)n;
	attr.license = (uintptr_t)license;
	fd = bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		return err_errno(err, errno, "load the rules for devices");
	group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return err_errno(err, errno, "open the control group '%s'", path);
	attr = (union bpf_attr){ 0 };
	attr.target_fd = (unsigned)group;
	attr.attach_bpf_fd = (unsigned)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* Rules further up go on counting: each of several programs has to allow it. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		return err_errno(err, errno, "put the rules for devices on the control group '%s'", path);
	return 0;
}
