#include "tests/fuzz/fuzz.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "registry/message.h"

/* Both directions: what the client reads of a helper that was taken over, and the helper of anybody. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf autobuf in = BUF_INIT(1 << 20);
	struct message_options options;
	struct message_reply reply;
	struct operation op;

	if (buf_add(&in, data, size) < 0)
		return 0;
	if (message_read_reply(&in, &reply, NULL) >= 0)
		FUZZ_ASSERT(strnlen(reply.err.msg, sizeof(reply.err.msg)) < sizeof(reply.err.msg));
	if (message_read_operation(&in, &op, NULL) >= 0) {
		FUZZ_ASSERT(op.kind < OPERATION_KINDS && op.fd == -1);
		operation_done(&op);
	}
	if (message_read_options(&in, &options, NULL) >= 0)
		message_options_done(&options);
	return 0;
}
