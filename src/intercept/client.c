#include "intercept/client.h"

#include "base/cleanup.h"
#include "intercept/intern.h"
#include "intercept/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define WORD_MAGIC (UINT64_C(0xc10c) << 48)
#define WORD_MAGIC_MASK (UINT64_C(0xffff) << 48)
#define WORD_PENDING (UINT64_C(1) << 47)
#define WORD_MIXED (UINT64_C(1) << 46)
#define WORD_NUMBER UINT32_MAX
/* Of a pending word instead: the numbers before and after the exec, and what the process looked like before it. */
#define PENDING_BEFORE_SHIFT 31
#define PENDING_AFTER_SHIFT 16
#define PENDING_INDEX UINT64_C(0x7fff)
#define PENDING_LOOK UINT64_C(0xffff)

_Static_assert(INTERN_MAX <= PENDING_INDEX + 1, "a pending word has 15 bits for a number");

enum { OVERRIDES_MAX = 4096, OVERRIDES_SWEEP = 64, PROC_TEXT_MAX = 4096 };

/* A thread whose credentials differ from its process's word. */
struct override {
	pid_t tid, tgid;
	uint32_t index;
};

static struct {
	pthread_mutex_t lock;
	struct override overrides[OVERRIDES_MAX];
	size_t overrides_len, sweep_at; /* at so many, those of threads that have ended are looked for */
	atomic_bool any_own_root, any_user;
} clients = { .lock = PTHREAD_MUTEX_INITIALIZER, .sweep_at = OVERRIDES_SWEEP };

bool client_any_own_root(void)
{
	return atomic_load_explicit(&clients.any_own_root, memory_order_relaxed);
}

bool client_any_user(void)
{
	return atomic_load_explicit(&clients.any_user, memory_order_relaxed);
}

/*
 * A file of /proc, the outer one by a relative path, as text. Its length or negative errno. Nonblocking,
 * since the container's own /proc may be whatever it has put there.
 */
static ssize_t read_proc(const char *path, char text[static PROC_TEXT_MAX])
{
	autoclose int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, PROC_TEXT_MAX - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

int client_init(pid_t init)
{
	char text[STATUS_TEXT_MAX];
	struct cred root;
	ssize_t n = status_read(init, text);

	if (n < 0)
		return (int)n;
	cred_init_root(&root, status_number(text, "CapBnd", 16));
	root.permitted = status_number(text, "CapPrm", 16);
	root.effective = status_number(text, "CapEff", 16);
	root.inheritable = status_number(text, "CapInh", 16);
	root.ambient = status_number(text, "CapAmb", 16);
	root.umask = (uint16_t)status_number(text, "Umask", 8);
	/* The runtime keeps the capabilities over its change of user, and set that before there was a filter; exec clears it. */
	root.securebits = SECBIT_KEEP_CAPS;
	return intern_init(&root);
}

static int get_word(pid_t tid, uint64_t *ret)
{
	struct rlimit limit;

	if (prlimit(tid, RLIMIT_LOCKS, NULL, &limit) < 0)
		return -errno;
	*ret = limit.rlim_cur;
	return 0;
}

static int set_word(pid_t tid, uint64_t word)
{
	struct rlimit limit = { word, RLIM_INFINITY };

	return prlimit(tid, RLIMIT_LOCKS, &limit, NULL) < 0 ? -errno : 0;
}

static bool is_ours(uint64_t word)
{
	return (word & WORD_MAGIC_MASK) == WORD_MAGIC;
}

static bool is_pending(uint64_t word)
{
	return is_ours(word) && (word & WORD_PENDING);
}

/* The words that a pending one stands for. */
static uint64_t word_before(uint64_t word)
{
	return WORD_MAGIC | (word & WORD_MIXED) | (word >> PENDING_BEFORE_SHIFT & PENDING_INDEX);
}

static uint64_t word_after(uint64_t word)
{
	return WORD_MAGIC | (word >> PENDING_AFTER_SHIFT & PENDING_INDEX);
}

/*
 * What TID looks like, in 16 bits: its executable, and where its stack begins, which is another random place after each
 * exec, of the same file too. -ESRCH if it is gone.
 */
static int look_at_exe(pid_t tid)
{
	char path[32], text[PROC_TEXT_MAX], *p;
	uint64_t start_stack = 0, look;
	struct stat st;

	snprintf(path, sizeof(path), "%d/exe", (int)tid);
	if (stat(path, &st) < 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "%d/stat", (int)tid);
	if (read_proc(path, text) < 0)
		return -ESRCH;
	/* proc(5): startstack is field 28; the name, field 2, ends at the last parenthesis. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 28; field++)
		p = strchr(p + 1, ' ');
	if (p)
		start_stack = strtoull(p + 1, NULL, 10);
	look = (start_stack >> 4) + st.st_ino * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)st.st_dev;
	look *= UINT64_C(0xc2b2ae3d27d4eb4f);
	return (int)(look >> 48);
}

/* The word that TID, which carries the pending WORD, has in truth. */
static uint64_t resolve_pending(pid_t tid, uint64_t word)
{
	int look = look_at_exe(tid);

	if (look < 0)
		return word_before(word);
	word = (uint64_t)look == (word & PENDING_LOOK) ? word_before(word) : word_after(word);
	set_word(tid, word);
	return word;
}

static bool find_override(pid_t tid, uint32_t *ret)
{
	bool found = false;

	pthread_mutex_lock(&clients.lock);
	for (size_t i = 0; i < clients.overrides_len && !found; i++) {
		if (clients.overrides[i].tid != tid)
			continue;
		*ret = clients.overrides[i].index;
		found = true;
	}
	pthread_mutex_unlock(&clients.lock);
	return found;
}

/* The number of the set of TID, whose word is WORD; *RET_WORD is the word once it is resolved. */
static uint32_t index_of(pid_t tid, uint64_t word, uint64_t *ret_word)
{
	uint32_t index;

	if (is_pending(word))
		word = resolve_pending(tid, word);
	*ret_word = word;
	if (!is_ours(word))
		return 0;
	if ((word & WORD_MIXED) && find_override(tid, &index))
		return index;
	return (uint32_t)(word & WORD_NUMBER);
}

static const struct cred *cred_of_index(uint32_t index)
{
	const struct cred *c = intern_get(index);

	return c ? c : intern_get(0);
}

const struct cred *request_cred(struct request *r)
{
	uint64_t word = RLIM_INFINITY;

	if (r->cred)
		return r->cred;
	get_word(r->tid, &word);
	r->cred = cred_of_index(index_of(r->tid, word, &r->cred_word));
	return r->cred;
}

void request_done(struct request *r)
{
	intern_unref(r->cred);
	r->cred = NULL;
}

const struct cred *client_cred(pid_t tid)
{
	uint64_t word = RLIM_INFINITY, resolved;

	if (get_word(tid, &word) < 0)
		return NULL;
	return cred_of_index(index_of(tid, word, &resolved));
}

/* The word of a process by its number in the container. False if there is no such process. */
static bool get_word_inside(uint32_t pid, uint64_t *ret)
{
	static const char name[] = "Max file locks";
	char path[40], text[PROC_TEXT_MAX];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%u/limits", pid);
	if (read_proc(path, text) < 0)
		return false;
	at = strstr(text, name);
	/* "unlimited" reads as 0, which isn't ours. */
	*ret = at ? strtoull(at + sizeof(name) - 1, NULL, 10) : 0;
	return at;
}

const struct cred *client_cred_inside(uint32_t pid)
{
	uint64_t word;

	if (!get_word_inside(pid, &word))
		return NULL;
	/* Of an exec under way nothing more can be found out from here; nearly all succeed. */
	if (is_pending(word))
		word = word_after(word);
	return cred_of_index(is_ours(word) ? (uint32_t)(word & WORD_NUMBER) : 0);
}

/* Marks what the processes that the container's /proc lists carry. */
static bool mark_used(void *arg)
{
	autoclosedir DIR *dir = opendir("/proc");
	struct dirent *entry;

	(void)arg;
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);
		uint64_t word;

		if (pid == 0 || *end != '\0' || !get_word_inside((uint32_t)pid, &word) || !is_ours(word))
			continue;
		intern_mark((uint32_t)((is_pending(word) ? word_before(word) : word) & WORD_NUMBER));
		intern_mark((uint32_t)((is_pending(word) ? word_after(word) : word) & WORD_NUMBER));
	}
	pthread_mutex_lock(&clients.lock);
	for (size_t i = 0; i < clients.overrides_len; i++)
		intern_mark(clients.overrides[i].index);
	pthread_mutex_unlock(&clients.lock);
	return true;
}

static int add_cred(const struct cred *c, const struct cred **ret)
{
	int index;

	if (intern_wants_collection())
		intern_collect(mark_used, NULL);
	index = intern_add(c, ret);
	if (index >= 0 && c->own_root)
		atomic_store(&clients.any_own_root, true);
	if (index >= 0 && (c->uid[ID_EFFECTIVE] != 0 || c->gid[ID_EFFECTIVE] != 0))
		atomic_store(&clients.any_user, true);
	return index;
}

int client_admit(pid_t pid, const struct cred *c)
{
	const struct cred *interned;
	int index = add_cred(c, &interned), result;

	if (index < 0)
		return index;
	result = set_word(pid, WORD_MAGIC | (uint32_t)index);
	intern_unref(interned);
	return result;
}

/* How many threads the group of TID has. */
static size_t count_threads(pid_t tid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "%d/task", (int)tid);
	return stat(path, &st) < 0 || st.st_nlink < 3 ? 1 : st.st_nlink - 2;
}

/* Under the lock: forgets the overrides of threads that have ended, whose numbers may come again. */
static void sweep_overrides(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < clients.overrides_len; i++) {
		const struct override *o = &clients.overrides[i];
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "%d/task/%d", (int)o->tgid, (int)o->tid);
		if (stat(path, &st) == 0)
			clients.overrides[kept++] = *o;
	}
	clients.overrides_len = kept;
	clients.sweep_at = 2 * kept > OVERRIDES_SWEEP ? 2 * kept : OVERRIDES_SWEEP;
	if (clients.sweep_at > OVERRIDES_MAX)
		clients.sweep_at = OVERRIDES_MAX;
}

/* Under the lock: sets TID's override; false if the table is full. */
static bool put_override(pid_t tid, pid_t tgid, uint32_t index)
{
	for (size_t i = 0; i < clients.overrides_len; i++) {
		if (clients.overrides[i].tid == tid) {
			clients.overrides[i] = (struct override){ tid, tgid, index };
			return true;
		}
	}
	if (clients.overrides_len >= clients.sweep_at)
		sweep_overrides();
	if (clients.overrides_len == OVERRIDES_MAX)
		return false;
	clients.overrides[clients.overrides_len++] = (struct override){ tid, tgid, index };
	return true;
}

/* Under the lock: forgets the overrides of TGID's threads. */
static void drop_overrides(pid_t tgid)
{
	size_t kept = 0;

	for (size_t i = 0; i < clients.overrides_len; i++)
		if (clients.overrides[i].tgid != tgid)
			clients.overrides[kept++] = clients.overrides[i];
	clients.overrides_len = kept;
}

/* Under the lock: whether every thread of TGID has INDEX by an override. */
static bool all_threads_have(pid_t tgid, uint32_t index)
{
	char path[32];
	autoclosedir DIR *dir = NULL;
	struct dirent *entry;

	snprintf(path, sizeof(path), "%d/task", (int)tgid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		bool has = tid == 0;

		for (size_t i = 0; i < clients.overrides_len && !has; i++)
			has = clients.overrides[i].tid == tid && clients.overrides[i].index == index;
		if (!has)
			return false;
	}
	return true;
}

/*
 * One thread of several. glibc makes each thread of a process call in turn, so in the end all agree and
 * the process's word says it; a raw call leaves an override for its thread.
 */
static int set_thread_cred(struct request *r, uint32_t index)
{
	pid_t tgid = status_tgid(r->tid);
	uint64_t word = WORD_MAGIC;
	int result = -EAGAIN;

	if (tgid < 0)
		return -ESRCH;
	/* All under the lock: the threads of a process may call at the same time, and the last one decides. */
	pthread_mutex_lock(&clients.lock);
	get_word(r->tid, &word);
	if (!is_ours(word))
		word = WORD_MAGIC;
	if (put_override(r->tid, tgid, index)) {
		bool agree = all_threads_have(tgid, index);

		if (agree)
			drop_overrides(tgid);
		result = set_word(r->tid, agree ? (WORD_MAGIC | index) : (word | WORD_MIXED));
	}
	pthread_mutex_unlock(&clients.lock);
	return result;
}

int request_set_cred(struct request *r, const struct cred *c)
{
	const struct cred *interned;
	int index, result;

	request_cred(r);
	if (cred_equal(r->cred, c))
		return 0;
	index = add_cred(c, &interned);
	if (index < 0)
		return index;
	if (!request_is_alive(r))
		result = -ESRCH;
	else if (count_threads(r->tid) > 1)
		result = set_thread_cred(r, (uint32_t)index);
	else
		result = set_word(r->tid, WORD_MAGIC | (uint32_t)index);
	if (result < 0) {
		intern_unref(interned);
		return result;
	}
	intern_unref(r->cred);
	r->cred = interned;
	return 0;
}

int request_expect_exec(struct request *r, const struct cred *after)
{
	int look = look_at_exe(r->tid), index, result;
	const struct cred *interned;
	uint64_t word, before;

	if (look < 0)
		return look;
	request_cred(r);
	index = add_cred(after, &interned);
	if (index < 0)
		return index;
	before = is_ours(r->cred_word) ? r->cred_word & WORD_NUMBER : 0;
	word = WORD_MAGIC | WORD_PENDING | (r->cred_word & (is_ours(r->cred_word) ? WORD_MIXED : 0)) |
	       before << PENDING_BEFORE_SHIFT | (uint64_t)(uint32_t)index << PENDING_AFTER_SHIFT | (uint64_t)look;
	result = request_is_alive(r) ? set_word(r->tid, word) : -ESRCH;
	intern_unref(interned);
	return result;
}
