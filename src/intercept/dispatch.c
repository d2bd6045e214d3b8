#include "intercept/handlers.h"

enum { CALLS = 512 };

static const handler_fn handlers[CALLS] = {
#define ROW(name, level, cond, handler) [__NR_##name] = handler,
	INTERCEPT_CALLS(ROW)
#undef ROW
};

handler_fn handler_of(int nr)
{
	return nr >= 0 && nr < CALLS ? handlers[nr] : NULL;
}
