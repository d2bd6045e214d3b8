/*
 * Guests: processes that join the container from outside (`exec`), each with a filter and so a listener of its own, since it doesn't
 * descend from pid 1. Whoever starts one announces it at the door, a socket in a folder that only the container's
 * owner may enter, and says who the guest is to be: it can't be looked into before it has executed something of the container's.
 */
#pragma once

/* The listening socket; -1: none. For poll. */
extern int guest_door;

/* Takes in the one who waits at the door, and answers; never blocks for long. */
void guest_admit(void);
