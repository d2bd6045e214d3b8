/* How the operations are done, in the confined half of the fetch helper. Each is one thread's work. */
#pragma once

#include "registry/operation.h"
#include "registry/session.h"

int operation_run(struct session *s, struct operation *op, struct operation_result *ret, struct err *err);

/* --- operations_upload.c --- */
int operation_put_blob(struct session *s, struct operation *op, struct err *err);
int operation_mount_blob(struct session *s, struct operation *op, struct operation_result *ret, struct err *err);
