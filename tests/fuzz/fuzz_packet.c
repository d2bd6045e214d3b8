/* Frames of the container, and the host's resolv.conf. */
#include "net/packet.h"
#include "net/resolv.h"

#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[70000];
	struct packet_udp u, again;
	struct resolv r;

	packet_may_leave(data, size, true);
	if (packet_parse_udp(data, size, &u)) {
		size_t len = packet_build_udp(&u, data, data, frame, sizeof(frame));

		if (len && (!packet_parse_udp(frame, len, &again) || again.len != u.len))
			abort();
	}
	resolv_parse((const char *)data, size, &r);
	if (r.len < 1 || r.len > RESOLV_SERVERS_MAX)
		abort();
	return 0;
}
