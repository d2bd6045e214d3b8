/* One job as the helper sees it: the request, its way back to the client, and the verbs. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "codec/tar.h"
#include "layer/client.h"
#include "layer/wire.h"

struct job {
	int sock; /* not owned */
	bool single;
	struct layer_request q; /* descriptors are owned; strings point into request */
	struct buf request;
	struct layer_result result;

	/* Items as they come (PACK, COPY, HASH, DIFF). */
	struct buf items;
	struct wire items_wire;
	bool items_ended;

	/* Entries or members on their way out. */
	struct buf out;
	int tree_fd; /* APPLY, REMOVE: the folder, opened before the confinement; owned */
};

/* 1 and the next item, whose strings and descriptor are good until the next call; 0 at the end. */
int job_next_item(struct job *j, struct layer_item *ret, struct err *err);
/* Tells the client an entry or a member; gathered into messages. */
int job_tell_entry(struct job *j, struct layer_entry *e, struct err *err);
int job_tell_member(struct job *j, struct layer_member *m, struct err *err);
/* Sends what is gathered. */
int job_flush(struct job *j, struct err *err);

/* Takes one event of an archive; negative: the reading ends with that. */
typedef int job_take_event(void *arg, const struct tar_event *ev, struct err *err);
/* Reads the archive IN to its end, event by event; its digests and sizes go to RET. */
int job_read_archive(struct job *j, const struct layer_input *in, job_take_event *take, void *arg,
		     struct layer_result *ret, struct err *err);

/* Tells the client why the job has failed. job_serve does that by itself. */
void job_report_error(struct job *j, struct err *err);

/* The verbs. Each sets j->result, or fails. */
int job_apply(struct job *j, struct err *err);
int job_lazy(struct job *j, struct err *err);
int job_list(struct job *j, struct err *err);
int job_split(struct job *j, struct err *err);
int job_pack(struct job *j, struct err *err);
int job_copy(struct job *j, struct err *err);
int job_hash(struct job *j, struct err *err);
int job_digest(struct job *j, struct err *err);
int job_shrink(struct job *j, struct err *err);
int job_record(struct job *j, struct err *err);
int job_diff(struct job *j, struct err *err);

/* Receives one request on SOCK, confines the process, does the job, and reports. Returns the exit status. */
int job_serve(int sock);
