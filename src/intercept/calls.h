/*
 * Which system calls are intercepted where one id is mapped, from which level on, and under which
 * condition on their arguments. This one table makes the filter (filter.c) and the dispatch of the
 * supervisor (dispatch.c); docs/id-emulation.md says how to add a call.
 *
 *     CALL(name, level, condition, handler)
 *
 * The condition is what a seccomp filter can decide: numbers in registers, not what a pointer points to.
 * What it lets through costs nothing.
 */
#pragma once

/* Calls that only older architectures have. */
#ifdef __NR_open
#define INTERCEPT_CALLS_LEGACY(CALL)                                                                                   \
	CALL(chown, LEVEL_WRITE, COND_ALWAYS, do_chown)                                                                \
	CALL(lchown, LEVEL_WRITE, COND_ALWAYS, do_lchown)                                                              \
	CALL(mknod, LEVEL_WRITE, COND_ALWAYS, do_mknod)                                                                \
	CALL(mkdir, LEVEL_WRITE, COND_ALWAYS, do_mkdir)                                                                \
	CALL(symlink, LEVEL_WRITE, COND_ALWAYS, do_symlink)                                                            \
	CALL(open, LEVEL_WRITE, COND_OPEN, do_open)                                                                    \
	CALL(creat, LEVEL_WRITE, COND_ALWAYS, do_creat)                                                                \
	CALL(getrlimit, LEVEL_WRITE, COND_LIMIT_LOCKS, do_getrlimit)                                                   \
	CALL(setrlimit, LEVEL_WRITE, COND_LIMIT_LOCKS, do_setrlimit)                                                   \
	CALL(stat, LEVEL_READ, COND_ALWAYS, do_stat)                                                                   \
	CALL(lstat, LEVEL_READ, COND_ALWAYS, do_lstat)                                                                 \
	CALL(access, LEVEL_ACCESS, COND_ALWAYS, do_access)                                                             \
	CALL(unlink, LEVEL_ACCESS, COND_ALWAYS, do_unlink)                                                             \
	CALL(rmdir, LEVEL_ACCESS, COND_ALWAYS, do_unlink)                                                              \
	CALL(rename, LEVEL_ACCESS, COND_ALWAYS, do_rename)                                                             \
	CALL(link, LEVEL_ACCESS, COND_ALWAYS, do_link)                                                                 \
	CALL(chmod, LEVEL_ACCESS, COND_ALWAYS, do_chmod)                                                               \
	CALL(utime, LEVEL_ACCESS, COND_ALWAYS, do_utime)                                                               \
	CALL(utimes, LEVEL_ACCESS, COND_ALWAYS, do_utime)                                                              \
	CALL(futimesat, LEVEL_ACCESS, COND_ALWAYS, do_futimesat)
#else
#define INTERCEPT_CALLS_LEGACY(CALL)
#endif

#define INTERCEPT_CALLS(CALL)                                                                                          \
	INTERCEPT_CALLS_LEGACY(CALL)                                                                                   \
	/* who one is */                                                                                               \
	CALL(getuid, LEVEL_WRITE, COND_ALWAYS, do_getuid)                                                              \
	CALL(geteuid, LEVEL_WRITE, COND_ALWAYS, do_geteuid)                                                            \
	CALL(getgid, LEVEL_WRITE, COND_ALWAYS, do_getgid)                                                              \
	CALL(getegid, LEVEL_WRITE, COND_ALWAYS, do_getegid)                                                            \
	CALL(getresuid, LEVEL_WRITE, COND_ALWAYS, do_getresuid)                                                        \
	CALL(getresgid, LEVEL_WRITE, COND_ALWAYS, do_getresgid)                                                        \
	CALL(getgroups, LEVEL_WRITE, COND_ALWAYS, do_getgroups)                                                        \
	CALL(setuid, LEVEL_WRITE, COND_ALWAYS, do_setuid)                                                              \
	CALL(setgid, LEVEL_WRITE, COND_ALWAYS, do_setgid)                                                              \
	CALL(setreuid, LEVEL_WRITE, COND_ALWAYS, do_setreuid)                                                          \
	CALL(setregid, LEVEL_WRITE, COND_ALWAYS, do_setregid)                                                          \
	CALL(setresuid, LEVEL_WRITE, COND_ALWAYS, do_setresuid)                                                        \
	CALL(setresgid, LEVEL_WRITE, COND_ALWAYS, do_setresgid)                                                        \
	CALL(setfsuid, LEVEL_WRITE, COND_ALWAYS, do_setfsuid)                                                          \
	CALL(setfsgid, LEVEL_WRITE, COND_ALWAYS, do_setfsgid)                                                          \
	CALL(setgroups, LEVEL_WRITE, COND_ALWAYS, do_setgroups)                                                        \
	/* what one may */                                                                                             \
	CALL(capget, LEVEL_WRITE, COND_ALWAYS, do_capget)                                                              \
	CALL(capset, LEVEL_WRITE, COND_ALWAYS, do_capset)                                                              \
	CALL(prctl, LEVEL_WRITE, COND_PRCTL, do_prctl)                                                                 \
	CALL(execve, LEVEL_WRITE, COND_ALWAYS, do_execve)                                                              \
	CALL(execveat, LEVEL_WRITE, COND_ALWAYS, do_execveat)                                                          \
	CALL(chroot, LEVEL_WRITE, COND_ALWAYS, do_chroot)                                                              \
	CALL(unshare, LEVEL_WRITE, COND_UNSHARE, do_unshare)                                                           \
	CALL(setns, LEVEL_WRITE, COND_ALWAYS, do_unshare)                                                              \
	CALL(pivot_root, LEVEL_WRITE, COND_ALWAYS, do_unshare)                                                         \
	CALL(umask, LEVEL_WRITE, COND_ALWAYS, do_umask)                                                                \
	CALL(prlimit64, LEVEL_WRITE, COND_PRLIMIT_LOCKS, do_prlimit)                                                   \
	/* files: whose they are */                                                                                    \
	CALL(fchown, LEVEL_WRITE, COND_ALWAYS, do_fchown)                                                              \
	CALL(fchownat, LEVEL_WRITE, COND_ALWAYS, do_fchownat)                                                          \
	CALL(mknodat, LEVEL_WRITE, COND_ALWAYS, do_mknodat)                                                            \
	CALL(mkdirat, LEVEL_WRITE, COND_ALWAYS, do_mkdirat)                                                            \
	CALL(symlinkat, LEVEL_WRITE, COND_ALWAYS, do_symlinkat)                                                        \
	CALL(openat, LEVEL_WRITE, COND_OPENAT, do_openat)                                                              \
	CALL(openat2, LEVEL_WRITE, COND_ALWAYS, do_openat2)                                                            \
	/* sockets */                                                                                                  \
	CALL(bind, LEVEL_WRITE, COND_ALWAYS, do_bind)                                                                  \
	CALL(getsockopt, LEVEL_WRITE, COND_PEERCRED, do_getsockopt)                                                    \
	CALL(sendmsg, LEVEL_WRITE, COND_SENDMSG, do_sendmsg)                                                           \
	/* System V IPC */                                                                                             \
	CALL(shmget, LEVEL_WRITE, COND_ALWAYS, do_shmget)                                                              \
	CALL(semget, LEVEL_WRITE, COND_ALWAYS, do_semget)                                                              \
	CALL(msgget, LEVEL_WRITE, COND_ALWAYS, do_msgget)                                                              \
	CALL(shmctl, LEVEL_WRITE, COND_SHMCTL, do_shmctl)                                                              \
	CALL(semctl, LEVEL_WRITE, COND_SEMCTL, do_semctl)                                                              \
	CALL(msgctl, LEVEL_WRITE, COND_MSGCTL, do_msgctl)                                                              \
	/* looking at files */                                                                                         \
	CALL(fstat, LEVEL_READ, COND_ALWAYS, do_fstat)                                                                 \
	CALL(newfstatat, LEVEL_READ, COND_ALWAYS, do_newfstatat)                                                       \
	CALL(statx, LEVEL_READ, COND_STATX, do_statx)                                                                  \
	CALL(getxattr, LEVEL_READ, COND_ALWAYS, do_getxattr)                                                           \
	CALL(lgetxattr, LEVEL_READ, COND_ALWAYS, do_lgetxattr)                                                         \
	CALL(fgetxattr, LEVEL_READ, COND_ALWAYS, do_fgetxattr)                                                         \
	CALL(setxattr, LEVEL_READ, COND_ALWAYS, do_setxattr)                                                           \
	CALL(lsetxattr, LEVEL_READ, COND_ALWAYS, do_lsetxattr)                                                         \
	CALL(fsetxattr, LEVEL_READ, COND_ALWAYS, do_fsetxattr)                                                         \
	CALL(listxattr, LEVEL_READ, COND_ALWAYS, do_listxattr)                                                         \
	CALL(llistxattr, LEVEL_READ, COND_ALWAYS, do_llistxattr)                                                       \
	CALL(flistxattr, LEVEL_READ, COND_ALWAYS, do_flistxattr)                                                       \
	CALL(removexattr, LEVEL_READ, COND_ALWAYS, do_removexattr)                                                     \
	CALL(lremovexattr, LEVEL_READ, COND_ALWAYS, do_lremovexattr)                                                   \
	CALL(fremovexattr, LEVEL_READ, COND_ALWAYS, do_fremovexattr)                                                   \
	CALL(setxattrat, LEVEL_READ, COND_ALWAYS, do_setxattrat)                                                       \
	CALL(getxattrat, LEVEL_READ, COND_ALWAYS, do_getxattrat)                                                       \
	CALL(listxattrat, LEVEL_READ, COND_ALWAYS, do_listxattrat)                                                     \
	CALL(removexattrat, LEVEL_READ, COND_ALWAYS, do_removexattrat)                                                 \
	/* what a user may not */                                                                                      \
	CALL(faccessat, LEVEL_ACCESS, COND_ALWAYS, do_faccessat)                                                       \
	CALL(faccessat2, LEVEL_ACCESS, COND_ALWAYS, do_faccessat)                                                      \
	CALL(unlinkat, LEVEL_ACCESS, COND_ALWAYS, do_unlinkat)                                                         \
	CALL(renameat, LEVEL_ACCESS, COND_ALWAYS, do_renameat)                                                         \
	CALL(renameat2, LEVEL_ACCESS, COND_ALWAYS, do_renameat)                                                        \
	CALL(linkat, LEVEL_ACCESS, COND_ALWAYS, do_linkat)                                                             \
	CALL(fchmod, LEVEL_ACCESS, COND_ALWAYS, do_fchmod)                                                             \
	CALL(fchmodat, LEVEL_ACCESS, COND_ALWAYS, do_fchmodat)                                                         \
	CALL(fchmodat2, LEVEL_ACCESS, COND_ALWAYS, do_fchmodat)                                                        \
	CALL(truncate, LEVEL_ACCESS, COND_ALWAYS, do_truncate)                                                         \
	CALL(utimensat, LEVEL_ACCESS, COND_ALWAYS, do_utimensat)                                                       \
	CALL(kill, LEVEL_ACCESS, COND_ALWAYS, do_kill)                                                                 \
	CALL(mount, LEVEL_ACCESS, COND_ALWAYS, do_admin)                                                               \
	CALL(umount2, LEVEL_ACCESS, COND_ALWAYS, do_admin)                                                             \
	CALL(sethostname, LEVEL_ACCESS, COND_ALWAYS, do_admin)

enum intercept_cond {
	COND_ALWAYS,
	COND_OPEN,    /* may create (level 2: may write, or has no flags at all; level 3: all); flags are argument 1 */
	COND_OPENAT,  /* the same with flags as argument 2 */
	COND_PRCTL,   /* the options about capabilities */
	COND_UNSHARE, /* a mount or user namespace */
	COND_LIMIT_LOCKS,   /* RLIMIT_LOCKS as argument 0 */
	COND_PRLIMIT_LOCKS, /* as argument 1 */
	COND_PEERCRED,	    /* SO_PEERCRED, SO_PEERGROUPS */
	COND_SHMCTL,	    /* IPC_SET, IPC_STAT and the like as argument 1; COND_SEMCTL: as argument 2 */
	COND_SEMCTL,
	COND_MSGCTL,
	COND_SENDMSG, /* MSG_NOSIGNAL as argument 2: streams, whose users send credentials; not most datagrams */
	COND_STATX,   /* what it asks for, argument 3, has the owner, the mode or the type in it */
};

enum { LEVEL_WRITE = 1, LEVEL_READ = 2, LEVEL_ACCESS = 3 };

/* Newer than the headers that we build with; the same numbers on all architectures. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#define __NR_getxattrat 464
#define __NR_listxattrat 465
#define __NR_removexattrat 466
#endif
