/* The fetch helper's life. */
#pragma once

/*
 * Receives the options on SOCK, parts into the connector and the confined half, and serves operations until SOCK is
 * closed. Returns the exit status.
 */
int registry_serve(int sock);
