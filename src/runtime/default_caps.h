/* The capabilities that a container has unless asked otherwise: docker's 14 of 41. */
#pragma once

#include "sys/caps.h"

#include <linux/capability.h>

#define DEFAULT_CAPS                                                                                                   \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) |                  \
	 CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETPCAP) |                        \
	 CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_NET_RAW) | CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_MKNOD) |         \
	 CAP_BIT(CAP_AUDIT_WRITE) | CAP_BIT(CAP_SETFCAP))
