/* The words of published and exposed ports. */
#include "net/ports.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_list list = { 0 }, exposed = { 0 };
	struct buf text = BUF_INIT(1 << 20);
	char *word = strndup((const char *)data, size);

	if (ports_parse_publish(word, &list, NULL) == 0 && list.len == 0)
		abort();
	ports_parse_expose(word, &exposed, NULL);
	ports_format(&list, &exposed, &text);
	buf_done(&text);
	free(list.items);
	free(exposed.items);
	free(word);
	return 0;
}
