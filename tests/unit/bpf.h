/* A small interpreter of the BPF that seccomp takes, to ask a filter what it would answer. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bpf_machine {
	const struct sock_filter *code;
	size_t len, at, executed;
	uint32_t a;
	bool bad; /* the kernel would not have taken it */
};

static inline bool bpf_jump(struct bpf_machine *m, const struct sock_filter *i)
{
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		m->at += i->k;
		return true;
	case BPF_JEQ:
		m->at += m->a == i->k ? i->jt : i->jf;
		return true;
	case BPF_JGT:
		m->at += m->a > i->k ? i->jt : i->jf;
		return true;
	case BPF_JGE:
		m->at += m->a >= i->k ? i->jt : i->jf;
		return true;
	case BPF_JSET:
		m->at += m->a & i->k ? i->jt : i->jf;
		return true;
	}
	return false;
}

/* The answer to DATA; sets m->bad where the program leaves its bounds or has an instruction seccomp has not. */
static inline uint32_t bpf_run(struct bpf_machine *m, const struct seccomp_data *data)
{
	for (m->at = 0; m->at < m->len; m->executed++) {
		const struct sock_filter *i = &m->code[m->at++];

		if (i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k % 4 == 0 && i->k + 4 <= sizeof(*data)) {
			memcpy(&m->a, (const char *)data + i->k, 4);
		} else if (i->code == (BPF_ALU | BPF_AND | BPF_K)) {
			m->a &= i->k;
		} else if (i->code == (BPF_RET | BPF_K)) {
			return i->k;
		} else if (BPF_CLASS(i->code) != BPF_JMP || !bpf_jump(m, i)) {
			break;
		}
	}
	m->bad = true;
	return 0;
}
