/*
 * System V IPC: whose the segments, semaphores and queues are. To the kernel all are root's; who made one, and whom it
 * was given to, stands in a table here. We answer these calls in the caller's IPC namespace, joined for each call:
 * there are few of them.
 */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/handlers.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct msqid_ds on 64-bit machines. The C library's sys/msg.h declares it, which here is a header of ours. */
enum { MSQID_DS_SIZE = 120 };

enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG };

/* Owners of what isn't root's. When all are taken, the oldest gives way. */
enum { OBJECTS_MAX = 4096 };

struct object {
	uint64_t namespace; /* its inode; 0: free */
	enum ipc_kind kind;
	int id;
	uint32_t uid, gid, creator_uid, creator_gid;
	uint64_t age;
};

static struct {
	pthread_mutex_t lock;
	struct object items[OBJECTS_MAX];
	size_t len;
	uint64_t clock;
} objects = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Under the lock: that object, or NULL. */
static struct object *find_object(uint64_t namespace, enum ipc_kind kind, int id)
{
	for (size_t i = 0; i < objects.len; i++) {
		struct object *o = &objects.items[i];

		if (o->namespace == namespace && o->kind == kind && o->id == id)
			return o;
	}
	return NULL;
}

static struct object *oldest_object(void)
{
	struct object *oldest = &objects.items[0];

	for (size_t i = 1; i < objects.len; i++)
		if (objects.items[i].age < oldest->age)
			oldest = &objects.items[i];
	return oldest;
}

/* What is known of an object: root's, if nothing. */
static struct object get_object(uint64_t namespace, enum ipc_kind kind, int id)
{
	const struct object *found;
	struct object o = { .namespace = namespace, .kind = kind, .id = id };

	pthread_mutex_lock(&objects.lock);
	found = find_object(namespace, kind, id);
	if (found)
		o = *found;
	pthread_mutex_unlock(&objects.lock);
	return o;
}

static void put_object(const struct object *o)
{
	struct object *to;

	pthread_mutex_lock(&objects.lock);
	to = find_object(o->namespace, o->kind, o->id);
	if (!to)
		to = objects.len < OBJECTS_MAX ? &objects.items[objects.len++] : oldest_object();
	*to = *o;
	to->age = ++objects.clock;
	pthread_mutex_unlock(&objects.lock);
}

/* Joins the caller's IPC namespace, and says which it is. 0 or negative errno. */
static int enter_namespace(const struct request *r, uint64_t *ret)
{
	char path[FD_PATH_MAX];
	autoclose int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "%d/ns/ipc", (int)r->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!request_is_alive(r))
		return -ESRCH;
	/* Shared with the host, it is none that we have a right to: then it is the kernel's alone. */
	if (setns(fd, CLONE_NEWIPC) < 0)
		return -errno;
	*ret = st.st_ino;
	return 0;
}

/* Makes an object for a user, who is then its owner; one that is there already is the kernel's business. FLAGS are argument FLAGS_AT. */
static int get_for_user(struct request *r, enum ipc_kind kind, int flags_at)
{
	const struct cred *c = request_cred(r);
	int flags = arg_int(r, flags_at);
	bool is_private = arg_int(r, 0) == IPC_PRIVATE;
	struct object o = { .kind = kind };
	uint64_t args[3] = { r->args[0], r->args[1], r->args[2] };
	int result;

	if (cred_makes_root_files(c) || (!is_private && !(flags & IPC_CREAT)))
		return ANSWER_CONTINUE;
	if (enter_namespace(r, &o.namespace) < 0)
		return ANSWER_CONTINUE;
	args[flags_at] = (uint64_t)(flags | (is_private ? 0 : IPC_EXCL));
	o.id = (int)syscall(r->nr, args[0], args[1], args[2]);
	if (o.id < 0)
		return ANSWER_CONTINUE;
	o.uid = o.creator_uid = c->uid[ID_EFFECTIVE];
	o.gid = o.creator_gid = c->gid[ID_EFFECTIVE];
	put_object(&o);
	result = request_may_answer(r) ? 0 : -ESRCH;
	r->value = o.id;
	return result;
}

int do_shmget(struct request *r)
{
	return get_for_user(r, IPC_SHM, 2);
}

int do_semget(struct request *r)
{
	return get_for_user(r, IPC_SEM, 2);
}

int do_msgget(struct request *r)
{
	return get_for_user(r, IPC_MSG, 1);
}

/* One of the control calls, as far as they differ. All their structures begin with the permissions. */
struct control {
	struct request *request;
	enum ipc_kind kind;
	int id, command;
	uint64_t address;
	size_t size;
	union {
		struct ipc_perm perm;
		struct shmid_ds shm;
		struct semid_ds sem;
		uint8_t msg[MSQID_DS_SIZE];
	} data;
};

static int control(struct control *c, int command)
{
	switch (c->kind) {
	case IPC_SHM:
		return shmctl(c->id, command, &c->data.shm);
	case IPC_SEM:
		return (int)syscall(SYS_semctl, c->id, 0, command, &c->data.sem);
	default:
		return (int)syscall(SYS_msgctl, c->id, command, c->data.msg);
	}
}

static int set_owner(struct control *c, uint64_t namespace)
{
	const struct cred *cred = request_cred(c->request);
	struct object o = get_object(namespace, c->kind, c->id);

	if (request_read(c->request, c->address, &c->data, c->size) < 0)
		return -EFAULT;
	if (!cred_can(cred, CAP_SYS_ADMIN) && cred->uid[ID_EFFECTIVE] != o.uid &&
	    cred->uid[ID_EFFECTIVE] != o.creator_uid)
		return -EPERM;
	o.uid = c->data.perm.uid;
	o.gid = c->data.perm.gid;
	if (o.uid == CRED_KEEP || o.gid == CRED_KEEP)
		return -EINVAL;
	c->data.perm.uid = c->data.perm.gid = 0;
	if (control(c, IPC_SET) < 0)
		return -errno;
	put_object(&o);
	return 0;
}

/* IPC_STAT, and its relatives, which take an index and return the number. */
static int show_owner(struct control *c, uint64_t namespace)
{
	int result = control(c, c->command);
	struct object o;

	if (result < 0)
		return ANSWER_CONTINUE;
	o = get_object(namespace, c->kind, c->command == IPC_STAT ? c->id : result);
	c->data.perm.uid = o.uid;
	c->data.perm.gid = o.gid;
	c->data.perm.cuid = o.creator_uid;
	c->data.perm.cgid = o.creator_gid;
	if (request_write(c->request, c->address, &c->data, c->size) < 0)
		return -EFAULT;
	c->request->value = result;
	return 0;
}

static int answer_control(struct control *c)
{
	uint64_t namespace;

	if (enter_namespace(c->request, &namespace) < 0)
		return ANSWER_CONTINUE;
	return c->command == IPC_SET ? set_owner(c, namespace) : show_owner(c, namespace);
}

int do_shmctl(struct request *r)
{
	struct control c = { r, IPC_SHM, arg_int(r, 0), arg_int(r, 1), r->args[2], sizeof(struct shmid_ds), { { 0 } } };

	return answer_control(&c);
}

int do_semctl(struct request *r)
{
	struct control c = { r, IPC_SEM, arg_int(r, 0), arg_int(r, 2), r->args[3], sizeof(struct semid_ds), { { 0 } } };

	return answer_control(&c);
}

int do_msgctl(struct request *r)
{
	struct control c = { r, IPC_MSG, arg_int(r, 0), arg_int(r, 1), r->args[2], MSQID_DS_SIZE, { { 0 } } };

	return answer_control(&c);
}
