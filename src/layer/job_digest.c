/* The digest of a blob that may be anything. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "layer/sha256.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_SIZE = 256 << 10 };

static ssize_t read_some(int fd, void *dst, size_t len)
{
	ssize_t n;

	do
		n = read(fd, dst, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static int check(const struct layer_input *in, const struct layer_result *result, struct err *err)
{
	char wanted[DIGEST_STR_MAX], actual[DIGEST_STR_MAX];

	if (in->expected_size && result->size != in->expected_size)
		return err_set(err, EBADMSG, "it has %" PRIu64 " bytes, not the %" PRIu64 " that are stated",
			       result->size, in->expected_size);
	if (!in->has_digest || digest_equal(&in->digest, &result->digest))
		return 0;
	digest_format(&in->digest, wanted);
	digest_format(&result->digest, actual);
	return err_set(err, EBADMSG, "the digest is %s, not %s", actual, wanted);
}

int job_digest(struct job *j, struct err *err)
{
	autofree uint8_t *chunk = malloc(READ_SIZE);
	struct sha256 sha;
	ssize_t n;

	if (!chunk)
		return err_oom(err);
	sha256_init(&sha);
	while ((n = read_some(j->q.digest.fd, chunk, READ_SIZE)) > 0) {
		sha256_add(&sha, chunk, (size_t)n);
		j->result.size += (uint64_t)n;
	}
	if (n < 0)
		return err_errno(err, errno, "read the blob");
	sha256_end(&sha, &j->result.digest);
	return check(&j->q.digest, &j->result, err);
}
