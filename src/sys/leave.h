/*
 * Ending a process while something is left to be done that nobody should wait for: a process of its own does it, in the
 * memory that is no longer used (sys/vfork.h), so that nothing is copied and nothing taken apart before whoever
 * waits for us hears of our end.
 */
#pragma once

/*
 * FN(ARG) is to be done once this process ends by leave(); at most one such thing, the last that was asked for. It runs
 * without a terminal, with /dev/null as 0, 1 and 2, and with all signals blocked. What it needs must not be
 * released by then.
 */
void leave_behind(void (*fn)(void *arg), void *arg);

/* Ends the process with CODE. Output must have been flushed. */
_Noreturn void leave(int code);
